//! A store that a test can disturb, and that counts.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use async_trait::async_trait;
use tidings_domain::StreamName;
use tidings_event_store::{
    AppendError, AppendTicket, Appended, CommandId, CommandRecord, EventStore, Filter, Page, Position, RecordedEvent,
    Snapshot, StoreError, StreamAppend,
};
use tokio::sync::{oneshot, watch};

/// What becomes of appends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Appends {
    /// They go through.
    Work,
    /// They are refused.
    Fail,
    /// So many go through, and those after them are refused.
    WorkFor(usize),
    /// They are refused, for too many wait.
    Overload,
    /// They go through, but whoever asked hears that they failed.
    GoThroughUnheard,
    /// They wait until the test lets them go.
    Wait,
}

type Reply = oneshot::Sender<Result<Appended, AppendError>>;

pub(crate) struct TestStore {
    inner: Arc<dyn EventStore>,
    appends: Mutex<Appends>,
    waiting: Mutex<Vec<(StreamAppend, Reply)>>,
    submitted: watch::Sender<usize>,
    events_read: AtomicUsize,
    lookups: AtomicUsize,
    blind: AtomicBool,
    /// What is told of the head, where that comes late.
    late: Mutex<Option<watch::Sender<Position>>>,
}

impl TestStore {
    pub(crate) fn new(inner: Arc<dyn EventStore>) -> Self {
        Self {
            inner,
            appends: Mutex::new(Appends::Work),
            waiting: Mutex::default(),
            submitted: watch::Sender::new(0),
            events_read: AtomicUsize::new(0),
            lookups: AtomicUsize::new(0),
            blind: AtomicBool::new(false),
            late: Mutex::default(),
        }
    }

    pub(crate) fn set(&self, appends: Appends) {
        *self.appends.lock().unwrap() = appends;
    }

    /// Waits until so many appends in all have been submitted.
    pub(crate) async fn has_got(&self, appends: usize) {
        self.submitted.subscribe().wait_for(|submitted| *submitted >= appends).await.unwrap();
    }

    pub(crate) fn submitted(&self) -> usize {
        *self.submitted.borrow()
    }

    /// Lets go what waits, and all that comes.
    pub(crate) fn let_go(&self) {
        self.set(Appends::Work);
        for (append, reply) in self.waiting.lock().unwrap().drain(..) {
            let ticket = self.inner.submit(vec![append]).pop().unwrap();
            tokio::spawn(async move { reply.send(ticket.await).ok() });
        }
    }

    /// How many events of streams were read until now.
    pub(crate) fn events_read(&self) -> usize {
        self.events_read.load(Ordering::Relaxed)
    }

    /// How many times keys were looked up until now.
    pub(crate) fn lookups(&self) -> usize {
        self.lookups.load(Ordering::Relaxed)
    }

    /// Lets the next lookup of keys find nothing, as if it had been made a moment earlier.
    pub(crate) fn be_blind_once(&self) {
        self.blind.store(true, Ordering::Relaxed);
    }

    /// Tells nobody from now on that the head has moved, though appends are answered: as a store that follows its own log.
    pub(crate) fn tell_late(&self) {
        let head = *self.inner.watch_head().borrow();
        *self.late.lock().unwrap() = Some(watch::Sender::new(head));
    }

    fn submit_one(&self, append: StreamAppend) -> AppendTicket {
        let appends = *self.appends.lock().unwrap();
        let ticket = match appends {
            Appends::Work => self.inner.submit(vec![append]).pop().unwrap(),
            Appends::WorkFor(more @ 1..) => {
                self.set(Appends::WorkFor(more - 1));
                self.inner.submit(vec![append]).pop().unwrap()
            }
            Appends::Fail | Appends::WorkFor(0) => AppendTicket::refused(broken()),
            Appends::Overload => AppendTicket::refused(StoreError::Overloaded),
            Appends::GoThroughUnheard => {
                let unheard = self.inner.submit(vec![append]).pop().unwrap();
                let (reply, ticket) = AppendTicket::new();
                tokio::spawn(async move {
                    unheard.await.unwrap();
                    reply.send(Err(AppendError::Store(broken()))).unwrap();
                });
                ticket
            }
            Appends::Wait => {
                let (reply, ticket) = AppendTicket::new();
                self.waiting.lock().unwrap().push((append, reply));
                ticket
            }
        };
        self.submitted.send_modify(|submitted| *submitted += 1);
        ticket
    }
}

fn broken() -> StoreError {
    StoreError::Unavailable("the test broke it".to_owned())
}

#[async_trait]
impl EventStore for TestStore {
    fn submit(&self, appends: Vec<StreamAppend>) -> Vec<AppendTicket> {
        appends.into_iter().map(|append| self.submit_one(append)).collect()
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Arc<RecordedEvent>>, StoreError> {
        let events = self.inner.read_stream(stream, after, limit).await?;
        self.events_read.fetch_add(events.len(), Ordering::Relaxed);
        Ok(events)
    }

    async fn read_all(&self, after: Position, filter: &Filter, limit: usize) -> Result<Page, StoreError> {
        self.inner.read_all(after, filter, limit).await
    }

    async fn find_commands(&self, ids: &[CommandId]) -> Result<Vec<Option<CommandRecord>>, StoreError> {
        self.lookups.fetch_add(1, Ordering::Relaxed);
        if self.blind.swap(false, Ordering::Relaxed) {
            return Ok(vec![None; ids.len()]);
        }
        self.inner.find_commands(ids).await
    }

    async fn head(&self) -> Result<Position, StoreError> {
        self.inner.head().await
    }

    fn watch_head(&self) -> watch::Receiver<Position> {
        let late = self.late.lock().unwrap();
        late.as_ref().map_or_else(|| self.inner.watch_head(), watch::Sender::subscribe)
    }

    async fn load_snapshot(&self, stream: &StreamName) -> Result<Option<Snapshot>, StoreError> {
        self.inner.load_snapshot(stream).await
    }

    async fn save_snapshot(&self, stream: &StreamName, snapshot: Snapshot) -> Result<(), StoreError> {
        self.inner.save_snapshot(stream, snapshot).await
    }
}
