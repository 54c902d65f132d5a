//! One try at a batch of commands: decide, fold, seal and queue, all under the stream's lock and without waiting.

use tidings_domain::{Decider, KeyId, StoredEvent};
use tidings_event_store::{AppendTicket, NewEvent, SealError, Snapshot, StreamAppend};

use super::{
    Events, Request, Shared,
    entry::{Entry, Loaded},
    shared::SNAPSHOT_EVERY,
};
use crate::{Error, Outcome, Refusal};

/// A command's events, or why not.
pub(super) type Decided<E> = Result<Events<E>, Refusal>;

/// Commands that were decided and whose events are on their way.
pub(super) struct Pending<D: Decider> {
    pub(super) ticket: AppendTicket,
    pub(super) epoch: u64,
    pub(super) outcomes: Vec<Decided<D::Event>>,
    /// To be kept once the append is durable, where the stream has grown long since the last one.
    pub(super) snapshot: Option<Snapshot>,
}

pub(super) enum Attempt<D: Decider> {
    Submitted(Pending<D>),
    /// Load the key and try again.
    KeyNotLoaded(KeyId),
    /// The state was discarded meanwhile: load and try again.
    NotLoaded,
    Failed(Error),
}

impl<D: Decider> Entry<D>
where
    Refusal: From<D::Refusal>,
{
    /// Tries all commands that were not carried out before.
    pub(super) fn attempt(
        &self,
        shared: &Shared,
        requests: &[Request<'_, D::Command>],
        recalled: &[Option<Outcome<Events<D::Event>>>],
    ) -> Attempt<D> {
        let mut slot = self.lock();
        let Some(loaded) = slot.as_mut() else { return Attempt::NotLoaded };
        let before = loaded.version;
        let mut outcomes = Vec::with_capacity(requests.len());
        let mut sealed = Vec::new();
        for (request, recalled) in requests.iter().zip(recalled) {
            if recalled.is_some() {
                outcomes.push(Ok(Events::new()));
                continue;
            }
            match self.decide(shared, loaded, request, &mut sealed) {
                Ok(outcome) => outcomes.push(outcome),
                Err(error) => {
                    // what was folded in before it will not be appended
                    if loaded.version != before {
                        *slot = None;
                    }
                    return match error {
                        SealError::KeyNotLoaded(key) => Attempt::KeyNotLoaded(key),
                        SealError::KeyDestroyed => Attempt::Failed(Error::Forgotten),
                        SealError::Event(_) | SealError::Cipher => Attempt::Failed(Error::Internal(error.to_string())),
                    };
                }
            }
        }
        let append = StreamAppend { stream: self.name().clone(), expected_version: before, events: sealed };
        // queued under the lock, so that the store sees the stream's appends in the order they were decided
        let ticket = shared.store().submit(vec![append]).pop();
        let Some(ticket) = ticket else {
            *slot = None;
            return Attempt::Failed(Error::Internal("the store gave no ticket".to_owned()));
        };
        let due = loaded.version / SNAPSHOT_EVERY > before / SNAPSHOT_EVERY;
        let snapshot = if due { shared.snapshot::<D>(self.name(), &loaded.state, loaded.version) } else { None };
        Attempt::Submitted(Pending { ticket, epoch: loaded.epoch, outcomes, snapshot })
    }

    fn decide(
        &self,
        shared: &Shared,
        loaded: &mut Loaded<D>,
        request: &Request<'_, D::Command>,
        sealed: &mut Vec<NewEvent>,
    ) -> Result<Decided<D::Event>, SealError> {
        let events = match D::decide(&loaded.state, request.command) {
            Ok(events) => events,
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        let metadata = request.context.metadata();
        let begin = sealed.len();
        for event in &events {
            let key = if sealed.len() == begin { request.context.key } else { None };
            match shared.codec().seal(self.name(), event, &metadata, key) {
                Ok(event) => sealed.push(event),
                Err(error) => {
                    sealed.truncate(begin);
                    return Err(error);
                }
            }
        }
        let mut versioned = Vec::with_capacity(events.len());
        for event in events {
            D::evolve(&mut loaded.state, &event);
            loaded.version += 1;
            metrics::counter!("tidings_events_decided", "event" => event.name()).increment(1);
            versioned.push((loaded.version, event));
        }
        Ok(Ok(versioned))
    }
}
