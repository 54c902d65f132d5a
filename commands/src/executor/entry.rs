//! One stream's decided state in memory.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
};

use tidings_domain::{Decider, StreamName};
use tidings_event_store::{CommandId, RecordedEvent};

use super::{
    Shared,
    behind::Behind,
    flight::{Flight, Group, Landed, Landing},
};
use crate::Error;

/// Beyond this weight a state is not remembered beside the one that commands are folded into: copying it would cost more than
/// loading it again now and then.
const MOST_WEIGHT_REMEMBERED: usize = 256;

/// A state and how many events are folded into it, some of which may still be on their way to the store.
pub(super) struct Loaded<D: Decider> {
    pub(super) state: D::State,
    pub(super) version: u64,
    /// Up to which version it is known to be in the log.
    pub(super) durable: u64,
    /// The state as it was when nothing was on its way, and its version: to go on from when an append fails.
    pub(super) base: Option<(D::State, u64)>,
    /// Which loading this is: a failed append discards only the state it was folded into.
    pub(super) epoch: u64,
    /// The append that the store has, and the commands in it that have keys.
    pub(super) flying: Option<(Landing, Vec<CommandId>)>,
    /// What leaves after it. Dropped with the state: then its commands are decided again.
    pub(super) queue: VecDeque<Group<D>>,
}

impl<D: Decider> Loaded<D> {
    /// When everything folded in until now will be durable; `None` where it is.
    pub(super) fn settled(&self) -> Option<Landing> {
        if self.durable == self.version {
            return None;
        }
        self.queue.back().map(Group::landing).or_else(|| Some(self.flying.as_ref()?.0.clone()))
    }

    /// The command of this id, if it is on its way.
    pub(super) fn under_way(&self, command: CommandId) -> Option<Landing> {
        let flying = self.flying.iter().find(|(_, commands)| commands.contains(&command));
        let queued = || self.queue.iter().find(|group| group.commands.contains(&command)).map(Group::landing);
        flying.map(|(landing, _)| landing.clone()).or_else(queued)
    }
}

/// A stream that commands are decided on. The state is absent before it was loaded and after it was discarded.
pub(super) struct Entry<D: Decider> {
    name: StreamName,
    loaded: Mutex<Option<Loaded<D>>>,
    /// What the state was before it was dropped. Locked after it.
    behind: Mutex<Option<Behind<D>>>,
    loading: tokio::sync::Mutex<()>,
    epochs: AtomicU64,
    weigh: fn(&D::State) -> usize,
    weight: AtomicU32,
    outgrown: AtomicBool,
}

impl<D: Decider> Entry<D> {
    pub(super) fn new(name: StreamName, weigh: fn(&D::State) -> usize) -> Self {
        Self {
            name,
            loaded: Mutex::new(None),
            behind: Mutex::new(None),
            loading: tokio::sync::Mutex::default(),
            epochs: AtomicU64::new(0),
            weigh,
            weight: AtomicU32::new(1),
            outgrown: AtomicBool::new(false),
        }
    }

    pub(super) const fn name(&self) -> &StreamName {
        &self.name
    }

    pub(super) fn weight(&self) -> u32 {
        self.weight.load(Ordering::Relaxed)
    }

    /// Whether it weighs much more than when it was weighed last. Says so once.
    pub(super) fn has_outgrown_its_weight(&self) -> bool {
        self.outgrown.load(Ordering::Relaxed) && self.outgrown.swap(false, Ordering::Relaxed)
    }

    fn weigh(&self, state: &D::State) -> u32 {
        u32::try_from((self.weigh)(state)).unwrap_or(u32::MAX)
    }

