//! Sending.

use super::*;

#[test]
fn messages_are_numbered_from_one_whoever_sends_them() {
    assert_eq!(when(&[group(&[1, 2])], &send(1)), Ok(vec![sent(1, 1)]));
    assert_eq!(when(&[group(&[1, 2]), sent(1, 1)], &send(2)), Ok(vec![sent(2, 2)]));
    assert_eq!(when(&[group(&[1, 2]), sent(1, 1)], &send(1)), Ok(vec![sent(2, 1)]));
    assert_eq!(after(&[group(&[1, 2]), sent(1, 1), sent(2, 2)]).last_seq, 2);
}

#[test]
fn a_reply_answers_a_message_that_is_there() {
    let given = [group(&[1, 2]), sent(1, 1), sent(2, 1)];
    let reply = |seq| ConversationCommand::Send(SendMessage { reply_to: Some(seq), ..sending(2) });
    for seq in [1, 2] {
        let answer = MessageSent { reply_to: Some(seq), ..message(3, 2) };
        assert_eq!(when(&given, &reply(seq)), Ok(vec![answer.into()]));
    }
    for seq in [0, 3, u64::MAX] {
        assert_eq!(when(&given, &reply(seq)), Err(ConversationRefusal::NoSuchReply));
    }
}

#[test]
fn only_members_are_mentioned_and_each_once() {
    let given = [group(&[1, 2, 3, 4]), removed(4, 1)];
    let command = ConversationCommand::Send(SendMessage { mentions: users(&[3, 9, 2, 4, 3]), ..sending(1) });
    let event = MessageSent { mentions: users(&[3, 2]), ..message(1, 1) };
    assert_eq!(when(&given, &command), Ok(vec![event.into()]));
}

#[test]
fn a_stranger_may_not_send_a_message() {
    assert_eq!(when(&[group(&[1, 2])], &send(3)), Err(ConversationRefusal::NotAMember));
    assert_eq!(when(&[group(&[1, 2]), removed(2, 2)], &send(2)), Err(ConversationRefusal::NotAMember));
}

#[test]
fn sending_moves_the_senders_own_mark() {
    let conversation = after(&[group(&[1, 2]), sent(1, 1), sent(2, 2), sent(3, 1)]);
    assert_eq!(conversation.people[&user(1)].floor(), 3);
    assert_eq!(conversation.people[&user(2)].floor(), 2);
}

#[test]
fn messages_are_counted_without_being_opened() {
    let names = <ConversationEvent as crate::StoredEvent>::NAMES;
    let closed: Vec<_> = names.iter().filter(|name| !ConversationDecider::opens(name)).collect();
    assert_eq!(closed, [&"message_sent"]);
    let withheld = MessageSent { content: Personal::Withheld, ..message(1, 1) };
    assert_eq!(after(&[group(&[1]), withheld.into()]), after(&[group(&[1]), sent(1, 1)]));
}
