//! What waits to be appended: a lane for each stream, in order; lanes run beside each other.
//!
//! What waits in a lane goes as one append where each builds on the one before it. Appends of different streams have no
//! order among them, except that one which repeats a command waits for the one that has it.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tidings_domain::StreamName;
use tokio::{
    runtime::Handle,
    sync::{Notify, oneshot, watch},
};

use super::{client::Client, judge::Judge};
use crate::port::{AppendError, AppendTicket, Appended, CommandId, NewEvent, StoreError, StreamAppend};

mod turn;

/// How many appends may wait, and how many bytes.
const MAX_WAITING: usize = 16_384;
const MAX_WAITING_BYTES: usize = 64 * 1024 * 1024;

type Reply = oneshot::Sender<Result<Appended, AppendError>>;

/// Who else has a command: gone when their append is answered.
type Earlier = watch::Receiver<()>;

/// An append with what it waits for.
struct Waiting {
    append: StreamAppend,
    reply: Reply,
    /// Appends before it, perhaps of other streams, that have a command of it.
    earlier: Vec<Earlier>,
    /// Its own claim on its commands; none without commands.
    claim: Option<Claim>,
}

struct Claim {
    number: u64,
    /// Its end tells the others.
    _held: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    lanes: HashMap<StreamName, VecDeque<Waiting>>,
    /// The last append that has a command.
    claims: HashMap<CommandId, (u64, Earlier)>,
    claimed: u64,
    waiting: usize,
    bytes: usize,
    closed: bool,
}

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct Lanes(Arc<Inner>);

struct Inner {
    client: Client,
    judge: Arc<Judge>,
    handle: Handle,
    state: Mutex<State>,
    /// Told when nothing waits any more.
    idle: Notify,
}

impl fmt::Debug for Lanes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lanes").field("waiting", &self.0.lock().waiting).finish_non_exhaustive()
    }
}

fn weight(events: &[NewEvent]) -> usize {
    events.iter().map(|event| event.data.len() + event.metadata.len()).sum()
}

fn gauge(waiting: usize) {
    metrics::gauge!("tidings_log_queue_requests").set(f64::from(u32::try_from(waiting).unwrap_or(u32::MAX)));
}

fn commands(append: &StreamAppend) -> impl Iterator<Item = CommandId> {
    append.events.iter().filter_map(|event| Some(event.command?.id))
}

impl Lanes {
    pub(super) fn new(client: Client, judge: Arc<Judge>) -> Self {
        Self(Arc::new(Inner { client, judge, handle: Handle::current(), state: Mutex::default(), idle: Notify::new() }))
    }

    /// Queues appends in order. Once one is refused, so are those behind it: they may build on it.
    pub(super) fn submit(&self, appends: Vec<StreamAppend>) -> Vec<AppendTicket> {
        let mut refused = None;
        let mut tickets = Vec::with_capacity(appends.len());
        let mut state = self.0.lock();
        for append in appends {
            let bytes = weight(&append.events);
            let too_many_bytes = state.bytes > 0 && state.bytes + bytes > MAX_WAITING_BYTES;
            if state.closed {
                refused = Some(StoreError::Unavailable("the store is closed".to_owned()));
            } else if state.waiting >= MAX_WAITING || too_many_bytes {
                refused = refused.or(Some(StoreError::Overloaded));
            }
            if let Some(error) = &refused {
                tickets.push(AppendTicket::refused(error.clone()));
                continue;
            }
            state.waiting += 1;
            state.bytes += bytes;
            gauge(state.waiting);
            let (reply, ticket) = AppendTicket::new();
            tickets.push(ticket);
            self.add(&mut state, append, reply);
        }
        tickets
    }

    /// Takes nothing more in, and waits until what was is answered.
    pub(super) async fn close(&self) {
        self.0.lock().closed = true;
        loop {
            let idle = self.0.idle.notified();
            if self.0.lock().waiting == 0 {
                return;
            }
            idle.await;
        }
    }

    fn add(&self, state: &mut State, append: StreamAppend, reply: Reply) {
        let (mut earlier, mut claim) = (Vec::new(), None);
        if commands(&append).next().is_some() {
            let (held, seen) = watch::channel(());
            state.claimed += 1;
            let number = state.claimed;
            for command in commands(&append) {
                let before = state.claims.insert(command, (number, seen.clone()));
                earlier.extend(before.filter(|(other, _)| *other != number).map(|(_, earlier)| earlier));
            }
            claim = Some(Claim { number, _held: held });
        }
        let stream = append.stream.clone();
        let waiting = Waiting { append, reply, earlier, claim };
        if let Some(lane) = state.lanes.get_mut(&stream) {
            lane.push_back(waiting);
        } else {
            state.lanes.insert(stream.clone(), VecDeque::from([waiting]));
            self.0.handle.spawn(self.0.clone().run(stream));
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works a lane off until nothing waits in it.
    async fn run(self: Arc<Self>, stream: StreamName) {
        while let Some(first) = self.next(&stream) {
            self.turn(first).await;
        }
    }

    /// The next of a lane; the lane is gone when there is none.
    fn next(&self, stream: &StreamName) -> Option<Waiting> {
        let mut state = self.lock();
        let next = state.lanes.get_mut(stream).and_then(VecDeque::pop_front);
        if next.is_none() {
            state.lanes.remove(stream);
        }
        next
    }

    /// The next of a lane if it is one that may come along.
    fn next_if(&self, stream: &StreamName, may: impl FnOnce(&Waiting) -> bool) -> Option<Waiting> {
        let mut state = self.lock();
        let lane = state.lanes.get_mut(stream)?;
        if may(lane.front()?) { lane.pop_front() } else { None }
    }

    /// Puts appends back to the front of their lane.
    fn put_back(&self, stream: &StreamName, appends: Vec<Waiting>) {
        let mut state = self.lock();
        let lane = state.lanes.entry(stream.clone()).or_default();
        for waiting in appends.into_iter().rev() {
            lane.push_front(waiting);
        }
    }

    /// Answers an append; those that wait for its commands go on.
    fn answer(&self, waiting: Waiting, outcome: Result<Appended, AppendError>) {
        let Waiting { append, reply, claim, .. } = waiting;
        let mut state = self.lock();
        state.waiting -= 1;
        gauge(state.waiting);
        state.bytes -= weight(&append.events);
        if let Some(claim) = &claim {
            for command in commands(&append) {
                if state.claims.get(&command).is_some_and(|(number, _)| *number == claim.number) {
                    state.claims.remove(&command);
                }
            }
        }
        if state.waiting == 0 {
            self.idle.notify_waiters();
        }
        drop(state);
        // whoever asked may have gone; what was appended stays
        reply.send(outcome).ok();
    }
}
