//! Runs a decider's commands against the log.
//!
//! A hot stream's decided state stays in memory together with its version. A command is decided against it, its events are
//! folded in at once and queued for the store with the version they expect, and only then is the outcome waited for: many
//! commands on one stream are on their way together and become one append in the store's group commit. When an append
//! fails, the state in memory may hold what never happened, so it is dropped, caught up from the log and the command is
//! decided again. What was refused or had nothing to do is confirmed by an empty append, so that no answer rests on
//! events that were not durable yet or on a version that another node has moved on.

mod attempt;
mod entry;
mod recall;
mod shared;

use std::sync::Arc;

use tidings_domain::{Decider, StreamId};
use tidings_event_store::{AppendError, Position, RecordedEvent};

use crate::{Context, Error, Outcome, Refusal};
use attempt::{Attempt, Decided, Pending};
use entry::Entry;
pub(crate) use shared::Shared;

/// How often a command is decided again before its caller is told to come back later.
const MAX_ATTEMPTS: usize = 200;

/// A command's events, each with its version in the stream.
pub type Events<E> = Vec<(u64, E)>;

/// A command with what it comes with.
pub(crate) struct Request<'a, C> {
    pub(crate) command: &'a C,
    pub(crate) context: &'a Context,
}

/// Executes the commands of one kind of stream.
pub(crate) struct Executor<D: Decider> {
    shared: Arc<Shared>,
    entries: moka::sync::Cache<StreamId, Arc<Entry<D>>>,
    weigh: fn(&D::State) -> usize,
}

impl<D: Decider> Executor<D>
where
    Refusal: From<D::Refusal>,
{
    /// Keeps at most so many states in memory.
    pub(crate) fn new(shared: Arc<Shared>, capacity: u64) -> Self {
        Self::weighed(shared, capacity, |_| 1)
    }

    /// Keeps states up to a total weight in memory.
    pub(crate) fn weighed(shared: Arc<Shared>, capacity: u64, weigh: fn(&D::State) -> usize) -> Self {
        let entries = moka::sync::Cache::builder()
            .max_capacity(capacity)
            .weigher(|_, entry: &Arc<Entry<D>>| entry.weight())
            .build();
        Self { shared, entries, weigh }
    }

    /// Decides one command, appends what follows from it, and waits until that is durable.
    pub(crate) async fn execute(
        &self,
        stream: StreamId,
        command: &D::Command,
        context: &Context,
    ) -> Result<Outcome<Events<D::Event>>, Error> {
        let outcomes = self.execute_all(stream, &[Request { command, context }]).await?;
        outcomes.into_iter().next().unwrap_or_else(|| Err(Error::Internal("a command without an outcome".to_owned())))
    }

    /// Decides commands one after the other on one stream; what follows from all of them is one append. A refusal concerns
    /// its own command only; a failure of the store concerns all.
    pub(crate) async fn execute_all(
        &self,
        stream: StreamId,
        requests: &[Request<'_, D::Command>],
    ) -> Result<Vec<Result<Outcome<Events<D::Event>>, Error>>, Error> {
        for _ in 0..MAX_ATTEMPTS {
            let recalled = self.recall_all(requests).await?;
            let entry = self.entry(stream).await?;
            let pending = match entry.attempt(&self.shared, requests, &recalled) {
                Attempt::Submitted(pending) => pending,
                Attempt::KeyNotLoaded(key) => {
                    self.shared.codec().keyring().load([key]).await?;
                    continue;
                }
                Attempt::NotLoaded => continue,
                Attempt::Failed(error) => return Err(error),
            };
            let Pending { ticket, epoch, outcomes, snapshot } = pending;
            match ticket.await {
                Ok(appended) => {
                    self.shared.save_snapshot(entry.name(), snapshot);
                    return Ok(settle(outcomes, recalled, appended.position));
                }
                Err(AppendError::WrongExpectedVersion { .. } | AppendError::DuplicateCommand(_)) => {
                    metrics::counter!("tidings_commands_decided_again").increment(1);
                    entry.discard(epoch);
                }
                Err(AppendError::Store(error)) => {
                    entry.discard(epoch);
                    return Err(error.into());
                }
            }
        }
        Err(Error::Contended)
    }

    /// Looks at the present state, loading it if need be.
    pub(crate) async fn peek<R>(&self, stream: StreamId, look: impl FnOnce(&D::State) -> R) -> Result<R, Error> {
        let mut look = Some(look);
        for _ in 0..MAX_ATTEMPTS {
            let entry = self.entry(stream).await?;
            if let Some(seen) = entry.peek(&mut look) {
                return Ok(seen);
            }
        }
        Err(Error::Contended)
    }

    async fn entry(&self, stream: StreamId) -> Result<Arc<Entry<D>>, Error> {
        let entry = match self.entries.get(&stream) {
            Some(entry) if entry.is_loaded() => return Ok(entry),
            Some(entry) => entry,
            None => self.entries.get_with(stream, || Arc::new(Entry::new(stream.name()))),
        };
        if entry.ensure_loaded(&self.shared, self.weigh).await? {
            // now that its weight is known
            self.entries.insert(stream, entry.clone());
        }
        Ok(entry)
    }

    /// See [`crate::Commands::observe`].
    pub(crate) fn observe(&self, stream: StreamId, recorded: &RecordedEvent) {
        if let Some(entry) = self.entries.get(&stream) {
            entry.observe(recorded.version);
        }
    }
}

fn settle<E>(
    outcomes: Vec<Decided<E>>,
    recalled: Vec<Option<Outcome<Events<E>>>>,
    position: Position,
) -> Vec<Result<Outcome<Events<E>>, Error>> {
    let settle_one = |(decided, recalled): (Decided<E>, Option<_>)| match (recalled, decided) {
        (Some(recalled), _) => Ok(recalled),
        (None, Ok(events)) => {
            let position = (!events.is_empty()).then_some(position);
            Ok(Outcome { value: events, position, replayed: false })
        }
        (None, Err(refusal)) => Err(Error::Refused(refusal)),
    };
    outcomes.into_iter().zip(recalled).map(settle_one).collect()
}
