use uuid::Uuid;

use super::*;
use crate::{
    ConversationId, Decider, KeyId, Personal, ScheduledId, Timestamp,
    conversation::MessageContent,
    values::{Body, ContentType},
};

fn time(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn id(n: u128) -> ScheduledId {
    ScheduledId::new(Uuid::from_u128(n))
}

fn message(n: u128, send_at: i64) -> MessageScheduled {
    let content = MessageContent { subject: None, body: Some(Body::parse("later").unwrap()) };
    MessageScheduled {
        id: id(n),
        conversation: ConversationId::new(Uuid::from_u128(9)),
        to: vec![],
        key: KeyId(7),
        author_key: KeyId(8),
        content_type: ContentType::plain_text(),
        reply_to: None,
        attachments: vec![],
        send_at: time(send_at),
        at: time(1_000),
        content: Personal::Clear(content),
    }
}

fn added(n: u128) -> ScheduleEvent {
    message(n, 2_000).into()
}

fn released(n: u128) -> ScheduleEvent {
    ScheduledMessageReleased { id: id(n), at: time(2_000) }.into()
}

fn cancelled(n: u128) -> ScheduleEvent {
    ScheduledMessageCancelled { id: id(n), key: KeyId(7), at: time(2_000) }.into()
}

fn failed(n: u128) -> ScheduleEvent {
    ScheduledMessageFailed { id: id(n), reason: "not-a-member".to_owned(), at: time(2_000) }.into()
}

const BECAME: Place = Place { seq: 3, version: 5 };

fn sent(n: u128) -> ScheduleEvent {
    ScheduledMessageSent { id: id(n), key: KeyId(7), message: BECAME, at: time(2_000) }.into()
}

fn when(given: &[ScheduleEvent], command: &ScheduleCommand) -> Result<Vec<ScheduleEvent>, ScheduleRefusal> {
    ScheduleDecider::decide(&ScheduleDecider::fold(given), command)
}

fn add(n: u128, send_at: i64) -> ScheduleCommand {
    ScheduleCommand::Add(Box::new(message(n, send_at)))
}

fn cancel(n: u128) -> ScheduleCommand {
    ScheduleCommand::Cancel { id: id(n), at: time(2_000) }
}

fn release(n: u128, at: i64) -> ScheduleCommand {
    ScheduleCommand::Release { id: id(n), at: time(at) }
}

fn complete(n: u128) -> ScheduleCommand {
    ScheduleCommand::Complete { id: id(n), message: BECAME, at: time(2_000) }
}

fn fail(n: u128) -> ScheduleCommand {
    ScheduleCommand::Fail { id: id(n), reason: "not-a-member".to_owned(), at: time(2_000) }
}

#[test]
fn a_message_is_scheduled_once_for_a_time_ahead() {
    assert_eq!(when(&[], &add(1, 2_000)), Ok(vec![added(1)]));
    assert_eq!(when(&[added(1)], &add(1, 2_000)), Ok(vec![]));
    for past in [1_000, 0] {
        assert_eq!(when(&[], &add(1, past)), Err(ScheduleRefusal::NotInTheFuture));
    }
    assert!(when(&[], &add(1, 1_000 + MAX_AHEAD_MILLIS)).is_ok());
    assert_eq!(when(&[], &add(1, 1_001 + MAX_AHEAD_MILLIS)), Err(ScheduleRefusal::TooFarAhead));
}

#[test]
fn a_person_has_a_hundred_at_most_and_failed_ones_count() {
    let mut given: Vec<_> = (1..=MAX_SCHEDULED as u128).map(added).collect();
    given.extend([released(1), failed(1)]);
    assert_eq!(when(&given, &add(500, 2_000)), Err(ScheduleRefusal::TooMany));
    given.push(cancelled(1));
    assert!(when(&given, &add(500, 2_000)).is_ok());
}

#[test]
fn what_waits_or_failed_can_be_cancelled_and_nothing_else() {
    assert_eq!(when(&[added(1)], &cancel(1)), Ok(vec![cancelled(1)]));
    assert_eq!(when(&[added(1), released(1), failed(1)], &cancel(1)), Ok(vec![cancelled(1)]));
    assert_eq!(when(&[added(1), released(1)], &cancel(1)), Err(ScheduleRefusal::BeingSent));
    for over in [vec![], vec![added(1), cancelled(1)], vec![added(1), released(1), sent(1)]] {
        assert_eq!(when(&over, &cancel(1)), Err(ScheduleRefusal::NoSuchScheduled));
    }
}

#[test]
fn a_message_is_released_when_its_time_has_come() {
    assert_eq!(when(&[added(1)], &release(1, 1_999)), Ok(vec![]));
    assert_eq!(when(&[added(1)], &release(1, 2_000)), Ok(vec![released(1)]));
    assert_eq!(when(&[added(1), released(1)], &release(1, 2_500)), Ok(vec![]));
    for over in [vec![added(1), cancelled(1)], vec![added(1), released(1), failed(1)]] {
        assert_eq!(when(&over, &release(1, 2_500)), Err(ScheduleRefusal::NoSuchScheduled));
    }
}

#[test]
fn only_what_was_released_is_sent_or_fails_and_only_once() {
    assert_eq!(when(&[added(1), released(1)], &complete(1)), Ok(vec![sent(1)]));
    assert_eq!(when(&[added(1), released(1)], &fail(1)), Ok(vec![failed(1)]));
    for given in [vec![added(1)], vec![added(1), released(1), sent(1)], vec![added(1), cancelled(1)]] {
        assert_eq!(when(&given, &complete(1)), Ok(vec![]));
        assert_eq!(when(&given, &fail(1)), Ok(vec![]));
    }
}

#[test]
fn an_entry_knows_where_its_text_stands() {
    let schedule = ScheduleDecider::fold(&[added(1), cancelled(1), added(2), released(2)]);
    let entry = schedule.entries[&id(2)];
    assert_eq!((entry.version, entry.stage), (3, Stage::Released));
}
