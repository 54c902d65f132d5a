//! What is on its way to the store: one append at a time for each stream, and behind it the commands that were decided
//! meanwhile, as one append more.
//!
//! An append leaves only when all that its commands were decided on is durable. Were it sent earlier, the store's version
//! could come to fit by chance although another node's event stands where ours was expected, and a command would be
//! carried out on a state that never was.

use std::sync::Arc;

use tidings_domain::Decider;
use tidings_event_store::{
    AppendError, AppendTicket, Appended, CommandId, NewEvent, Position, StoreError, StreamAppend,
};
use tokio::sync::watch;

use super::{Shared, entry::Entry};

/// The most bytes that commands of different callers share in one append. One command's events are never parted.
const MAX_SHARED_BYTES: usize = 512 * 1024;

/// How an append ended.
#[derive(Debug, Clone)]
pub(super) enum Landed {
    /// It is durable, the last event there.
    Durable(Position),
    /// Nothing was appended: the state it was decided on was not the stream's.
    DecideAgain,
    /// The store does not work. Nothing was appended, or no one knows.
    Failed(StoreError),
}

/// How far a group of commands is.
#[derive(Debug, Clone)]
pub(super) enum Stage {
    Queued,
    Flying,
    Landed(Landed),
}

/// The end of the wait for a group.
pub(super) type Landing = watch::Receiver<Stage>;

/// Waits until the group has landed, or was dropped because what it stood on did not happen.
pub(super) async fn landed(mut landing: Landing) -> Landed {
    // an error says that nobody will tell any more: what was said last then counts
    landing.wait_for(|stage| matches!(stage, Stage::Landed(_))).await.ok();
    let stage = landing.borrow().clone();
    match stage {
        Stage::Landed(landed) => landed,
        Stage::Queued => Landed::DecideAgain,
        Stage::Flying => Landed::Failed(StoreError::Unavailable("an append was given up".to_owned())),
    }
}

/// Commands whose events go as one append.
pub(super) struct Group<D: Decider> {
    pub(super) expected_version: u64,
    pub(super) events: Vec<NewEvent>,
    pub(super) commands: Vec<CommandId>,
    /// The state to be kept as a snapshot once this is durable, where the stream has grown long since the last one.
    pub(super) snapshot: Option<(D::State, u64)>,
    bytes: usize,
    progress: watch::Sender<Stage>,
}

impl<D: Decider> Group<D> {
    pub(super) fn new(expected_version: u64, events: Vec<NewEvent>, commands: Vec<CommandId>) -> Self {
        let bytes = weight(&events);
        let progress = watch::Sender::new(Stage::Queued);
        Self { expected_version, events, commands, snapshot: None, bytes, progress }
    }

    pub(super) fn landing(&self) -> Landing {
        self.progress.subscribe()
    }

    /// Whether commands of others may come in.
    pub(super) fn has_room_for(&self, other: &Self) -> bool {
        self.bytes + other.bytes <= MAX_SHARED_BYTES
    }

    /// Takes in the group that follows.
    pub(super) fn join(&mut self, other: Self) {
        self.events.extend(other.events);
        self.commands.extend(other.commands);
        self.bytes += other.bytes;
        self.snapshot = other.snapshot.or(self.snapshot.take());
    }
}

fn weight(events: &[NewEvent]) -> usize {
    events.iter().map(|event| event.data.len() + event.metadata.len()).sum()
}

/// An append that the store has. Whoever holds it must see it land: [`Entry::land`].
pub(super) struct Flight<D: Decider> {
    pub(super) epoch: u64,
    pub(super) version: u64,
    pub(super) snapshot: Option<(D::State, u64)>,
    ticket: AppendTicket,
    progress: watch::Sender<Stage>,
}

impl<D: Decider> Flight<D> {
    /// Hands a group to the store. To be called under the entry's lock.
    pub(super) fn launch(entry: &Entry<D>, shared: &Shared, epoch: u64, group: Group<D>) -> Self {
        let Group { expected_version, events, snapshot, progress, .. } = group;
        let version = expected_version + events.len() as u64;
        let append = StreamAppend { stream: entry.name().clone(), expected_version, events };
        let no_ticket = || AppendTicket::refused(StoreError::Unavailable("the store gave no ticket".to_owned()));
        let ticket = shared.store().submit(vec![append]).pop().unwrap_or_else(no_ticket);
        progress.send_replace(Stage::Flying);
        Self { epoch, version, snapshot, ticket, progress }
    }

    pub(super) fn landing(&self) -> Landing {
        self.progress.subscribe()
    }

    /// Tells everybody who waits.
    pub(super) fn tell(&self, landed: Landed) {
        self.progress.send_replace(Stage::Landed(landed));
    }
}

fn outcome(answer: Result<Appended, AppendError>) -> Landed {
    match answer {
        Ok(appended) => Landed::Durable(appended.position),
        Err(AppendError::WrongExpectedVersion { .. } | AppendError::DuplicateCommand(_)) => Landed::DecideAgain,
        Err(AppendError::Store(error)) => Landed::Failed(error),
    }
}

/// Sees a flight land, and all that leave after it until nothing waits.
async fn follow<D: Decider>(entry: Arc<Entry<D>>, shared: Arc<Shared>, mut flight: Flight<D>) {
    loop {
        let landed = outcome((&mut flight.ticket).await);
        match entry.land(&shared, flight, landed) {
            Some(next) => flight = next,
            None => return,
        }
    }
}

/// The flight of a caller who found the stream idle and waits for it in person, which saves a task. What leaves after it
/// gets a task, and so does the flight itself if its caller goes away.
pub(super) struct Lead<D: Decider> {
    entry: Arc<Entry<D>>,
    shared: Arc<Shared>,
    flight: Option<Flight<D>>,
}

impl<D: Decider> Lead<D> {
    pub(super) const fn new(entry: Arc<Entry<D>>, shared: Arc<Shared>, flight: Flight<D>) -> Self {
        Self { entry, shared, flight: Some(flight) }
    }

    /// Waits until it has landed.
    pub(super) async fn landed(mut self) -> Landed {
        let Some(flight) = &mut self.flight else { return Landed::DecideAgain };
        let landed = outcome((&mut flight.ticket).await);
        if let Some(flight) = self.flight.take()
            && let Some(next) = self.entry.land(&self.shared, flight, landed.clone())
        {
            tokio::spawn(follow(self.entry.clone(), self.shared.clone(), next));
        }
        landed
    }
}

impl<D: Decider> Drop for Lead<D> {
    fn drop(&mut self) {
        let Some(flight) = self.flight.take() else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(follow(self.entry.clone(), self.shared.clone(), flight));
        } else {
            // the program ends: nobody is left to hear how it went
            self.entry.discard(flight.epoch);
        }
    }
}
