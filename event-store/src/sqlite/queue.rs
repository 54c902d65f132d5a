//! What waits for the writer: bounded, in order, filled without waiting.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use tidings_domain::StreamName;
use tokio::sync::oneshot;

use crate::port::{AppendError, AppendTicket, Appended, Snapshot, StoreError, StreamAppend};

/// How many requests may wait, and how many bytes.
const MAX_WAITING: usize = 16_384;
const MAX_WAITING_BYTES: usize = 64 * 1024 * 1024;

/// How many events and bytes go into one transaction. One request is always taken, whatever its size.
const MAX_BATCH_EVENTS: usize = 4_096;
const MAX_BATCH_BYTES: usize = 8 * 1024 * 1024;

pub(super) type AppendReply = oneshot::Sender<Result<Appended, AppendError>>;
pub(super) type SnapshotReply = oneshot::Sender<Result<(), StoreError>>;

#[derive(Debug)]
enum Request {
    Append(StreamAppend, AppendReply),
    Snapshot(StreamName, Snapshot, SnapshotReply),
}

impl Request {
    fn events(&self) -> usize {
        match self {
            Self::Append(append, _) => append.events.len(),
            Self::Snapshot(..) => 1,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Append(append, _) => append.events.iter().map(|event| event.data.len() + event.metadata.len()).sum(),
            Self::Snapshot(_, snapshot, _) => snapshot.data.len(),
        }
    }
}

/// What the writer takes at once: everything in the order it came, with the ends that answer it.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) appends: Vec<StreamAppend>,
    pub(super) append_replies: Vec<AppendReply>,
    pub(super) snapshots: Vec<(StreamName, Snapshot)>,
    pub(super) snapshot_replies: Vec<SnapshotReply>,
}

impl Taken {
    fn add(&mut self, request: Request) {
        match request {
            Request::Append(append, reply) => {
                self.appends.push(append);
                self.append_replies.push(reply);
            }
            Request::Snapshot(stream, snapshot, reply) => {
                self.snapshots.push((stream, snapshot));
                self.snapshot_replies.push(reply);
            }
        }
    }
}

#[derive(Debug, Default)]
struct Waiting {
    requests: VecDeque<Request>,
    bytes: usize,
    closed: bool,
}

impl Waiting {
    fn refuses(&self, request: &Request) -> Option<StoreError> {
        let too_many_bytes = self.bytes > 0 && self.bytes + request.bytes() > MAX_WAITING_BYTES;
        if self.closed {
            Some(StoreError::Unavailable("the store is closed".to_owned()))
        } else if self.requests.len() >= MAX_WAITING || too_many_bytes {
            Some(StoreError::Overloaded)
        } else {
            None
        }
    }

    fn add(&mut self, request: Request) {
        self.bytes += request.bytes();
        self.requests.push_back(request);
    }
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues appends one behind the other. Once one is refused, so are those behind it: they may build on it.
    pub(super) fn submit(&self, appends: Vec<StreamAppend>) -> Vec<AppendTicket> {
        let mut tickets = Vec::with_capacity(appends.len());
        let mut refused: Option<StoreError> = None;
        let mut waiting = self.lock();
        for append in appends {
            let (reply, ticket) = AppendTicket::new();
            let request = Request::Append(append, reply);
            refused = refused.or_else(|| waiting.refuses(&request));
            if let Some(error) = &refused {
                tickets.push(AppendTicket::refused(error.clone()));
            } else {
                waiting.add(request);
                tickets.push(ticket);
            }
        }
        drop(waiting);
        self.arrived.notify_one();
        tickets
    }

    /// Queues a snapshot; the receiver hears when it is kept.
    pub(super) fn keep(
        &self,
        stream: StreamName,
        snapshot: Snapshot,
    ) -> Result<oneshot::Receiver<Result<(), StoreError>>, StoreError> {
        let (reply, receiver) = oneshot::channel();
        let request = Request::Snapshot(stream, snapshot, reply);
        let mut waiting = self.lock();
        if let Some(error) = waiting.refuses(&request) {
            return Err(error);
        }
        waiting.add(request);
        drop(waiting);
        self.arrived.notify_one();
        Ok(receiver)
    }

    /// Waits for a request and takes it with what waits behind it, up to a batch. `None`: closed, and all is taken.
    pub(super) fn take(&self) -> Option<Taken> {
        let mut waiting = self.lock();
        while waiting.requests.is_empty() {
            if waiting.closed {
                return None;
            }
            waiting = self.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        let mut taken = Taken::default();
        let (mut events, mut bytes) = (0, 0);
        while let Some(next) = waiting.requests.front() {
            events += next.events();
            bytes += next.bytes();
            let first = taken.appends.is_empty() && taken.snapshots.is_empty();
            if !first && (events > MAX_BATCH_EVENTS || bytes > MAX_BATCH_BYTES) {
                break;
            }
            waiting.bytes -= next.bytes();
            if let Some(request) = waiting.requests.pop_front() {
                taken.add(request);
            }
        }
        metrics::gauge!("event_store_queue_requests").set(count(waiting.requests.len()));
        Some(taken)
    }

    /// Takes nothing more in. What waits is still written.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
    }

    /// Closes and answers what waits with "the writer has stopped", by dropping the ends that would answer it.
    pub(super) fn abandon(&self) {
        self.close();
        self.lock().requests.clear();
    }
}

/// A count as the metrics take it.
#[expect(clippy::cast_precision_loss, reason = "counts here are far below 2^52")]
pub(super) const fn count(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use uuid::Uuid;

    use crate::port::NewEvent;

    fn append(bytes: usize) -> StreamAppend {
        let event = NewEvent {
            id: Uuid::nil(),
            name: "happened",
            data: Bytes::from(vec![0; bytes]),
            metadata: Bytes::new(),
            command: None,
        };
        StreamAppend { stream: StreamName::stored("user-1"), expected_version: 0, events: vec![event] }
    }

    #[tokio::test]
    async fn a_full_queue_refuses_and_takes_again_when_there_is_room() {
        let queue = Queue::default();
        let mut tickets = queue.submit(vec![append(1); MAX_WAITING + 1]);
        let refused = tickets.pop().expect("one for each").await;
        assert_eq!(refused, Err(AppendError::Store(StoreError::Overloaded)));
        assert_eq!(queue.take().expect("full").appends.len(), MAX_BATCH_EVENTS);
        assert!(queue.keep(StreamName::stored("user-1"), snapshot()).is_ok());
    }

    fn snapshot() -> Snapshot {
        Snapshot { version: 1, format: "1".to_owned(), data: Bytes::new() }
    }

    #[test]
    fn bytes_bound_a_batch_and_the_queue_but_never_a_single_request() {
        let queue = Queue::default();
        queue.submit(vec![append(MAX_WAITING_BYTES + 1)]);
        queue.submit(vec![append(1)]);
        assert_eq!(queue.take().expect("waits").appends.len(), 1);
        queue.submit(vec![append(MAX_BATCH_BYTES / 2); 3]);
        assert_eq!(queue.take().expect("waits").appends.len(), 2);
    }

    #[tokio::test]
    async fn a_closed_queue_hands_out_what_waits_and_takes_nothing_in() {
        let queue = Queue::default();
        queue.submit(vec![append(1)]);
        queue.close();
        let refused = queue.submit(vec![append(1)]).remove(0).await;
        assert!(matches!(refused, Err(AppendError::Store(StoreError::Unavailable(_)))));
        assert!(queue.take().is_some());
        assert!(queue.take().is_none());
    }
}
