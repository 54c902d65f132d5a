//! KurrentDB as the log, for several nodes over one cluster. See ADR 0008.
//!
//! An append goes: [`KurrentEventStore::submit`] → `lanes`, one for each stream, where what waits is merged → `judge`
//! (was the command carried out before?) → `client`, the one file that talks to the server. A `follower` subscribes to the
//! whole log: it feeds the `tail`, the head and the `index` of commands. `stored` is the form of events over there.

mod client;
mod follower;
mod index;
mod judge;
mod lanes;
mod snapshots;
mod stored;

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tidings_domain::StreamName;
use tokio::{sync::watch, task::JoinHandle, time::timeout};

use self::{
    client::{Client, ReadFrom},
    follower::Follower,
    index::CommandIndex,
    judge::Judge,
    lanes::Lanes,
};
use crate::{
    port::{
        AppendTicket, CommandId, CommandRecord, EventStore, Filter, Page, Position, RecordedEvent, Snapshot,
        StoreError, StreamAppend,
    },
    tail::Tail,
};

/// Events in one page of the log at most, however many are asked for.
const LARGEST_PAGE: usize = 4_096;

/// How long a question waits for the follower before the store counts as unavailable.
const FOLLOWED_WITHIN: Duration = Duration::from_secs(10);

/// Why the store cannot be opened, in one sentence that does not repeat the connection string: it may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The connection string is none.
    #[error("the connection string of KurrentDB cannot be used: {0}")]
    ConnectionString(String),
    /// Nobody answers, or not as KurrentDB does.
    #[error("KurrentDB at {hosts} cannot be reached: {why}")]
    Unreachable {
        /// Hosts and ports.
        hosts: String,
        /// What the client said.
        why: String,
    },
    /// The login is refused, or may not read the whole log.
    #[error("KurrentDB at {hosts} refuses the login: give a user and password that may read $all and write streams")]
    Refused {
        /// Hosts and ports.
        hosts: String,
    },
    /// The index of commands cannot be kept.
    #[error("the index of commands {path} cannot be used: {why}")]
    Index {
        /// Its file.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// The log was reached, but not read to its end.
    #[error("the log in KurrentDB cannot be followed: {0}")]
    Follow(StoreError),
}

fn why_unusable(error: &rusqlite::Error) -> String {
    if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) {
        return "another process has it; give each node a data directory of its own".to_owned();
    }
    format!("{error}; delete it, and it is made again from the log")
}

/// Whether a connection string is one of KurrentDB's.
pub fn is_connection_string(text: &str) -> bool {
    ["esdb", "kurrentdb", "kurrent", "kdb"]
        .iter()
        .filter_map(|scheme| text.strip_prefix(scheme))
        .any(|rest| rest.starts_with("://") || rest.starts_with("+discover://"))
}

/// An event store in KurrentDB.
#[derive(Debug)]
pub struct KurrentEventStore {
    client: Client,
    lanes: Lanes,
    judge: Arc<Judge>,
    tail: Arc<Tail>,
    head: watch::Receiver<Position>,
    following: Mutex<Option<JoinHandle<()>>>,
}

impl KurrentEventStore {
    /// Connects to the server or cluster that the string names, and reads what this node's index of commands does not hold
    /// yet. The index is a file of this node alone.
    pub async fn connect(connection: &str, index: &Path) -> Result<Self, ConnectError> {
        let client = Client::new(connection)?;
        let head = client.greet().await?;
        let broken = |error: rusqlite::Error| ConnectError::Index {
            path: index.display().to_string(),
            why: why_unusable(&error),
        };
        let mut commands = CommandIndex::open(index).map_err(broken)?;
        follower::check(&client, &mut commands).await?;
        let at = commands.position();
        if at < head {
            tracing::info!(from = %at, to = %head, "reading the log for the commands in it");
        }
        let tail = Arc::new(Tail::of_a_log(at));
        let (moved, followed) = watch::channel(at);
        let judge = Arc::new(Judge::new(client.clone(), commands.reader(), followed.clone()));
        let follower = Follower::new(client.clone(), commands, judge.clone(), tail.clone(), moved);
        let following = tokio::spawn(follower.run());
        let store = Self {
            lanes: Lanes::new(client.clone(), judge.clone()),
            client,
            judge,
            tail,
            head: followed,
            following: Mutex::new(Some(following)),
        };
        store.wait_until_followed(head).await.map_err(ConnectError::Follow)?;
        Ok(store)
    }

