//! Direct conversations: 2 to 20 people, fixed.

use super::*;

#[test]
fn a_direct_conversation_is_started_once_by_any_of_its_people() {
    assert_eq!(when(&[], &start_direct(&[1, 2])), Ok(vec![direct(&[1, 2])]));
    assert_eq!(when(&[direct(&[1, 2])], &start_direct(&[1, 2])), Ok(vec![]));
    assert_eq!(when(&[direct(&[1, 2])], &start_direct(&[2, 1])), Ok(vec![]));
    assert_eq!(when(&[direct(&[1, 2])], &start_direct(&[3, 1])), Err(ConversationRefusal::NotAMember));
}

#[test]
fn a_direct_conversation_has_two_to_twenty_different_people() {
    let people: Vec<u128> = (1..=21).collect();
    assert_eq!(when(&[], &start_direct(&[1])), Err(ConversationRefusal::DirectSize));
    assert_eq!(when(&[], &start_direct(&[1, 1, 1])), Err(ConversationRefusal::DirectSize));
    assert_eq!(when(&[], &start_direct(&people[..20])), Ok(vec![direct(&people[..20])]));
    assert_eq!(when(&[], &start_direct(&people)), Err(ConversationRefusal::DirectSize));
    assert_eq!(when(&[], &start_direct(&[1, 2, 1, 2, 3])), Ok(vec![direct(&[1, 2, 3])]));
}

#[test]
fn all_people_of_a_direct_conversation_are_plain_members_and_may_send() {
    let given = [direct(&[1, 2, 3])];
    let conversation = after(&given);
    for person in [1, 2, 3] {
        assert_eq!(conversation.member(user(person)).unwrap().role, MemberRole::Member);
        assert_eq!(when(&given, &send(person)), Ok(vec![sent(1, person)]));
    }
    assert_eq!(when(&given, &send(4)), Err(ConversationRefusal::NotAMember));
}

#[test]
fn nobody_joins_leaves_renames_or_gets_a_role_in_a_direct_conversation() {
    let commands = |by| {
        [
            rename(by, "Else"),
            add(by, 9, None),
            add(by, 2, None),
            add(by, 2, Some(MemberRole::Member)),
            add(by, 2, Some(MemberRole::Admin)),
            remove(by, 2),
            remove(by, 9),
            remove(by, by),
        ]
    };
    for command in commands(1) {
        assert_eq!(when(&[direct(&[1, 2])], &command), Err(ConversationRefusal::DirectIsFixed), "{command:?}");
    }
    for by in [1, 3] {
        assert_eq!(when(&[direct(&[1, 2])], &join(by)), Err(ConversationRefusal::DirectIsFixed));
    }
    for command in commands(3) {
        assert_eq!(when(&[direct(&[1, 2])], &command), Err(ConversationRefusal::NotAMember), "{command:?}");
    }
}

fn blocks(by: &[u128], changes: u64) -> ConversationEvent {
    DirectBlocksChanged { blocked_by: users(by), changes, at: AT }.into()
}

fn know_blocks(by: &[u128], changes: u64) -> ConversationCommand {
    ConversationCommand::KnowBlocks { by: user(1), blocked_by: users(by), changes, at: AT }
}

#[test]
fn the_blocked_one_sends_nothing_and_the_blocker_may() {
    let given = [direct(&[1, 2]), blocks(&[1], 1)];
    assert_eq!(when(&given, &send(2)), Err(ConversationRefusal::Blocked));
    assert_eq!(when(&given, &start_direct(&[2, 1])), Err(ConversationRefusal::Blocked));
    assert_eq!(when(&given, &send(1)), Ok(vec![sent(1, 1)]));
    assert_eq!(when(&given, &start_direct(&[1, 2])), Ok(vec![]));
    let both = [direct(&[1, 2]), blocks(&[1, 2], 2)];
    assert_eq!(when(&both, &send(1)), Err(ConversationRefusal::Blocked));
    let over = [direct(&[1, 2]), blocks(&[1], 1), blocks(&[], 2)];
    assert_eq!(when(&over, &send(2)), Ok(vec![sent(1, 2)]));
}

#[test]
fn a_block_is_known_before_the_conversation_is_started() {
    assert_eq!(when(&[], &know_blocks(&[1], 1)), Ok(vec![blocks(&[1], 1)]));
    let given = [blocks(&[1], 1)];
    for command in [start_direct(&[2, 1]), send(2)] {
        assert_eq!(when(&given, &command), Err(ConversationRefusal::Blocked), "{command:?}");
    }
    assert_eq!(when(&given, &send(1)), Err(ConversationRefusal::NoSuchConversation));
    assert_eq!(when(&given, &start_direct(&[1, 2])), Ok(vec![direct(&[1, 2])]));
    assert_eq!(when(&[blocks(&[1], 1), direct(&[1, 2])], &send(2)), Err(ConversationRefusal::Blocked));
}

#[test]
fn of_two_copies_of_the_blocks_the_newer_counts() {
    let given = [direct(&[1, 2]), blocks(&[1], 3)];
    for changes in 1..=3 {
        assert_eq!(when(&given, &know_blocks(&[], changes)), Ok(vec![]), "{changes}");
    }
    // the same again, but newer: what comes late from between must not undo it
    assert_eq!(when(&given, &know_blocks(&[1], 5)), Ok(vec![blocks(&[1], 5)]));
}
