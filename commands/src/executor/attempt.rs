//! One try at a batch of commands: decide, fold, seal and queue, all under the stream's lock and without waiting.

use std::sync::Arc;

use tidings_domain::{Decider, KeyId, StoredEvent};
use tidings_event_store::{CommandId, NewEvent, SealError, StoreError};

use super::{
    Events, Request, Shared,
    entry::{Entry, Loaded},
    flight::{Flight, Group, Landed, Landing, Lead, landed},
    recall::Prior,
    shared::snapshot_is_due,
};
use crate::{Error, Refusal};

/// How many groups may wait behind the append under way. Most hold many commands.
const MOST_QUEUED_GROUPS: usize = 128;

/// A command's events, or why not.
pub(super) type Decided<E> = Result<Events<E>, Error>;

/// Commands that were decided and whose events are on their way.
pub(super) struct UnderWay<D: Decider> {
    pub(super) wait: Wait<D>,
    pub(super) outcomes: Vec<Decided<D::Event>>,
}

/// Who sees the append land.
pub(super) enum Wait<D: Decider> {
    /// This caller, who found the stream idle.
    Lead(Lead<D>),
    /// Somebody else, who will tell.
    Member(Landing),
}

impl<D: Decider> Wait<D> {
    pub(super) async fn landed(self) -> Landed {
        match self {
            Self::Lead(lead) => lead.landed().await,
            Self::Member(landing) => landed(landing).await,
        }
    }
}

pub(super) enum Attempt<D: Decider> {
    UnderWay(UnderWay<D>),
    /// A command with the same key is on its way: wait for it and try again.
    SameKey(Landing),
    /// Load the key and try again.
    KeyNotLoaded(KeyId),
    /// The state was discarded meanwhile: load and try again.
    NotLoaded,
    Failed(Error),
}

/// Why an event cannot be sealed now, other than that its key is gone.
enum NotSealed {
    KeyNotLoaded(KeyId),
    Failed(Error),
}

impl<D: Decider> Entry<D>
where
    Refusal: From<D::Refusal>,
{
    /// Tries all commands that were not carried out before.
    pub(super) fn attempt(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        requests: &[Request<'_, D::Command>],
        priors: &[Prior<D::Event>],
    ) -> Attempt<D> {
        let mut slot = self.lock();
        let Some(loaded) = slot.as_mut() else { return Attempt::NotLoaded };
        let new = || requests.iter().zip(priors).filter(|(_, prior)| matches!(prior, Prior::None));
        let commands: Vec<CommandId> = new().filter_map(|(request, _)| Some(request.context.key?.id)).collect();
        if let Some(landing) = commands.iter().find_map(|command| loaded.under_way(*command)) {
            return Attempt::SameKey(landing);
        }
        if loaded.queue.len() >= MOST_QUEUED_GROUPS {
            return Attempt::Failed(StoreError::Overloaded.into());
        }
        let before = loaded.version;
        self.remember(shared, loaded);
        let mut outcomes = Vec::with_capacity(requests.len());
        let mut sealed = Vec::new();
        for (request, prior) in requests.iter().zip(priors) {
            let decided = match prior {
                Prior::None => self.decide(shared, loaded, request, &mut sealed),
                Prior::Recalled(_) | Prior::SameAs(_) | Prior::Reused => Ok(Ok(Events::new())),
            };
            match decided {
                Ok(outcome) => outcomes.push(outcome),
                Err(reason) => {
                    // what was folded in before it will not be appended
                    if loaded.version != before {
                        let epoch = loaded.epoch;
                        drop(slot);
                        self.discard(epoch);
                    }
                    return match reason {
                        NotSealed::KeyNotLoaded(key) => Attempt::KeyNotLoaded(key),
                        NotSealed::Failed(error) => Attempt::Failed(error),
                    };
                }
            }
        }
        let mut group = Group::new(before, sealed, commands);
        if snapshot_is_due::<D>(&loaded.state, before, loaded.version) {
            group.snapshot = Some((loaded.state.clone(), loaded.version));
        }
        let wait = self.send_off(shared, loaded, group);
        Attempt::UnderWay(UnderWay { wait, outcomes })
    }

    /// Hands the group to the store, or lets it wait behind the append under way.
    fn send_off(self: &Arc<Self>, shared: &Arc<Shared>, loaded: &mut Loaded<D>, mut group: Group<D>) -> Wait<D> {
        if loaded.flying.is_none() {
            let commands = std::mem::take(&mut group.commands);
            let flight = Flight::launch(self, shared, loaded.epoch, group);
            loaded.flying = Some((flight.landing(), commands));
            return Wait::Lead(Lead::new(self.clone(), shared.clone(), flight));
        }
        match loaded.queue.back_mut() {
            Some(last) if last.has_room_for(&group) => {
                last.join(group);
                Wait::Member(last.landing())
            }
            Some(_) | None => {
                let landing = group.landing();
                loaded.queue.push_back(group);
                Wait::Member(landing)
            }
        }
    }

    fn decide(
        &self,
        shared: &Shared,
        loaded: &mut Loaded<D>,
        request: &Request<'_, D::Command>,
        sealed: &mut Vec<NewEvent>,
    ) -> Result<Decided<D::Event>, NotSealed> {
        let events = match D::decide(&loaded.state, request.command) {
            Ok(events) => events,
            Err(refusal) => return Ok(Err(Error::Refused(refusal.into()))),
        };
        if events.is_empty() {
            return Ok(Ok(Events::new()));
        }
        let begin = sealed.len();
        for event in &events {
            let key = if sealed.len() == begin { request.context.key } else { None };
            match shared.codec().seal(self.name(), event, request.context.metadata(), key) {
                Ok(event) => sealed.push(event),
                Err(error) => {
                    // nothing of this command was folded in yet
                    sealed.truncate(begin);
                    return match error {
                        SealError::KeyDestroyed => Ok(Err(Error::Forgotten)),
                        SealError::KeyNotLoaded(key) => Err(NotSealed::KeyNotLoaded(key)),
                        SealError::Event(_) | SealError::Cipher => {
                            Err(NotSealed::Failed(Error::Internal(error.to_string())))
                        }
                    };
                }
            }
        }
        let mut versioned = Vec::with_capacity(events.len());
        for event in events {
            D::evolve(&mut loaded.state, &event);
            loaded.version += 1;
            versioned.push((loaded.version, event));
        }
        Ok(Ok(versioned))
    }
}

/// The events of a command as their stored names, for counting.
pub(super) fn names<E: StoredEvent>(events: &Events<E>) -> impl Iterator<Item = &'static str> {
    events.iter().map(|(_, event)| event.name())
}
