//! Groups: how they start, and how people come and go.

use super::*;

#[test]
fn a_group_is_started_once_and_belongs_to_who_started_it() {
    assert_eq!(when(&[], &start_group(&[1, 2, 3])), Ok(vec![group(&[1, 2, 3])]));
    assert_eq!(when(&[group(&[1, 2, 3])], &start_group(&[1, 2, 3])), Ok(vec![]));
    assert_eq!(when(&[group(&[1, 2, 3])], &start_group(&[4, 2])), Err(ConversationRefusal::NotAMember));
    let conversation = after(&[group(&[1, 2, 3])]);
    assert_eq!(conversation.member(user(1)).unwrap().role, MemberRole::Owner);
    assert_eq!(conversation.member(user(2)).unwrap().role, MemberRole::Member);
    assert_eq!((conversation.member_count, conversation.last_seq), (3, 0));
}

#[test]
fn a_group_names_each_of_its_people_once_and_may_have_only_an_owner() {
    assert_eq!(when(&[], &start_group(&[1, 2, 1, 3, 2])), Ok(vec![group(&[1, 2, 3])]));
    assert_eq!(when(&[], &start_group(&[1])), Ok(vec![group(&[1])]));
}

#[test]
fn a_group_starts_with_at_most_a_thousand_people() {
    let people: Vec<u128> = (1..=1_001).collect();
    assert!(when(&[], &start_group(&people[..MAX_STARTING_MEMBERS])).is_ok());
    assert_eq!(when(&[], &start_group(&people)), Err(ConversationRefusal::TooManyMembers));
}

#[test]
fn nothing_happens_in_a_conversation_that_was_never_started() {
    for command in [rename(1, "Else"), add(1, 2, None), join(1), remove(1, 2), remove(1, 1), send(1)] {
        assert_eq!(when(&[], &command), Err(ConversationRefusal::NoSuchConversation), "{command:?}");
    }
}

#[test]
fn a_group_is_renamed_once() {
    let renamed: ConversationEvent =
        ConversationRenamed { by: user(1), key: KEY, at: AT, name: Personal::Clear(name("Else")) }.into();
    assert_eq!(when(&[group(&[1, 2])], &rename(1, "Else")), Ok(vec![renamed.clone()]));
    assert_eq!(when(&[group(&[1, 2]), renamed.clone()], &rename(1, "Else")), Ok(vec![]));
    assert_eq!(after(&[group(&[1, 2]), renamed]).name, Some(name("Else")));
    assert_eq!(when(&[group(&[1, 2])], &rename(1, "Engines")), Ok(vec![]));
}

#[test]
fn who_is_in_a_group_is_not_added_again() {
    let given = [group(&[1, 2]), added(3, MemberRole::Admin, 1)];
    for command in [
        add(2, 3, None),
        add(2, 3, Some(MemberRole::Admin)),
        add(2, 2, Some(MemberRole::Member)),
        add(2, 1, None),
        add(1, 1, Some(MemberRole::Owner)),
    ] {
        assert_eq!(when(&given, &command), Ok(vec![]), "{command:?}");
    }
}

#[test]
fn a_full_group_takes_nobody_more_but_still_changes_roles() {
    let mut conversation = after(&[group(&[1, 2])]);
    conversation.member_count = MAX_MEMBERS;
    let full = Some(conversation);
    let decide = |command| ConversationDecider::decide(&full, &command);
    assert_eq!(decide(add(2, 3, None)), Err(ConversationRefusal::TooManyMembers));
    assert_eq!(decide(join(3)), Err(ConversationRefusal::TooManyMembers));
    assert_eq!(decide(add(1, 2, None)), Ok(vec![]));
    assert_eq!(decide(add(1, 2, Some(MemberRole::Admin))), Ok(vec![became(2, MemberRole::Admin, 1)]));
}

#[test]
fn who_joins_by_themselves_is_a_member_and_joins_once() {
    let given = [group(&[1, 2]), added(3, MemberRole::Member, 3)];
    assert_eq!(when(&given[..1], &join(3)), Ok(vec![given[1].clone()]));
    assert_eq!(when(&given, &join(3)), Ok(vec![]));
    assert_eq!(when(&given, &join(1)), Ok(vec![]));
}

#[test]
fn leaving_or_removing_twice_is_doing_it_once() {
    let given = [group(&[1, 2, 3])];
    assert_eq!(when(&given, &remove(2, 2)), Ok(vec![removed(2, 2)]));
    assert_eq!(when(&[given[0].clone(), removed(2, 2)], &remove(2, 2)), Ok(vec![]));
    assert_eq!(when(&given, &remove(1, 2)), Ok(vec![removed(2, 1)]));
    assert_eq!(when(&[given[0].clone(), removed(2, 1)], &remove(1, 2)), Ok(vec![]));
    assert_eq!(when(&given, &remove(1, 9)), Ok(vec![]));
}

#[test]
fn who_left_sees_what_was_sent_until_then_and_who_returns_sees_all() {
    let mut given = vec![group(&[1, 2]), sent(1, 1), sent(2, 1), removed(2, 2), sent(3, 1)];
    let conversation = after(&given);
    let seen = |conversation: &Conversation, who| (0..=5).filter(|seq| conversation.shows(user(who), *seq)).collect();
    let seen = |conversation: &Conversation, who| -> Vec<u64> { seen(conversation, who) };
    assert_eq!(seen(&conversation, 2), [1, 2]);
    assert_eq!(seen(&conversation, 1), [1, 2, 3]);
    assert_eq!(seen(&conversation, 9), [0; 0]);
    assert_eq!(conversation.member(user(2)), None);
    given.extend([added(2, MemberRole::Member, 1), sent(4, 1)]);
    assert_eq!(seen(&after(&given), 2), [1, 2, 3, 4]);
    given.extend([removed(2, 1), sent(5, 1)]);
    assert_eq!(seen(&after(&given), 2), [1, 2, 3, 4]);
}

#[test]
fn nothing_from_before_joining_counts_as_unread() {
    let mut given = vec![group(&[1, 2]), sent(1, 1), added(3, MemberRole::Member, 2), sent(2, 3), sent(3, 1)];
    let floors = |given: &[ConversationEvent]| [1, 2, 3].map(|who| after(given).people[&user(who)].floor());
    assert_eq!(floors(&given), [3, 0, 2]);
    given.extend([removed(3, 3), sent(4, 2), sent(5, 1), added(3, MemberRole::Member, 1), sent(6, 1)]);
    assert_eq!(floors(&given), [6, 4, 5]);
    let returned = after(&given).people[&user(3)];
    assert_eq!((returned.joined_seq, returned.sent_seq, returned.present), (5, 2, true));
}

#[test]
fn who_returns_is_a_plain_member_unless_made_more() {
    let given = [group(&[1, 2]), became(2, MemberRole::Admin, 1), removed(2, 1)];
    assert_eq!(when(&given, &add(1, 2, None)), Ok(vec![added(2, MemberRole::Member, 1)]));
    assert_eq!(when(&given, &add(1, 2, Some(MemberRole::Admin))), Ok(vec![added(2, MemberRole::Admin, 1)]));
    assert_eq!(when(&given, &add(2, 2, None)), Err(ConversationRefusal::NotAMember));
}

#[test]
fn the_number_of_members_is_the_number_of_those_present() {
    let given = [
        group(&[1, 2]),
        added(3, MemberRole::Member, 1),
        added(3, MemberRole::Member, 2),
        removed(2, 1),
        removed(2, 1),
    ];
    assert_eq!(after(&given).member_count, 2);
}
