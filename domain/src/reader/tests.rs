use super::*;
use crate::{Decider, Timestamp};

const AT: Timestamp = Timestamp::from_millis(1_000);

/// A reader who sees ten messages and sent none of them.
const TEN: Vantage = Vantage { floor: 0, last: 10 };

fn sent(floor: u64) -> Vantage {
    Vantage { floor, ..TEN }
}

fn read_up_to(seq: u64) -> ReaderEvent {
    ReadUpTo { seq, at: AT }.into()
}

fn delivered_up_to(seq: u64) -> ReaderEvent {
    DeliveredUpTo { seq, at: AT }.into()
}

fn read(seq: u64) -> ReaderEvent {
    MessageMarkedRead { seq, at: AT }.into()
}

fn unread(seq: u64, floor: u64) -> ReaderEvent {
    MessageMarkedUnread { seq, floor, at: AT }.into()
}

fn hidden(seq: u64) -> ReaderEvent {
    MessageHidden { seq, at: AT }.into()
}

fn set(muted: Option<bool>, archived: Option<bool>) -> ReaderEvent {
    ReaderSettingsChanged { muted, archived, at: AT }.into()
}

fn mark_unread(seq: u64) -> ReaderAction {
    ReaderAction::MarkUnread { seq, countable: true }
}

fn when(given: &[ReaderEvent], vantage: Vantage, action: ReaderAction) -> Result<Vec<ReaderEvent>, ReaderRefusal> {
    ReaderDecider::decide(&ReaderDecider::fold(given), &ReaderCommand { vantage, at: AT, action })
}

#[test]
fn the_mark_moves_forward_only() {
    let to = ReaderAction::ReadUpTo;
    assert_eq!(when(&[], TEN, to(4)), Ok(vec![read_up_to(4)]));
    assert_eq!(when(&[read_up_to(4)], TEN, to(4)), Ok(vec![]));
    assert_eq!(when(&[read_up_to(4)], TEN, to(3)), Ok(vec![]));
    assert_eq!(when(&[read_up_to(4)], TEN, to(5)), Ok(vec![read_up_to(5)]));
    assert_eq!(ReaderDecider::fold(&[read_up_to(4), read_up_to(3)]).mark, 4);
}

#[test]
fn what_one_sent_is_read() {
    assert_eq!(when(&[], sent(6), ReaderAction::ReadUpTo(5)), Ok(vec![]));
    assert_eq!(when(&[], sent(6), ReaderAction::ReadUpTo(6)), Ok(vec![]));
    assert_eq!(when(&[], sent(6), ReaderAction::ReadUpTo(7)), Ok(vec![read_up_to(7)]));
    assert_eq!(when(&[], sent(6), ReaderAction::MarkRead(5)), Ok(vec![]));
    assert_eq!(when(&[], sent(6), ReaderAction::MarkRead(7)), Ok(vec![read(7)]));
}

#[test]
fn nobody_reads_what_is_not_there() {
    let actions = |seq| {
        [
            ReaderAction::ReadUpTo(seq),
            ReaderAction::DeliveredUpTo(seq),
            ReaderAction::MarkRead(seq),
            mark_unread(seq),
            ReaderAction::MarkUnread { seq, countable: false },
            ReaderAction::Hide(seq),
        ]
    };
    for action in [0, 11, u64::MAX].into_iter().flat_map(actions) {
        assert_eq!(when(&[], TEN, action), Err(ReaderRefusal::NoSuchMessage), "{action:?}");
    }
    for action in [1, 10].into_iter().flat_map(actions) {
        assert!(when(&[], TEN, action).is_ok(), "{action:?}");
    }
}

