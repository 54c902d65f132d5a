//! An event store in memory: as strict as a real one about versions, and nothing of it lasts.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use tidings_domain::{StreamName, Timestamp};
use tidings_event_store::{
    AppendError, AppendTicket, Appended, CommandId, CommandRecord, EventStore, Filter, Page, Position, RecordedEvent,
    Snapshot, StoreError, StreamAppend,
};
use tokio::sync::watch;

pub struct MemoryStore {
    events: Mutex<Vec<Arc<RecordedEvent>>>,
    versions: Mutex<HashMap<StreamName, u64>>,
    head: watch::Sender<Position>,
    /// How many of the next reads fail.
    pub failing_reads: AtomicU64,
}

impl MemoryStore {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            events: Mutex::default(),
            versions: Mutex::default(),
            head: watch::channel(Position::START).0,
            failing_reads: AtomicU64::new(0),
        })
    }

    pub fn last(&self) -> Position {
        Position::new(self.events.lock().unwrap().len() as u64)
    }

    /// Tells readers how far the log reaches: tests append first, and choose when views get to know.
    pub fn announce(&self) {
        self.head.send_replace(self.last());
    }

    /// Changes what is stored, which a log never does: to see what readers make of damage.
    pub fn tamper(&self, position: Position, change: impl FnOnce(&mut RecordedEvent)) {
        let mut events = self.events.lock().unwrap();
        let index = usize::try_from(position.get()).unwrap() - 1;
        change(Arc::make_mut(&mut events[index]));
    }

    fn append_one(&self, append: StreamAppend) -> Result<Appended, AppendError> {
        let (mut events, mut versions) = (self.events.lock().unwrap(), self.versions.lock().unwrap());
        let version = versions.entry(append.stream.clone()).or_insert(0);
        if *version != append.expected_version {
            return Err(AppendError::WrongExpectedVersion { actual: *version });
        }
        for new in append.events {
            *version += 1;
            let position = Position::new(events.len() as u64 + 1);
            events.push(Arc::new(RecordedEvent {
                position,
                stream: append.stream.clone(),
                version: *version,
                id: new.id,
                name: new.name.into(),
                recorded_at: Timestamp::from_millis(0),
                data: new.data,
                metadata: new.metadata,
            }));
        }
        Ok(Appended { position: Position::new(events.len() as u64), version: *version })
    }
}

#[async_trait]
impl EventStore for MemoryStore {
    fn submit(&self, appends: Vec<StreamAppend>) -> Vec<AppendTicket> {
        let answer = |append| {
            let (sender, ticket) = AppendTicket::new();
            sender.send(self.append_one(append)).ok();
            ticket
        };
        appends.into_iter().map(answer).collect()
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Arc<RecordedEvent>>, StoreError> {
        let events = self.events.lock().unwrap();
        let of_stream = events.iter().filter(|event| event.stream == *stream && event.version > after);
        Ok(of_stream.take(limit).cloned().collect())
    }

    async fn read_all(&self, after: Position, filter: &Filter, limit: usize) -> Result<Page, StoreError> {
        let failing = self.failing_reads.load(Ordering::Relaxed);
        if failing > 0 {
            self.failing_reads.store(failing - 1, Ordering::Relaxed);
            return Err(StoreError::Unavailable("the disk is away".to_owned()));
        }
        let events = self.events.lock().unwrap();
        let looked_at = events.iter().filter(|event| event.position > after).take(limit);
        let mut page = Page { events: Vec::new(), scanned_to: after };
        for event in looked_at {
            page.scanned_to = event.position;
            if filter.admits(&event.stream) {
                page.events.push(event.clone());
            }
        }
        Ok(page)
    }

    async fn find_commands(&self, ids: &[CommandId]) -> Result<Vec<Option<CommandRecord>>, StoreError> {
        Ok(ids.iter().map(|_| None).collect())
    }

    async fn head(&self) -> Result<Position, StoreError> {
        Ok(self.last())
    }

    fn watch_head(&self) -> watch::Receiver<Position> {
        self.head.subscribe()
    }

    async fn load_snapshot(&self, _stream: &StreamName) -> Result<Option<Snapshot>, StoreError> {
        Ok(None)
    }

    async fn save_snapshot(&self, _stream: &StreamName, _snapshot: Snapshot) -> Result<(), StoreError> {
        Ok(())
    }
}
