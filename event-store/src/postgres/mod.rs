//! The backend of several nodes: one PostgreSQL database, a writer with group commit in each node (ADR 0006).
//!
//! An append goes: [`PostgresEventStore::submit`] → `queue` → `writer` takes all that waits → `batch` lays it out as columns →
//! the function `tidings_events.append_2` judges and writes it in one statement → `shown` moves the tail and the head →
//! every ticket is answered. `follower` hears of other nodes' events, by `NOTIFY` and by looking; `read` serves readers who
//! are too far behind for the tail.

mod batch;
mod follower;
mod queries;
mod read;
mod refill;
mod shown;
mod streams;
mod writer;

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::Connection;
use tidings_domain::StreamName;
use tokio::{sync::watch, task::JoinHandle};

pub use refill::PostgresRefill;

use self::{follower::Follower, read::Reads, shown::Shown, writer::Writer};
use crate::{
    database::{DatabaseError, DatabaseUrl, Schema, Step},
    port::{
        AppendTicket, CommandId, CommandRecord, Connections, EventStore, Filter, Page, Position, RecordedEvent,
        Snapshot, StoreError, StreamAppend,
    },
    queue::Queue,
    worker::Worker,
};

/// The tables of the log.
pub const SCHEMA: Schema = Schema {
    part: "event store",
    name: "tidings_events",
    steps: &[
        Step {
            version: 20_261_120_150_000,
            name: "create events",
            sql: include_str!("../../../migrations/postgres/events/20261120150000_create_events.sql"),
        },
        Step {
            version: 20_261_120_150_100,
            name: "create append",
            sql: include_str!("../../../migrations/postgres/events/20261120150100_create_append.sql"),
        },
        Step {
            version: 20_261_120_183_000,
            name: "create append of batches in order",
            sql: include_str!(
                "../../../migrations/postgres/events/20261120183000_create_append_of_batches_in_order.sql"
            ),
        },
    ],
};

/// Connections for reading, in each node. The writer and the follower have one each beside them.
const READ_CONNECTIONS: u32 = 16;

/// An event store in a PostgreSQL database, as one node has it. Any number of nodes may open the same one.
///
/// `recorded_at` is the database's clock, the same for all nodes; it never goes back from one event to the next.
#[derive(Debug)]
pub struct PostgresEventStore {
    queue: Arc<Queue>,
    writer: Arc<Worker>,
    reads: Reads,
    shown: Arc<Shown>,
    follower: JoinHandle<()>,
    notifier: JoinHandle<()>,
}

impl PostgresEventStore {
    /// Whether it could be opened, changing nothing.
    pub async fn check(url: &DatabaseUrl) -> Result<(), DatabaseError> {
        SCHEMA.check(url).await
    }

    /// Opens the log in this database, and makes or migrates its tables where they need it.
    pub async fn open(url: &DatabaseUrl) -> Result<Self, DatabaseError> {
        SCHEMA.migrate(url).await?;
        let mut connection = url.connect().await?;
        let failed = |error| url.explain(&error);
        let head = queries::head(&mut connection).await.map_err(failed)?;
        connection.close().await.map_err(failed)?;

        let shown = Arc::new(Shown::new(head));
        let queue = Arc::new(Queue::default());
        let writer = Writer::new(url.clone(), Arc::clone(&queue), Arc::clone(&shown)).map_err(|error| {
            DatabaseError::Other { place: url.place().clone(), reason: format!("no writer can be started: {error}") }
        })?;
        let writer = Worker::start(Arc::clone(&queue), move || writer.run()).map_err(|error| DatabaseError::Other {
            place: url.place().clone(),
            reason: format!("no writer can be started: {error}"),
        })?;
        let reads = Reads::new(url.pool(READ_CONNECTIONS), Arc::clone(&shown));
        let follower = tokio::spawn(Follower::new(url, reads.clone(), Arc::clone(&shown)).run());
        let notifier = tokio::spawn(follower::notify(url.pool(1), shown.watch_own()));
        Ok(Self { queue, writer: Arc::new(writer), reads, shown, follower, notifier })
    }
}

impl Drop for PostgresEventStore {
    fn drop(&mut self) {
        self.writer.close();
        self.follower.abort();
        self.notifier.abort();
    }
}

#[async_trait]
impl EventStore for PostgresEventStore {
    fn submit(&self, appends: Vec<StreamAppend>) -> Vec<AppendTicket> {
        self.queue.submit(appends)
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Arc<RecordedEvent>>, StoreError> {
        self.reads.stream(stream, after, limit).await
    }

    async fn read_all(&self, after: Position, filter: &Filter, limit: usize) -> Result<Page, StoreError> {
        let shown = self.shown.head();
        if after < shown
            && limit > 0
            && let Some(page) = self.shown.tail().page(after, shown, filter, limit)
        {
            return Ok(page);
        }
        self.reads.log(after, filter, limit).await
    }

    async fn read_stored(&self, after: Position, limit: usize) -> Result<Page, StoreError> {
        self.reads.log(after, &Filter::All, limit).await
    }

    async fn find_commands(&self, ids: &[CommandId]) -> Result<Vec<Option<CommandRecord>>, StoreError> {
        if ids.is_empty() { Ok(Vec::new()) } else { self.reads.commands(ids).await }
    }

    async fn head(&self) -> Result<Position, StoreError> {
        self.reads.head().await
    }

    fn watch_head(&self) -> watch::Receiver<Position> {
        self.shown.watch()
    }

    async fn load_snapshot(&self, stream: &StreamName) -> Result<Option<Snapshot>, StoreError> {
        self.reads.snapshot(stream).await
    }

    async fn save_snapshot(&self, stream: &StreamName, snapshot: Snapshot) -> Result<(), StoreError> {
        self.reads.keep(stream, &snapshot).await
    }

    fn connections(&self) -> Vec<Connections> {
        vec![self.reads.connections()]
    }

    async fn close(&self) {
        self.writer.close_beside().await;
        self.follower.abort();
        self.notifier.abort();
    }
}