    /// As long as it gets nearer: a first start reads the whole log.
    async fn wait_until_followed(&self, head: Position) -> Result<(), StoreError> {
        let mut followed = self.head.clone();
        loop {
            let before = *followed.borrow();
            if timeout(FOLLOWED_WITHIN, followed.wait_for(|at| *at >= head)).await.is_ok() {
                return Ok(());
            }
            if *followed.borrow() == before {
                return Err(StoreError::Unavailable("the subscription to the log brings nothing".to_owned()));
            }
        }
    }
}

impl Drop for KurrentEventStore {
    fn drop(&mut self) {
        let following = self.following.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(following) = following {
            following.abort();
        }
    }
}

impl KurrentEventStore {
    /// A page as the server has it.
    async fn ask_for(&self, after: Position, filter: &Filter, limit: usize) -> Result<Page, StoreError> {
        // whatever is not in the page and up to here is none that the filter admits
        let head = self.judge.fresh_head().await?;
        let limit = limit.min(LARGEST_PAGE);
        if head <= after || limit == 0 {
            return Ok(Page { events: Vec::new(), scanned_to: after });
        }
        let events = self.client.read_all(after, filter, limit).await?;
        let last = events.last().map_or(after, |stored| stored.event.position);
        let scanned_to = if events.len() < limit { last.max(head) } else { last };
        let events = events.into_iter().map(|stored| Arc::new(stored.event));
        Ok(Page { events: events.filter(|event| filter.admits(&event.stream)).collect(), scanned_to })
    }
}

#[async_trait]
impl EventStore for KurrentEventStore {
    fn submit(&self, appends: Vec<StreamAppend>) -> Vec<AppendTicket> {
        self.lanes.submit(appends)
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Arc<RecordedEvent>>, StoreError> {
        let events = self.client.read_stream(stream.as_str(), ReadFrom::After(after), limit).await?;
        Ok(events.into_iter().map(|stored| Arc::new(stored.event)).collect())
    }

    async fn read_all(&self, after: Position, filter: &Filter, limit: usize) -> Result<Page, StoreError> {
        let followed = *self.head.borrow();
        if after < followed
            && limit > 0
            && let Some(page) = self.tail.page(after, followed, filter, limit.min(LARGEST_PAGE))
        {
            return Ok(page);
        }
        self.ask_for(after, filter, limit).await
    }

    async fn read_stored(&self, after: Position, limit: usize) -> Result<Page, StoreError> {
        self.ask_for(after, &Filter::All, limit).await
    }

    async fn find_commands(&self, ids: &[CommandId]) -> Result<Vec<Option<CommandRecord>>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        self.judge.find(ids).await
    }

    async fn head(&self) -> Result<Position, StoreError> {
        self.judge.fresh_head().await
    }

    fn watch_head(&self) -> watch::Receiver<Position> {
        self.head.clone()
    }

    async fn load_snapshot(&self, stream: &StreamName) -> Result<Option<Snapshot>, StoreError> {
        Ok(snapshots::load(&self.client, stream).await?.map(|(snapshot, _)| snapshot))
    }

    async fn save_snapshot(&self, stream: &StreamName, snapshot: Snapshot) -> Result<(), StoreError> {
        snapshots::save(&self.client, stream, snapshot).await
    }

    /// Sends what was accepted, ends the following of the log, and takes nothing more in.
    async fn close(&self) {
        self.lanes.close().await;
        let following = self.following.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(following) = following {
            following.abort();
            // it was aborted: that is no news
            following.await.ok();
        }
    }
}
