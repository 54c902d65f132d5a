use super::*;
use crate::{ConversationId, Decider, KeyId, Personal, Timestamp, UserId, values::HoldReason};
use uuid::Uuid;

const AT: Timestamp = Timestamp::from_millis(1_000);

fn user(n: u128) -> UserId {
    UserId::new(Uuid::from_u128(n))
}

fn conversation(n: u128) -> ConversationId {
    ConversationId::new(Uuid::from_u128(n))
}

fn reason(text: &str) -> HoldReason {
    HoldReason::parse(text).unwrap()
}

fn place(target: HoldTarget, why: &str) -> HoldCommand {
    HoldCommand::Place { target, reason: reason(why), key: KeyId(9), by: Some(user(1)), at: AT }
}

fn placed(target: HoldTarget, why: &str) -> HoldEvent {
    HoldPlaced { target, by: Some(user(1)), at: AT, key: KeyId(9), reason: Personal::Clear(reason(why)) }.into()
}

fn release(target: HoldTarget) -> HoldCommand {
    HoldCommand::Release { target, by: Some(user(1)), at: AT }
}

fn released(target: HoldTarget) -> HoldEvent {
    HoldReleased { target, by: Some(user(1)), at: AT }.into()
}

fn when(given: &[HoldEvent], command: &HoldCommand) -> Result<Vec<HoldEvent>, HoldRefusal> {
    HoldDecider::decide(&HoldDecider::fold(given), command)
}

#[test]
fn something_is_held_until_it_is_released() {
    let target = HoldTarget::User(user(2));
    assert_eq!(when(&[], &place(target, "case 1")), Ok(vec![placed(target, "case 1")]));
    let given = [placed(target, "case 1")];
    assert_eq!(when(&given, &place(target, "case 1")), Ok(vec![]));
    assert_eq!(when(&given, &place(target, "case 2")), Ok(vec![placed(target, "case 2")]));
    assert_eq!(when(&given, &release(target)), Ok(vec![released(target)]));
    let given = [placed(target, "case 1"), released(target)];
    assert_eq!(when(&given, &release(target)), Ok(vec![]));
    assert!(HoldDecider::fold(&given).is_empty());
}

#[test]
fn a_hold_covers_what_it_says_and_nothing_else() {
    let holds = HoldDecider::fold(&[
        placed(HoldTarget::User(user(2)), "one"),
        placed(HoldTarget::Conversation(conversation(7)), "two"),
        placed(HoldTarget::Conversation(conversation(8)), "three"),
        released(HoldTarget::Conversation(conversation(8))),
    ]);
    assert!(holds.covers(conversation(7), user(1)) && holds.covers(conversation(9), user(2)));
    assert!(!holds.covers(conversation(8), user(1)));
    assert!(holds.covers_person(user(2), []) && holds.covers_person(user(1), [conversation(8), conversation(7)]));
    assert!(!holds.covers_person(user(1), [conversation(8)]));
}

#[test]
fn there_are_only_so_many_holds() {
    let mut given: Vec<_> =
        (0..MAX_HOLDS as u128).map(|n| placed(HoldTarget::Conversation(conversation(n)), "many")).collect();
    let one_more = place(HoldTarget::User(user(2)), "one more");
    assert_eq!(when(&given, &one_more), Err(HoldRefusal::TooMany));
    assert_eq!(
        when(&given, &place(HoldTarget::Conversation(conversation(3)), "else")).map(|events| events.len()),
        Ok(1)
    );
    given.push(released(HoldTarget::Conversation(conversation(3))));
    assert_eq!(when(&given, &one_more).map(|events| events.len()), Ok(1));
}

#[test]
fn ascertaining_changes_nothing() {
    assert_eq!(when(&[], &HoldCommand::Ascertain), Ok(vec![]));
}
