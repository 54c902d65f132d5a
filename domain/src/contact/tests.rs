use super::*;
use crate::{Decider, Timestamp, UserId};
use uuid::Uuid;

const AT: Timestamp = Timestamp::from_millis(1_000);
const ADA: u128 = 1;
const BOB: u128 = 2;

fn user(n: u128) -> UserId {
    UserId::new(Uuid::from_u128(n))
}

fn requested(by: u128) -> ContactEvent {
    ContactRequested { by: user(by), at: AT }.into()
}

fn accepted(by: u128) -> ContactEvent {
    ContactAccepted { by: user(by), at: AT }.into()
}

fn ended(by: u128, how: Ending) -> ContactEvent {
    ContactEnded { by: user(by), how, at: AT }.into()
}

fn blocked(by: u128) -> ContactEvent {
    PersonBlocked { by: user(by), at: AT }.into()
}

fn unblocked(by: u128) -> ContactEvent {
    PersonUnblocked { by: user(by), at: AT }.into()
}

fn when(given: &[ContactEvent], by: u128, action: ContactAction) -> Result<Vec<ContactEvent>, ContactRefusal> {
    let command = ContactCommand { by: user(by), action, at: AT };
    ContactDecider::decide(&ContactDecider::fold(given), &command)
}

use ContactAction::{Ask, Block, End, Unblock};

#[test]
fn who_asks_a_stranger_has_asked_once() {
    assert_eq!(when(&[], ADA, Ask), Ok(vec![requested(ADA)]));
    assert_eq!(when(&[requested(ADA)], ADA, Ask), Ok(vec![]));
}

#[test]
fn who_asks_back_has_accepted() {
    assert_eq!(when(&[requested(ADA)], BOB, Ask), Ok(vec![accepted(BOB)]));
    for by in [ADA, BOB] {
        assert_eq!(when(&[requested(ADA), accepted(BOB)], by, Ask), Ok(vec![]));
    }
}

#[test]
fn a_request_is_withdrawn_by_one_and_declined_by_the_other() {
    assert_eq!(when(&[requested(ADA)], ADA, End), Ok(vec![ended(ADA, Ending::Withdrawn)]));
    assert_eq!(when(&[requested(ADA)], BOB, End), Ok(vec![ended(BOB, Ending::Declined)]));
}

#[test]
fn each_of_two_contacts_may_end_it_and_ask_anew() {
    let contacts = [requested(ADA), accepted(BOB)];
    for by in [ADA, BOB] {
        assert_eq!(when(&contacts, by, End), Ok(vec![ended(by, Ending::Removed)]));
    }
    let over = [requested(ADA), accepted(BOB), ended(BOB, Ending::Removed)];
    assert_eq!(when(&over, ADA, Ask), Ok(vec![requested(ADA)]));
    assert_eq!(when(&over, ADA, End), Ok(vec![]));
}

#[test]
fn nothing_ends_where_nothing_was() {
    assert_eq!(when(&[], ADA, End), Ok(vec![]));
}

#[test]
fn a_block_ends_whatever_was_there_in_one_step() {
    assert_eq!(when(&[], ADA, Block), Ok(vec![blocked(ADA)]));
    for given in [vec![requested(ADA)], vec![requested(BOB)], vec![requested(ADA), accepted(BOB)]] {
        assert_eq!(when(&given, ADA, Block), Ok(vec![ended(ADA, Ending::Blocked), blocked(ADA)]), "{given:?}");
    }
    assert_eq!(when(&[blocked(ADA)], ADA, Block), Ok(vec![]));
}

#[test]
fn each_blocks_and_unblocks_for_oneself() {
    assert_eq!(when(&[blocked(ADA)], BOB, Block), Ok(vec![blocked(BOB)]));
    assert_eq!(when(&[blocked(ADA)], ADA, Unblock), Ok(vec![unblocked(ADA)]));
    assert_eq!(when(&[blocked(ADA)], BOB, Unblock), Ok(vec![]));
    assert_eq!(when(&[blocked(ADA), unblocked(ADA)], ADA, Unblock), Ok(vec![]));
}

#[test]
fn the_blocked_one_may_not_ask_and_the_blocker_must_unblock_first() {
    assert_eq!(when(&[blocked(ADA)], BOB, Ask), Err(ContactRefusal::Blocked));
    assert_eq!(when(&[blocked(ADA)], ADA, Ask), Err(ContactRefusal::Blocking));
    // of two blocks one learns about one's own first
    assert_eq!(when(&[blocked(ADA), blocked(BOB)], BOB, Ask), Err(ContactRefusal::Blocking));
    assert_eq!(when(&[blocked(ADA), unblocked(ADA)], BOB, Ask), Ok(vec![requested(BOB)]));
}

#[test]
fn a_block_stops_the_other_alone_and_its_changes_are_counted() {
    let state = ContactDecider::fold(&[blocked(ADA), unblocked(ADA), blocked(ADA)]);
    assert_eq!((state.stops(user(BOB)), state.stops(user(ADA)), state.block_changes), (true, false, 3));
}
