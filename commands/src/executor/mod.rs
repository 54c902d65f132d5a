//! Runs a decider's commands against the log.
//!
//! A hot stream's decided state stays in memory together with its version. A command is decided against it and its events
//! are folded in at once; only then is the outcome waited for. One append of a stream is under way at a time; what is
//! decided meanwhile leaves behind it as one append more (`flight`). When an append fails, the state in memory holds what
//! never happened, so it is dropped with all that waits, caught up from the log (`behind`), and the commands are decided again.
//!
//! No answer rests on events that are not durable, or on a version that another node has moved on: what was refused or
//! had nothing to do is confirmed by an empty append, and who looks at a state waits until what they saw is in the log.

mod attempt;
mod behind;
mod entry;
mod flight;
mod held;
mod looking;
mod measure;
mod recall;
mod shared;
#[cfg(test)]
mod tests;

use std::{
    pin::pin,
    sync::{Arc, OnceLock},
    time::Instant,
};

use quick_cache::{
    DefaultHashBuilder, OptionsBuilder,
    sync::{Cache, DefaultLifecycle},
};
use tidings_domain::{Decider, StoredEvent, StreamId};
use tidings_event_store::{Position, RecordedEvent};
use tracing::Instrument;

use crate::{Context, Error, Outcome, Refusal};
use attempt::{Attempt, Decided, UnderWay, names};
use flight::{Landed, landed};
use held::{Held, Weighed};
use measure::Measures;
use recall::Prior;
pub(crate) use shared::Shared;

/// How often a command is decided again before its caller is told to come back later.
const MAX_ATTEMPTS: usize = 200;

/// About how many states an executor holds: what its cache's own books are sized for, no bound.
const LIKELY_ENTRIES: usize = 10_000;
/// Parts of the cache that do not wait for each other.
const SHARDS: usize = 16;

/// A command's events, each with its version in the stream.
pub type Events<E> = Vec<(u64, E)>;

/// The outcome of each command of a batch.
pub(crate) type Outcomes<E> = Vec<Result<Outcome<Events<E>>, Error>>;

/// A command with what it comes with.
pub(crate) struct Request<'a, C> {
    pub(crate) command: &'a C,
    pub(crate) context: &'a Context,
}

/// Executes the commands of one kind of stream.
pub(crate) struct Executor<D: Decider> {
    shared: Arc<Shared>,
    entries: Cache<StreamId, Held<D>, Weighed>,
    weigh: fn(&D::State) -> usize,
    counters: OnceLock<Vec<(&'static str, metrics::Counter)>>,
    measures: Measures,
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
        // a state must fit into one shard, whatever it weighs
        let weighed = Weighed { most: capacity / SHARDS as u64 / 2 };
        let options = OptionsBuilder::new()
            .shards(SHARDS)
            .estimated_items_capacity(LIKELY_ENTRIES)
            .weight_capacity(capacity)
            .build()
            .expect("all that must be set is set");
        let entries = Cache::with_options(options, weighed, DefaultHashBuilder::default(), DefaultLifecycle::default());
        Self { shared, entries, weigh, counters: OnceLock::new(), measures: Measures::default() }
    }

    /// Decides one command, appends what follows from it, and waits until that is durable.
    pub(crate) async fn execute(
        &self,
        stream: StreamId,
        command: &D::Command,
        context: &Context,
    ) -> Result<Outcome<Events<D::Event>>, Error> {
        only(self.run(stream, &[Request { command, context }], true).await?)
    }

    /// The same for a command whose key the caller has asked [`Executor::recalled`] about just now.
    pub(crate) async fn execute_new(
        &self,
        stream: StreamId,
        command: &D::Command,
        context: &Context,
    ) -> Result<Outcome<Events<D::Event>>, Error> {
        only(self.run(stream, &[Request { command, context }], false).await?)
    }

