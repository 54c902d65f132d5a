//! Deleting streams, as KurrentDB's readers and writers see it. What the log holds stays in it; which streams are deleted is
//! kept in memory, for a throw-away server has no longer life.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use tidings_domain::StreamName;
use tidings_event_store::{
    AppendTicket, CommandId, CommandRecord, EventStore, Filter, Page, Position, RecordedEvent, Snapshot, StoreError,
    StreamAppend,
};
use tokio::sync::watch;
use tonic::{
    Code, Status,
    metadata::{AsciiMetadataValue, MetadataMap},
};

use super::write::Expected;
use crate::reading::last_version;

#[derive(Debug, Clone, Copy)]
enum Mark {
    /// Deleted: events up to this version are not in the stream any more; it goes on after them.
    UpTo(u64),
    /// Deleted for good.
    Tombstone,
}

/// The log without what was deleted from its streams. As in KurrentDB, it stays in the whole log until it is scavenged,
/// which never happens here.
pub(crate) struct Deletions {
    whole: Arc<dyn EventStore>,
    marks: Mutex<HashMap<StreamName, Mark>>,
}

impl Deletions {
    pub(crate) fn of(whole: Arc<dyn EventStore>) -> Arc<Self> {
        Arc::new(Self { whole, marks: Mutex::default() })
    }

    /// The log with everything in it.
    pub(super) fn whole(&self) -> &dyn EventStore {
        &*self.whole
    }

    fn mark(&self, stream: &StreamName) -> Option<Mark> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner).get(stream).copied()
    }

    /// Refuses what asks for a stream that is deleted for good.
    pub(crate) fn check(&self, stream: &StreamName) -> Result<(), Status> {
        match self.mark(stream) {
            Some(Mark::Tombstone) => Err(gone(stream)),
            Some(Mark::UpTo(_)) | None => Ok(()),
        }
    }

    /// What an append to this stream must find: one that was deleted is a stream that is not there, and goes on where it was.
    pub(super) async fn found(&self, stream: &StreamName, expected: Expected) -> Result<Expected, Status> {
        self.check(stream)?;
        match (expected, self.mark(stream)) {
            (Expected::NoStream, Some(Mark::UpTo(last))) if last_version(self.whole(), stream).await? == last => {
                Ok(last.checked_sub(1).map_or(Expected::NoStream, Expected::Revision))
            }
            (expected, _) => Ok(expected),
        }
    }

    /// Deletes a stream, for good or not, if it is as expected.
    pub(super) async fn delete(&self, stream: StreamName, expected: Expected, for_good: bool) -> Result<(), Status> {
        self.check(&stream)?;
        let last = last_version(self.whole(), &stream).await?;
        let met = match expected {
            Expected::Any => true,
            Expected::NoStream => last == 0,
            Expected::StreamExists => last > 0,
            Expected::Revision(revision) => last == revision.saturating_add(1),
        };
        if !met {
            return Err(wrong_version(&stream, last));
        }
        let mark = if for_good { Mark::Tombstone } else { Mark::UpTo(last) };
        self.marks.lock().unwrap_or_else(PoisonError::into_inner).insert(stream, mark);
        Ok(())
    }
}

fn gone(stream: &StreamName) -> Status {
    let said = format!("Event stream '{stream}' is deleted.");
    Status::with_metadata(Code::FailedPrecondition, said, exception("stream-deleted", stream))
}

fn wrong_version(stream: &StreamName, last: u64) -> Status {
    let mut metadata = exception("wrong-expected-version", stream);
    let revision = last.checked_sub(1).map_or_else(|| "-1".to_owned(), |revision| revision.to_string());
    if let Ok(revision) = AsciiMetadataValue::try_from(revision) {
        metadata.insert("actual-version", revision);
    }
    Status::with_metadata(Code::FailedPrecondition, "the stream is at another revision", metadata)
}

/// How official clients tell one refusal from another.
fn exception(which: &'static str, stream: &StreamName) -> MetadataMap {
    let mut metadata = MetadataMap::new();
    metadata.insert("exception", AsciiMetadataValue::from_static(which));
    if let Ok(name) = AsciiMetadataValue::try_from(stream.as_str()) {
        metadata.insert("stream-name", name);
    }
    metadata
}

#[async_trait]
impl EventStore for Deletions {
    fn submit(&self, appends: Vec<StreamAppend>) -> Vec<AppendTicket> {
        self.whole.submit(appends)
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Arc<RecordedEvent>>, StoreError> {
        match self.mark(stream) {
            Some(Mark::Tombstone) => Ok(Vec::new()),
            Some(Mark::UpTo(deleted)) => self.whole.read_stream(stream, after.max(deleted), limit).await,
            None => self.whole.read_stream(stream, after, limit).await,
        }
    }

    async fn read_all(&self, after: Position, filter: &Filter, limit: usize) -> Result<Page, StoreError> {
        self.whole.read_all(after, filter, limit).await
    }

    async fn find_commands(&self, ids: &[CommandId]) -> Result<Vec<Option<CommandRecord>>, StoreError> {
        self.whole.find_commands(ids).await
    }

    async fn head(&self) -> Result<Position, StoreError> {
        self.whole.head().await
    }

    fn watch_head(&self) -> watch::Receiver<Position> {
        self.whole.watch_head()
    }

    async fn load_snapshot(&self, stream: &StreamName) -> Result<Option<Snapshot>, StoreError> {
        self.whole.load_snapshot(stream).await
    }

    async fn save_snapshot(&self, stream: &StreamName, snapshot: Snapshot) -> Result<(), StoreError> {
        self.whole.save_snapshot(stream, snapshot).await
    }
}
