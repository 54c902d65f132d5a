//! What an event store can do. One conformance suite runs over every backend.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tidings_domain::{StreamName, Timestamp, UserId};
use tokio::sync::watch;
use uuid::Uuid;

pub use crate::{
    filter::{Filter, MOST_STREAMS, Streams},
    ticket::AppendTicket,
};

/// A place in the whole log. Ordered, opaque, and never visible before every earlier one is.
///
/// [`Position::START`] is before the first event. Backends may leave gaps; the embedded one and PostgreSQL do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(u64);

impl Position {
    /// Before the first event.
    pub const START: Self = Self(0);

    /// A position from its stored number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number to store or to show.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Identifies a command for ever: derived from the caller and the `Idempotency-Key`, or from the line of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub [u8; 16]);

/// What a command asked for, hashed under the installation's secret, so that the same key with another request shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 16]);

/// What makes a command idempotent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CommandKey {
    /// Unique in the store.
    pub id: CommandId,
    /// Must be the same when the id comes again.
    pub fingerprint: Fingerprint,
}

/// Where a command's events stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandRecord {
    /// The stream they were appended to.
    pub stream: StreamName,
    /// The version of the first of them; the others of the command follow it and carry the same id in their metadata.
    pub version: u64,
    /// The position of the first of them.
    pub position: Position,
    /// What was asked then.
    pub fingerprint: Fingerprint,
}

/// What is known about an event beside what happened. Stored as JSON; nothing personal.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Metadata {
    /// The version of the event's shape; what an upcaster goes by. Absent means 1.
    #[serde(default = "first_schema", skip_serializing_if = "is_first_schema")]
    pub v: u16,
    /// Who caused it; none for the installation itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<UserId>,
    /// The command it follows from (32 hex digits), when that was given a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The request it came in (the answer's `x-request-id`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
}

const fn first_schema() -> u16 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_first_schema(v: &u16) -> bool {
    *v <= 1
}

/// An event to append.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Unique. Part of what its sealed part is bound to.
    pub id: Uuid,
    /// The stored name.
    pub name: &'static str,
    /// The stored form: a JSON object, its personal part sealed.
    pub data: Bytes,
    /// [`Metadata`] as JSON.
    pub metadata: Bytes,
    /// On the first event of a command that was given a key.
    pub command: Option<CommandKey>,
}

/// Events for one stream, appended together or not at all.
#[derive(Debug, Clone)]
pub struct StreamAppend {
    /// Which stream.
    pub stream: StreamName,
    /// How many events the stream has, for this to be right: 0 for a stream that is not there yet.
    pub expected_version: u64,
    /// In order. Empty is a barrier: it is answered when all that was submitted before it is durable and the version is
    /// still the expected one.
    pub events: Vec<NewEvent>,
}

/// Where an append went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Of the last event; for an empty append the head at that moment.
    pub position: Position,
    /// The stream's version now.
    pub version: u64,
}

/// Why nothing was appended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Somebody else appended first: load what is new and decide again.
    #[error("the stream has version {actual}, not the expected one")]
    WrongExpectedVersion {
        /// How many events it has.
        actual: u64,
    },
    /// A command of this id is in the log.
    #[error("this command was carried out before")]
    DuplicateCommand(CommandId),
    /// The store cannot be written to now; nothing was acknowledged and nothing of this is in the log, or it is there
    /// whole and its command id tells so.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The store itself does not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Too much is waiting to be written: come back later.
    #[error("too many writes are waiting")]
    Overloaded,
    /// The disk or the database does not answer as it should. Logged, never shown to clients.
    #[error("the event store is unavailable: {0}")]
    Unavailable(String),
    /// What is stored is not what was written by any version of this program.
    #[error("the event store is damaged: {0}")]
    Corrupt(String),
}

/// An event of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedEvent {
    /// Where in the whole log.
    pub position: Position,
    /// Which stream.
    pub stream: StreamName,
    /// Which place in it: 1 is the first.
    pub version: u64,
    /// Unique.
    pub id: Uuid,
    /// The stored name.
    pub name: Arc<str>,
    /// When the store took it.
    pub recorded_at: Timestamp,
    /// The stored form.
    pub data: Bytes,
    /// [`Metadata`] as JSON.
    pub metadata: Bytes,
}

/// A stretch of the log.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// In order of position; only what the filter admits.
    pub events: Vec<Arc<RecordedEvent>>,
    /// All up to here was looked at: read on after it. Equal to where the reading began when there was nothing new.
    pub scanned_to: Position,
}

/// A decided state at a version: a shortcut into a long stream, never the truth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// How many events are folded into it.
    pub version: u64,
    /// Says which program can read it; any other discards it.
    pub format: String,
    /// The state, sealed.
    pub data: Bytes,
}

/// Connections to a database or a file, kept for those who ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connections {
    /// What they are for: `log`, `keys`, `views` …
    pub pool: &'static str,
    /// How many there are.
    pub open: usize,
    /// How many of them nobody uses now.
    pub idle: usize,
    /// How many there may be.
    pub most: usize,
}

/// An append-only log of streams.
///
/// What every backend keeps: appends submitted one after the other by one task are judged in that order; a conflict never
/// hurts its neighbours; an answered append survives a crash; a reader that follows [`EventStore::read_all`] from any
/// position misses nothing and sees nothing twice, whoever writes.
#[async_trait]
pub trait EventStore: Send + Sync + 'static {
    /// Queues appends in order, without waiting. Each is answered by its own ticket.
    fn submit(&self, appends: Vec<StreamAppend>) -> Vec<AppendTicket>;

    /// Appends and waits for the outcome of each.
    async fn append(&self, appends: Vec<StreamAppend>) -> Vec<Result<Appended, AppendError>> {
        let mut outcomes = Vec::with_capacity(appends.len());
        for ticket in self.submit(appends) {
            outcomes.push(ticket.await);
        }
        outcomes
    }

    /// The events of one stream with versions above `after`, at most `limit` of them.
    async fn read_stream(
        &self,
        stream: &StreamName,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Arc<RecordedEvent>>, StoreError>;

    /// The log after a position, at most `limit` events looked at.
    async fn read_all(&self, after: Position, filter: &Filter, limit: usize) -> Result<Page, StoreError>;

    /// All of the log after a position as it is stored, never as it is remembered: for who looks whether somebody changed it.
    async fn read_stored(&self, after: Position, limit: usize) -> Result<Page, StoreError> {
        self.read_all(after, &Filter::All, limit).await
    }

    /// Where the events of these commands stand, in the order asked; `None` for a command never carried out.
    async fn find_commands(&self, ids: &[CommandId]) -> Result<Vec<Option<CommandRecord>>, StoreError>;

    /// The last position that can be read.
    async fn head(&self) -> Result<Position, StoreError>;

    /// Tells when the head moves. The value may run behind [`EventStore::head`], never ahead of what can be read.
    fn watch_head(&self) -> watch::Receiver<Position>;

    /// The newest snapshot of a stream, if any was kept.
    async fn load_snapshot(&self, stream: &StreamName) -> Result<Option<Snapshot>, StoreError>;

    /// Keeps a snapshot in place of the older one.
    async fn save_snapshot(&self, stream: &StreamName, snapshot: Snapshot) -> Result<(), StoreError>;

    /// What is connected for reading, for those who watch.
    fn connections(&self) -> Vec<Connections> {
        Vec::new()
    }

    /// Writes what was accepted and takes nothing more in. What was answered is safe without that, too; reading may go on.
    async fn close(&self) {}
}