    /// Decides commands one after the other on one stream; what follows from all of them is one append. A refusal concerns
    /// its own command only; a failure of the store concerns all. That none of their keys is known yet, the caller has
    /// seen just now.
    pub(crate) async fn execute_all(
        &self,
        stream: StreamId,
        requests: &[Request<'_, D::Command>],
    ) -> Result<Outcomes<D::Event>, Error> {
        self.run(stream, requests, false).await
    }

    async fn run(
        &self,
        stream: StreamId,
        requests: &[Request<'_, D::Command>],
        recall: bool,
    ) -> Result<Outcomes<D::Event>, Error> {
        let begun = Instant::now();
        let (kind, first) = (stream.category(), requests.first().map_or("none", |request| D::name(request.command)));
        let span = tracing::debug_span!(
            target: "tidings::span", "command", stream = kind, command = first, commands = requests.len()
        );
        // where it is, not moved into what wraps it
        let carrying_out = pin!(self.carry_out(stream, requests, recall));
        let outcomes = carrying_out.instrument(span).await;
        let taken = begun.elapsed();
        for (nth, request) in requests.iter().enumerate() {
            let outcome = match &outcomes {
                Ok(outcomes) => outcomes.get(nth).map_or("failed", measure::outcome),
                Err(error) => measure::failed(error),
            };
            self.measures.record(kind, D::name(request.command), outcome, taken);
        }
        outcomes
    }

    async fn carry_out(
        &self,
        stream: StreamId,
        requests: &[Request<'_, D::Command>],
        mut recall: bool,
    ) -> Result<Outcomes<D::Event>, Error> {
        for _ in 0..MAX_ATTEMPTS {
            let priors = self.recall_all(stream, requests, |_| recall).await?;
            recall = true;
            let entry = self.entry(stream).await?;
            let UnderWay { wait, outcomes } = match entry.attempt(&self.shared, requests, &priors) {
                Attempt::UnderWay(under_way) => under_way,
                Attempt::SameKey(other) => {
                    // however it ends, the log knows after it
                    landed(other).await;
                    continue;
                }
                Attempt::KeyNotLoaded(key) => {
                    self.shared.codec().keyring().load([key]).await?;
                    continue;
                }
                Attempt::NotLoaded => continue,
                Attempt::Failed(error) => return Err(error),
            };
            match wait.landed().await {
                Landed::Durable(position) => {
                    if entry.has_outgrown_its_weight() {
                        self.entries.insert(stream, Held::new(entry));
                    }
                    self.count(&outcomes);
                    let priors = self.look_again(stream, requests, priors, &outcomes).await?;
                    return Ok(settle(outcomes, priors, position));
                }
                Landed::DecideAgain => metrics::counter!("tidings_commands_decided_again_total").increment(1),
                Landed::Failed(error) => return Err(error.into()),
            }
        }
        Err(Error::Contended)
    }

    /// A command with a key that had nothing to do, or was refused, may have found its own doing: another node, or another
    /// request here, carried it out since its key was looked up.
    async fn look_again(
        &self,
        stream: StreamId,
        requests: &[Request<'_, D::Command>],
        priors: Vec<Prior<D::Event>>,
        outcomes: &[Decided<D::Event>],
    ) -> Result<Vec<Prior<D::Event>>, Error> {
        let without_events = |nth: usize| {
            matches!(priors.get(nth), Some(Prior::None)) && outcomes[nth].as_ref().map_or(true, Vec::is_empty)
        };
        let suspicious =
            |(nth, request): (usize, &Request<'_, _>)| request.context.key.is_some() && without_events(nth);
        if !requests.iter().enumerate().any(suspicious) {
            return Ok(priors);
        }
        let now = self.recall_all(stream, requests, without_events).await?;
        Ok(priors
            .into_iter()
            .zip(now)
            .map(|(before, now)| if matches!(before, Prior::None) { now } else { before })
            .collect())
    }

    /// See [`crate::Commands::observe`].
    pub(crate) fn observe(&self, stream: StreamId, recorded: &Arc<RecordedEvent>) {
        if let Some(Held { entry, .. }) = self.entries.get(&stream) {
            entry.observe(&self.shared, recorded);
        }
    }

    fn count(&self, outcomes: &[Decided<D::Event>]) {
        // held, for making a counter out of its name and label costs more than everything else here
        let counters = self.counters.get_or_init(|| {
            let counter = |name| metrics::counter!("tidings_events_total", "event" => name);
            D::Event::NAMES.iter().map(|name| (*name, counter(*name))).collect()
        });
        for name in outcomes.iter().flatten().flat_map(names) {
            if let Some((_, counter)) = counters.iter().find(|(known, _)| *known == name) {
                counter.increment(1);
            }
        }
    }
}

fn only<E>(outcomes: Outcomes<E>) -> Result<Outcome<Events<E>>, Error> {
    outcomes.into_iter().next().unwrap_or_else(|| Err(Error::Internal("a command without an outcome".to_owned())))
}

fn settle<E: Clone>(decided: Vec<Decided<E>>, priors: Vec<Prior<E>>, position: Position) -> Outcomes<E> {
    let mut outcomes: Outcomes<E> = Vec::with_capacity(decided.len());
    for (decided, prior) in decided.into_iter().zip(priors) {
        let outcome = match prior {
            Prior::Recalled(recalled) => Ok(recalled),
            Prior::Reused => Err(Error::KeyReused),
            Prior::SameAs(first) => match outcomes.get(first) {
                Some(Ok(first)) => Ok(Outcome { replayed: true, ..first.clone() }),
                Some(Err(Error::Refused(refusal))) => Err(Error::Refused(*refusal)),
                Some(Err(Error::Forgotten)) => Err(Error::Forgotten),
                Some(Err(_)) | None => Err(Error::KeyReused),
            },
            Prior::None => decided.map(|events| {
                let position = (!events.is_empty()).then_some(position);
                Outcome { value: events, position, replayed: false }
            }),
        };
        outcomes.push(outcome);
    }
    outcomes
}