    /// The state. One that a panic may have left half folded is dropped: the log knows better.
    pub(super) fn lock(&self) -> MutexGuard<'_, Option<Loaded<D>>> {
        self.loaded.lock().unwrap_or_else(|poisoned| {
            self.loaded.clear_poison();
            let mut loaded = poisoned.into_inner();
            *loaded = None;
            loaded
        })
    }

    pub(super) fn is_loaded(&self) -> bool {
        self.lock().is_some()
    }

    /// Loads the state unless it is there; whoever comes first loads for all who wait. Says whether it did.
    pub(super) async fn ensure_loaded(&self, shared: &Arc<Shared>) -> Result<bool, Error> {
        let _turn = self.loading.lock().await;
        if self.is_loaded() {
            return Ok(false);
        }
        let behind = self.behind().take();
        let (state, version) = match behind {
            Some(behind) => shared.catch_up(&self.name, behind).await?,
            None => shared.load::<D>(&self.name).await?,
        };
        self.weight.store(self.weigh(&state), Ordering::Relaxed);
        let epoch = self.epochs.fetch_add(1, Ordering::Relaxed);
        let (base, flying, queue) = (None, None, VecDeque::new());
        *self.lock() = Some(Loaded { state, version, durable: version, base, epoch, flying, queue });
        Ok(true)
    }

    /// Looks at the state, if it is there. What was seen counts once it is durable.
    pub(super) fn peek<R>(&self, look: impl FnOnce(&D::State) -> R) -> Option<(R, Option<Landing>)> {
        let loaded = self.lock();
        let loaded = loaded.as_ref()?;
        Some((look(&loaded.state), loaded.settled()))
    }

    /// Drops the state of this loading: an append it had counted on did not happen.
    pub(super) fn discard(&self, epoch: u64) {
        let mut slot = self.lock();
        if let Some(loaded) = slot.take_if(|loaded| loaded.epoch == epoch) {
            *self.behind() = loaded.base.map(|(state, version)| Behind::refused(state, version));
        }
    }

    /// Drops the state if the stream is further than it. What it was is kept, with what the stream has since.
    pub(super) fn observe(&self, shared: &Shared, recorded: &Arc<RecordedEvent>) {
        let mut slot = self.lock();
        if let Some(loaded) = slot.take_if(|loaded| loaded.version < recorded.version) {
            shared.another_wrote();
            let settled = loaded.durable == loaded.version;
            let base = if settled { Some((loaded.state, loaded.version)) } else { loaded.base };
            *self.behind() = base.map(|(state, version)| Behind::overtaken(state, version));
        }
        if slot.is_none()
            && let Some(behind) = self.behind().as_mut()
        {
            behind.hear(recorded);
        }
    }

    fn behind(&self) -> MutexGuard<'_, Option<Behind<D>>> {
        self.behind.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the state to go on from, before anything is folded in that may not happen. Where nobody else writes, everything
    /// happens but what a failing store loses, and a copy for each command would be for nothing.
    pub(super) fn remember(&self, shared: &Shared, loaded: &mut Loaded<D>) {
        if shared.others_write() && loaded.durable == loaded.version {
            let light = (self.weigh)(&loaded.state) <= MOST_WEIGHT_REMEMBERED;
            loaded.base = light.then(|| (loaded.state.clone(), loaded.version));
        }
    }

    /// Draws the consequences of a flight's end and tells all who wait for it. The flight that leaves next, if any.
    pub(super) fn land(&self, shared: &Arc<Shared>, flight: Flight<D>, landed: Landed) -> Option<Flight<D>> {
        let next = match &landed {
            Landed::Durable(position) => {
                shared.saw(*position);
                self.landed_well(shared, &flight)
            }
            Landed::DecideAgain | Landed::Failed(_) => {
                self.discard(flight.epoch);
                None
            }
        };
        flight.tell(landed.clone());
        if let (Landed::Durable(_), Some((state, version))) = (landed, flight.snapshot) {
            shared.keep_snapshot::<D>(&self.name, state, version);
        }
        next
    }

    fn landed_well(&self, shared: &Shared, flight: &Flight<D>) -> Option<Flight<D>> {
        let mut slot = self.lock();
        let loaded = slot.as_mut().filter(|loaded| loaded.epoch == flight.epoch)?;
        loaded.durable = flight.version;
        loaded.flying = None;
        let weight = self.weigh(&loaded.state);
        if weight / 2 > self.weight() {
            self.weight.store(weight, Ordering::Relaxed);
            self.outgrown.store(true, Ordering::Relaxed);
        }
        let mut group = loaded.queue.pop_front()?;
        let commands = std::mem::take(&mut group.commands);
        let next = Flight::launch(self, shared, loaded.epoch, group);
        loaded.flying = Some((next.landing(), commands));
        Some(next)
    }
}
