//! Who owns a group after its owner left.

use super::{MemberRole::Admin, *};

fn owner_leaves(given: &[ConversationEvent], owner: u128) -> Vec<ConversationEvent> {
    when(given, &remove(owner, owner)).unwrap()
}

#[test]
fn the_longest_standing_admin_follows_the_owner() {
    let given = [group(&[1, 2, 3, 4]), became(4, Admin, 1), became(3, Admin, 1)];
    assert_eq!(owner_leaves(&given, 1), [removed(1, 1), became(3, MemberRole::Owner, 1)]);
}

#[test]
fn without_admins_the_longest_standing_member_follows() {
    assert_eq!(owner_leaves(&[group(&[1, 2, 3])], 1), [removed(1, 1), became(2, MemberRole::Owner, 1)]);
}

#[test]
fn who_returned_has_stood_since_then() {
    let given = [group(&[1, 2, 3]), removed(2, 2), added(2, MemberRole::Member, 1)];
    assert_eq!(owner_leaves(&given, 1), [removed(1, 1), became(3, MemberRole::Owner, 1)]);
}

#[test]
fn who_left_follows_nobody() {
    let given = [group(&[1, 2, 3]), became(2, Admin, 1), removed(2, 2)];
    assert_eq!(owner_leaves(&given, 1), [removed(1, 1), became(3, MemberRole::Owner, 1)]);
}

#[test]
fn an_owner_who_returns_is_a_member_like_any_other() {
    let mut given = vec![group(&[1, 2, 3])];
    given.extend(owner_leaves(&given, 1));
    assert_eq!(when(&given, &remove(1, 1)), Ok(vec![]));
    given.push(added(1, MemberRole::Member, 3));
    let conversation = after(&given);
    assert_eq!(conversation.member(user(1)).unwrap().role, MemberRole::Member);
    assert_eq!(conversation.member(user(2)).unwrap().role, MemberRole::Owner);
    assert_eq!(owner_leaves(&given, 2), [removed(2, 2), became(3, MemberRole::Owner, 2)]);
}

#[test]
fn a_group_without_people_waits_for_one_who_joins() {
    let mut given = vec![group(&[1, 2]), removed(2, 2), sent(1, 1)];
    let events = owner_leaves(&given, 1);
    assert_eq!(events, [removed(1, 1)]);
    given.extend(events);
    assert_eq!(after(&given).member_count, 0);
    for command in [send(1), add(1, 1, None), add(2, 2, None), rename(1, "Else"), start_group(&[1, 2])] {
        assert_eq!(when(&given, &command), Err(ConversationRefusal::NotAMember), "{command:?}");
    }
    assert_eq!(when(&given, &join(2)), Ok(vec![added(2, MemberRole::Owner, 2)]));
    assert!(after(&given).shows(user(1), 1));
    assert!(!after(&given).shows(user(2), 1));
}
