//! Events in the protocol's form.

use std::time::SystemTime;

use bytes::Bytes;
use prost_types::Timestamp;
use tidings_domain::StreamName;
use tidings_event_store::{Position, RecordedEvent};
use uuid::Uuid;

use crate::proto::event_store::client::{
    StreamIdentifier, Uuid as WireUuid,
    streams::{
        ReadResp,
        read_resp::{
            CaughtUp, Checkpoint, Content, FellBehind, Position as WirePosition, ReadEvent, StreamNotFound,
            SubscriptionConfirmation,
            read_event::{self, RecordedEvent as WireEvent},
        },
    },
    uuid::{Structured, Value},
};

/// How a client wants ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IdForm {
    Structured,
    Text,
}

pub(crate) fn id(id: Uuid, form: IdForm) -> WireUuid {
    let (high, low) = id.as_u64_pair();
    let value = match form {
        IdForm::Structured => Value::Structured(Structured {
            most_significant_bits: high.cast_signed(),
            least_significant_bits: low.cast_signed(),
        }),
        IdForm::Text => Value::String(id.to_string()),
    };
    WireUuid { value: Some(value) }
}

pub(crate) fn stream(name: &StreamName) -> StreamIdentifier {
    StreamIdentifier { stream_name: Bytes::copy_from_slice(name.as_str().as_bytes()) }
}

/// An event; `data` in place of what is stored, for whom it was opened.
pub(crate) fn event(recorded: &RecordedEvent, data: Option<Bytes>, form: IdForm) -> ReadResp {
    let position = recorded.position.get();
    let data = data.unwrap_or_else(|| recorded.data.clone());
    let content_type = if data.starts_with(b"{") { "application/json" } else { "application/octet-stream" };
    // in steps of 100 ns since 1970
    let created = recorded.recorded_at.millis() * 10_000;
    let metadata = [
        ("type", recorded.name.to_string()),
        ("content-type", content_type.to_owned()),
        ("created", created.to_string()),
    ];
    let event = WireEvent {
        id: Some(id(recorded.id, form)),
        stream_identifier: Some(stream(&recorded.stream)),
        stream_revision: recorded.version.saturating_sub(1),
        prepare_position: position,
        commit_position: position,
        metadata: metadata.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        custom_metadata: recorded.metadata.clone(),
        data,
    };
    let position = Some(read_event::Position::CommitPosition(position));
    content(Content::Event(ReadEvent { event: Some(event), link: None, position }))
}

pub(crate) fn stream_not_found(name: &StreamName) -> ReadResp {
    content(Content::StreamNotFound(StreamNotFound { stream_identifier: Some(stream(name)) }))
}

pub(crate) fn confirmation() -> ReadResp {
    content(Content::Confirmation(SubscriptionConfirmation { subscription_id: Uuid::new_v4().to_string() }))
}

pub(crate) fn checkpoint(at: Position) -> ReadResp {
    let (commit_position, prepare_position) = (at.get(), at.get());
    content(Content::Checkpoint(Checkpoint { commit_position, prepare_position, timestamp: Some(now()) }))
}

/// How far a subscription is, in a stream or in the whole log.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reached {
    /// The version of a stream; 0 before its first event.
    Version(u64),
    Position(Position),
}

impl Reached {
    fn revision(self) -> Option<i64> {
        match self {
            Self::Version(version) => i64::try_from(version).ok().map(|version| version - 1),
            Self::Position(_) => None,
        }
    }

    fn position(self) -> Option<WirePosition> {
        match self {
            Self::Version(_) => None,
            Self::Position(at) => Some(WirePosition { commit_position: at.get(), prepare_position: at.get() }),
        }
    }
}

pub(crate) fn caught_up(at: Reached) -> ReadResp {
    let (stream_revision, position) = (at.revision(), at.position());
    content(Content::CaughtUp(CaughtUp { timestamp: Some(now()), stream_revision, position }))
}

pub(crate) fn fell_behind(at: Reached) -> ReadResp {
    let (stream_revision, position) = (at.revision(), at.position());
    content(Content::FellBehind(FellBehind { timestamp: Some(now()), stream_revision, position }))
}

fn content(content: Content) -> ReadResp {
    ReadResp { content: Some(content) }
}

fn now() -> Timestamp {
    SystemTime::now().into()
}