#[test]
fn what_is_hidden_is_gone_for_its_reader() {
    assert_eq!(when(&[], TEN, ReaderAction::Hide(3)), Ok(vec![hidden(3)]));
    assert_eq!(when(&[hidden(3)], TEN, ReaderAction::Hide(3)), Ok(vec![]));
    assert_eq!(when(&[hidden(3)], TEN, ReaderAction::MarkRead(3)), Err(ReaderRefusal::NoSuchMessage));
    assert_eq!(when(&[hidden(3)], TEN, mark_unread(3)), Err(ReaderRefusal::NoSuchMessage));
    assert_eq!(when(&[hidden(3)], TEN, ReaderAction::ReadUpTo(3)), Ok(vec![read_up_to(3)]));
    assert_eq!(when(&[read_up_to(5), unread(3, 0), hidden(3)], TEN, ReaderAction::ReadUpTo(5)), Ok(vec![]));
}

#[test]
fn a_message_above_the_mark_is_marked_read_and_unread_again() {
    assert_eq!(when(&[], TEN, mark_unread(3)), Ok(vec![]));
    assert_eq!(when(&[], TEN, ReaderAction::MarkRead(3)), Ok(vec![read(3)]));
    assert_eq!(when(&[read(3)], TEN, ReaderAction::MarkRead(3)), Ok(vec![]));
    assert_eq!(when(&[read(3)], TEN, mark_unread(3)), Ok(vec![unread(3, 0)]));
    assert_eq!(when(&[read(3), unread(3, 0)], TEN, mark_unread(3)), Ok(vec![]));
    assert_eq!(when(&[read(3), unread(3, 0)], TEN, ReaderAction::MarkRead(3)), Ok(vec![read(3)]));
}

#[test]
fn a_message_below_the_mark_is_marked_unread_and_read_again() {
    let given = [read_up_to(5), unread(3, 0), read(3)];
    assert_eq!(when(&given[..1], TEN, ReaderAction::MarkRead(3)), Ok(vec![]));
    assert_eq!(when(&given[..1], TEN, mark_unread(3)), Ok(vec![unread(3, 0)]));
    assert_eq!(when(&given[..2], TEN, mark_unread(3)), Ok(vec![]));
    assert_eq!(when(&given[..2], TEN, ReaderAction::MarkRead(3)), Ok(vec![read(3)]));
    assert_eq!(when(&given, TEN, ReaderAction::MarkRead(3)), Ok(vec![]));
    assert_eq!(when(&given, TEN, mark_unread(3)), Ok(vec![unread(3, 0)]));
}

#[test]
fn what_may_not_count_is_not_marked_unread() {
    let action = ReaderAction::MarkUnread { seq: 3, countable: false };
    assert_eq!(when(&[read_up_to(5)], TEN, action), Ok(vec![]));
    assert_eq!(when(&[read(3)], TEN, action), Ok(vec![]));
}

#[test]
fn reading_up_to_the_mark_or_beyond_reads_what_was_marked_unread_below() {
    let given = [read_up_to(5), unread(3, 0)];
    assert_eq!(when(&given, TEN, ReaderAction::ReadUpTo(4)), Ok(vec![]));
    for seq in [5, 6] {
        assert_eq!(when(&given, TEN, ReaderAction::ReadUpTo(seq)), Ok(vec![read_up_to(seq)]));
        let after = [read_up_to(5), unread(3, 0), read_up_to(seq)];
        assert_eq!(when(&after, TEN, ReaderAction::ReadUpTo(seq)), Ok(vec![]));
        assert_eq!(when(&after, TEN, ReaderAction::MarkRead(3)), Ok(vec![]));
        assert_eq!(when(&after, TEN, mark_unread(3)), Ok(vec![unread(3, 0)]));
    }
}

#[test]
fn reading_on_reads_what_was_marked_read_above() {
    assert_eq!(when(&[read(7), read_up_to(8)], TEN, mark_unread(7)), Ok(vec![unread(7, 0)]));
    assert_eq!(when(&[read(7), read_up_to(6)], TEN, ReaderAction::MarkRead(7)), Ok(vec![]));
}

