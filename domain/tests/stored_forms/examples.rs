//! At least one example of every event: with all it can have, and with no more than it must have.

use std::str::FromStr;

use tidings_domain::{
    AttachmentId, ConversationId, Event, KeyId, MessageId, Personal, SessionId, Timestamp, UserId,
    contact::{ContactAccepted, ContactEnded, ContactEvent, ContactRequested, Ending, PersonBlocked, PersonUnblocked},
    reader::{
        DeliveredUpTo, MessageHidden, MessageMarkedRead, MessageMarkedUnread, ReadUpTo, ReaderEvent,
        ReaderSettingsChanged,
    },
    request::{Answer, RequestAnswered, RequestEvent},
    values::Invalid,
};
use uuid::Uuid;

use crate::{accounts, conversations, guarding, webhooks};

pub(crate) const AT: Timestamp = Timestamp::from_millis(1_100_521_080_007);
pub(crate) const KEY: KeyId = KeyId(4_294_967_297);
pub(crate) const AUTHOR_KEY: KeyId = KeyId(12);

pub(crate) fn user(n: u128) -> UserId {
    UserId::new(Uuid::from_u128(n))
}

pub(crate) fn attachment() -> AttachmentId {
    AttachmentId::new(Uuid::from_u128(0xf11e))
}

pub(crate) fn session() -> SessionId {
    SessionId::new(Uuid::from_u128(0x5e55))
}

pub(crate) fn valid<T: FromStr<Err = Invalid>>(text: &str) -> T {
    text.parse().expect("a valid value")
}

/// Every event there is.
pub(crate) fn examples() -> Vec<Event> {
    let mut all: Vec<Event> = Vec::new();
    all.extend(accounts::users().into_iter().map(Event::from));
    all.extend(accounts::logins().into_iter().map(Event::from));
    all.extend(accounts::sessions().into_iter().map(Event::from));
    all.extend(conversations::conversations().into_iter().map(Event::from));
    all.extend(conversations::messages().into_iter().map(Event::from));
    all.extend(conversations::attachments().into_iter().map(Event::from));
    all.extend(readers().into_iter().map(Event::from));
    all.extend(requests().into_iter().map(Event::from));
    all.extend(contacts().into_iter().map(Event::from));
    all.extend(guarding::factors().into_iter().map(Event::from));
    all.extend(guarding::devices().into_iter().map(Event::from));
    all.extend(guarding::attempts().into_iter().map(Event::from));
    all.extend(conversations::schedules().into_iter().map(Event::from));
    all.extend(webhooks::webhooks().into_iter().map(Event::from));
    all.extend(guarding::accesses().into_iter().map(Event::from));
    all.extend(guarding::holds().into_iter().map(Event::from));
    all
}

fn readers() -> Vec<ReaderEvent> {
    vec![
        ReadUpTo { seq: 7, at: AT }.into(),
        DeliveredUpTo { seq: 7, at: AT }.into(),
        MessageMarkedRead { seq: 7, at: AT }.into(),
        MessageMarkedUnread { seq: 7, floor: 5, at: AT }.into(),
        MessageHidden { seq: 7, at: AT }.into(),
        ReaderSettingsChanged { muted: Some(true), archived: Some(false), at: AT }.into(),
        ReaderSettingsChanged { muted: None, archived: None, at: AT }.into(),
    ]
}

fn contacts() -> Vec<ContactEvent> {
    let ended = |how| ContactEvent::from(ContactEnded { by: user(2), how, at: AT });
    vec![
        ContactRequested { by: user(1), at: AT }.into(),
        ContactAccepted { by: user(2), at: AT }.into(),
        ended(Ending::Withdrawn),
        ended(Ending::Declined),
        ended(Ending::Removed),
        ended(Ending::Blocked),
        PersonBlocked { by: user(1), at: AT }.into(),
        PersonUnblocked { by: user(1), at: AT }.into(),
    ]
}

fn requests() -> Vec<RequestEvent> {
    let location = format!("/v1/conversations/{}", ConversationId::new(Uuid::from_u128(3)));
    let headers = vec![("location".to_owned(), location)];
    let full = Answer { status: 201, headers, body: r#"{"a":"ö"}"#.to_owned() };
    let bare = Answer { status: 204, headers: vec![], body: String::new() };
    let shown = MessageId { conversation: ConversationId::new(Uuid::from_u128(3)), seq: 7, version: 9 };
    let answered = |caller_key, fingerprint, shows, answer| {
        RequestEvent::from(RequestAnswered {
            key: KEY,
            caller_key,
            fingerprint,
            shows,
            at: AT,
            answer: Personal::Clear(answer),
        })
    };
    let fingerprint = Some("a7".repeat(32));
    vec![
        answered(Some(AUTHOR_KEY), fingerprint.clone(), None, full.clone()),
        answered(None, None, None, bare),
        answered(Some(AUTHOR_KEY), fingerprint, Some(shown), full),
    ]
}
