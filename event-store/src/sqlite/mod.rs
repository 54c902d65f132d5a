//! The embedded backend: one SQLite file, one writer with group commit, readers beside it.
//!
//! An append goes: [`SqliteEventStore::submit`] → `queue` → `writer` takes all that waits → `batch` judges each → `insert`
//! writes one transaction, synced → the `tail` and the head move → every ticket is answered. `read` serves readers who
//! are too far behind for the tail; `places` knows where the events of each stream are; `checkpoint` moves the write-ahead log into the file; `file` lets only one process
//! (`lock`) and only our own files in. `copy` looks at a file as it lies, `refill` fills an empty one from a backup.

mod batch;
mod checkpoint;
mod copy;
mod error;
pub mod file;
mod insert;
mod lock;
mod places;
mod read;
mod refill;
mod schema;
mod session;
mod streams;
mod writer;

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use tidings_domain::{StreamName, Timestamp};
use tokio::sync::watch;

pub use checkpoint::Checkpointer;
pub use copy::LogFile;
pub use file::{OpenError, hold};
pub use lock::FileLock;
pub use refill::SqliteRefill;

use self::{
    file::HeldFile,
    insert::Tables,
    places::Places,
    read::Reads,
    writer::{Shown, Writer},
};
use crate::{
    port::{
        AppendTicket, CommandId, CommandRecord, Connections, EventStore, Filter, Page, Position, RecordedEvent,
        Snapshot, StoreError, StreamAppend,
    },
    queue::Queue,
    tail::Tail,
    worker::Worker,
};

/// Says what time it is, once for each batch.
pub type Clock = fn() -> Timestamp;

/// An event store in one file. Close or drop it to leave the file whole without its write-ahead log; what was answered
/// is safe without that, too.
#[derive(Debug)]
pub struct SqliteEventStore {
    queue: Arc<Queue>,
    reads: Reads,
    places: Arc<Places>,
    tail: Arc<Tail>,
    head: watch::Receiver<Position>,
    writer: Arc<Worker>,
    // Last: nobody else may come in before all else is gone.
    _file: HeldFile,
}

impl SqliteEventStore {
    /// Opens the store in this file, and makes it when it is not there; its directory must be.
    pub fn open(path: &Path, clock: Clock) -> Result<Self, OpenError> {
        let file = HeldFile::take(path, schema::KIND)?;
        let places = Arc::new(Places::default());
        let session = schema::prepare(path, Arc::clone(&places))?;
        let (head, shown_head) = watch::channel(session.head);
        let tail = Arc::new(Tail::of_a_log(session.head));
        let queue = Arc::new(Queue::default());
        let system = |error| OpenError::io(path, &error);
        let writer = Writer {
            path: path.to_owned(),
            places: Arc::clone(&places),
            clock,
            queue: Arc::clone(&queue),
            shown: Shown { tail: Arc::clone(&tail), head },
            session: Some(session),
            tables: Tables::new(),
            checkpointer: Checkpointer::start("event-checkpoint".to_owned(), path.to_owned(), session::connect)
                .map_err(system)?,
        };
        let writer = Worker::start(Arc::clone(&queue), move || writer.run()).map_err(system)?;
        let reads = Reads::new(path.to_owned());
        Ok(Self { queue, reads, places, tail, head: shown_head, writer: Arc::new(writer), _file: file })
    }

    /// Writes what was accepted, takes nothing more in, and ends the writer. Blocks until that is done; reading goes on.
    pub fn close(&self) {
        self.writer.close();
    }

    fn shown_head(&self) -> Position {
        *self.head.borrow()
    }
}

#[async_trait]
impl EventStore for SqliteEventStore {
    fn submit(&self, appends: Vec<StreamAppend>) -> Vec<AppendTicket> {
        self.queue.submit(appends)
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Arc<RecordedEvent>>, StoreError> {
        let head = self.shown_head();
        self.reads.with(|connection| streams::stream((connection, &self.places), stream, after, head, limit))
    }

    async fn read_all(&self, after: Position, filter: &Filter, limit: usize) -> Result<Page, StoreError> {
        let head = self.shown_head();
        if after >= head || limit == 0 {
            return Ok(Page { events: Vec::new(), scanned_to: after });
        }
        if let Some(page) = self.tail.page(after, head, filter, limit) {
            return Ok(page);
        }
        self.reads.with(|connection| read::log((connection, &self.places), after, head, filter, limit))
    }

    async fn find_commands(&self, ids: &[CommandId]) -> Result<Vec<Option<CommandRecord>>, StoreError> {
        let head = self.shown_head();
        self.reads.with(|connection| ids.iter().map(|id| read::command(connection, *id, head)).collect())
    }

    async fn head(&self) -> Result<Position, StoreError> {
        Ok(self.shown_head())
    }

    fn connections(&self) -> Vec<Connections> {
        vec![self.reads.connections()]
    }

    fn watch_head(&self) -> watch::Receiver<Position> {
        self.head.clone()
    }

    async fn load_snapshot(&self, stream: &StreamName) -> Result<Option<Snapshot>, StoreError> {
        self.reads.with(|connection| read::snapshot(connection, stream))
    }

    async fn save_snapshot(&self, stream: &StreamName, snapshot: Snapshot) -> Result<(), StoreError> {
        let kept = self.queue.keep(stream.clone(), snapshot)?;
        kept.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the writer has stopped".to_owned())))
    }

    async fn close(&self) {
        self.writer.close_beside().await;
    }
}