#[test]
fn what_was_marked_unread_is_read_by_what_one_sends_after() {
    let given = [read_up_to(5), unread(3, 0)];
    assert_eq!(when(&given, sent(8), mark_unread(3)), Ok(vec![unread(3, 8)]));
    let given = [read_up_to(5), unread(3, 0), unread(3, 8)];
    assert_eq!(when(&given, sent(8), mark_unread(3)), Ok(vec![]));
    assert_eq!(when(&given, sent(8), ReaderAction::MarkRead(3)), Ok(vec![read(3)]));
    assert_eq!(when(&given, sent(8), ReaderAction::ReadUpTo(7)), Ok(vec![]));
    assert_eq!(when(&given, sent(8), ReaderAction::ReadUpTo(8)), Ok(vec![read_up_to(8)]));
}

#[test]
fn reading_up_to_a_message_behind_what_one_sent_meanwhile_reads_nothing() {
    // 3 was marked unread after message 8 was sent, then a request that had not heard of 8 read up to 5
    let given = [unread(3, 8), read_up_to(5)];
    assert_eq!(when(&given, sent(8), mark_unread(3)), Ok(vec![]));
    assert_eq!(when(&given, sent(8), ReaderAction::MarkRead(3)), Ok(vec![read(3)]));
    // neither request had heard of 8: from here it cannot be told, so neither command is taken for a repetition
    let given = [unread(3, 0), read_up_to(5)];
    assert_eq!(when(&given, sent(8), mark_unread(3)), Ok(vec![unread(3, 8)]));
    assert_eq!(when(&given, sent(8), ReaderAction::MarkRead(3)), Ok(vec![read(3)]));
}

#[test]
fn a_message_marked_unread_above_the_mark_can_be_read_when_the_mark_had_moved() {
    let given = [read(7), unread(7, 0)];
    assert_eq!(when(&given, sent(8), ReaderAction::MarkRead(7)), Ok(vec![read(7)]));
    assert_eq!(when(&given, sent(8), mark_unread(7)), Ok(vec![unread(7, 8)]));
}

#[test]
fn what_arrived_moves_forward_only_and_what_is_read_has_arrived() {
    let to = ReaderAction::DeliveredUpTo;
    assert_eq!(when(&[], TEN, to(4)), Ok(vec![delivered_up_to(4)]));
    assert_eq!(when(&[delivered_up_to(4)], TEN, to(4)), Ok(vec![]));
    assert_eq!(when(&[delivered_up_to(4)], TEN, to(3)), Ok(vec![]));
    assert_eq!(when(&[delivered_up_to(4)], TEN, to(5)), Ok(vec![delivered_up_to(5)]));
    assert_eq!(when(&[read_up_to(6)], TEN, to(5)), Ok(vec![]));
    assert_eq!(when(&[], sent(6), to(5)), Ok(vec![]));
    assert_eq!(ReaderDecider::fold(&[delivered_up_to(4), delivered_up_to(3)]).delivered, 4);
}

#[test]
fn settings_record_only_what_differs() {
    let settings = |muted, archived| ReaderAction::Settings { muted, archived };
    assert_eq!(when(&[], TEN, settings(None, None)), Ok(vec![]));
    assert_eq!(when(&[], TEN, settings(Some(false), Some(false))), Ok(vec![]));
    assert_eq!(when(&[], TEN, settings(Some(true), Some(false))), Ok(vec![set(Some(true), None)]));
    let given = [set(Some(true), None), set(None, Some(true))];
    assert_eq!(when(&given, TEN, settings(Some(true), Some(true))), Ok(vec![]));
    assert_eq!(when(&given, TEN, settings(Some(false), None)), Ok(vec![set(Some(false), None)]));
    let reader = ReaderDecider::fold(&given);
    assert!(reader.muted && reader.archived);
}

#[test]
fn a_snapshot_holds_all_exceptions() {
    let reader =
        ReaderDecider::fold(&[read_up_to(5), unread(3, 0), read(9), hidden(4), read_up_to(6), delivered_up_to(8)]);
    let kept = serde_json::to_vec(&reader).unwrap();
    assert_eq!(serde_json::from_slice::<Reader>(&kept).unwrap(), reader);
    assert_eq!(ReaderDecider::parts(&reader), 3);
}
