//! What waits for the writer: bounded, in order, filled without waiting.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
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

/// From so many requests in flight on, the writer lets them gather: a commit costs about the same for one as for many, and
/// those who were just answered are about to ask again.
const MANY: usize = 8;
/// It never waits longer than this for them.
const GATHER: Duration = Duration::from_micros(500);

type AppendReply = oneshot::Sender<Result<Appended, AppendError>>;
type SnapshotReply = oneshot::Sender<Result<(), StoreError>>;

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

/// The ends that answer what was taken.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    appends: Vec<AppendReply>,
    snapshots: Vec<SnapshotReply>,
}

impl Replies {
    /// Answers each. A reply whose receiver is gone has lost a listener, not an append.
    pub(crate) fn send(self, outcome: Result<Vec<Result<Appended, AppendError>>, StoreError>) {
        match outcome {
            Ok(answers) => {
                for (reply, answer) in self.appends.into_iter().zip(answers) {
                    reply.send(answer).ok();
                }
                for reply in self.snapshots {
                    reply.send(Ok(())).ok();
                }
            }
            Err(error) => {
                for reply in self.appends {
                    reply.send(Err(AppendError::Store(error.clone()))).ok();
                }
                for reply in self.snapshots {
                    reply.send(Err(error.clone())).ok();
                }
            }
        }
    }
}

/// What the writer takes at once: everything in the order it came, with the ends that answer it.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) appends: Vec<StreamAppend>,
    pub(crate) snapshots: Vec<(StreamName, Snapshot)>,
    pub(crate) replies: Replies,
}

impl Taken {
    fn add(&mut self, request: Request) {
        match request {
            Request::Append(append, reply) => {
                self.appends.push(append);
                self.replies.appends.push(reply);
            }
            Request::Snapshot(stream, snapshot, reply) => {
                self.snapshots.push((stream, snapshot));
                self.replies.snapshots.push(reply);
            }
        }
    }
}

#[derive(Debug, Default)]
struct Waiting {
    requests: VecDeque<Request>,
    bytes: usize,
    closed: bool,
    /// The writer sleeps until so many wait.
    wanted: usize,
    /// About how many requests are in flight: those of the last batches and those that came while they were written.
    in_flight: usize,
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

    fn wakes_writer(&self) -> bool {
        self.requests.len() >= self.wanted
    }
}

#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues appends one behind the other. Once one is refused, so are those behind it: they may build on it.
    pub(crate) fn submit(&self, appends: Vec<StreamAppend>) -> Vec<AppendTicket> {
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
        self.wake_writer(waiting);
        tickets
    }

    fn wake_writer(&self, waiting: MutexGuard<'_, Waiting>) {
        let wakes = waiting.wakes_writer();
        drop(waiting);
        if wakes {
            self.arrived.notify_one();
        }
    }

    /// Queues a snapshot; the receiver hears when it is kept.
    pub(crate) fn keep(
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
        self.wake_writer(waiting);
        Ok(receiver)
    }

    /// Waits for a request and takes it with what waits behind it, up to a batch. `None`: closed, and all is taken.
    pub(crate) fn take(&self) -> Option<Taken> {
        let mut waiting = self.lock();
        while waiting.requests.is_empty() {
            if waiting.closed {
                return None;
            }
            waiting.wanted = 1;
            waiting = self.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        let mut waiting = self.gather(waiting);
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
        metrics::gauge!("tidings_log_queue_requests").set(count(waiting.requests.len()));
        waiting.in_flight = waiting.in_flight.max(taken.appends.len() + waiting.requests.len());
        Some(taken)
    }

    /// Lets more requests come in, where many are in flight; with few it returns at once.
    fn gather<'a>(&self, mut waiting: MutexGuard<'a, Waiting>) -> MutexGuard<'a, Waiting> {
        // what is not seen again is forgotten within a few batches
        waiting.in_flight = waiting.requests.len().max(waiting.in_flight - waiting.in_flight / 8);
        if waiting.in_flight < MANY {
            return waiting;
        }
        waiting.wanted = waiting.in_flight * 3 / 4;
        let until = Instant::now() + GATHER;
        while !waiting.wakes_writer() && !waiting.closed {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            waiting = self.arrived.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        waiting
    }

    /// Takes nothing more in. What waits is still written.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
    }

    /// Closes and answers what waits with "the writer has stopped", by dropping the ends that would answer it.
    pub(crate) fn abandon(&self) {
        self.close();
        self.lock().requests.clear();
    }
}

/// A count as the metrics take it.
#[expect(clippy::cast_precision_loss, reason = "counts here are far below 2^52")]
pub(crate) const fn count(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests;
