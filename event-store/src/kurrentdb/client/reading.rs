//! Questions to the server, and the subscription to the log.

use eventstore::{
    Error, ReadAllOptions, ReadStreamOptions, ResolvedEvent, StreamPosition, Subscription, SubscriptionFilter,
};

use super::Client;
use crate::{
    kurrentdb::stored::{Stored, received},
    port::{Filter, Position, StoreError, Streams},
};

/// The streams that are the log: not KurrentDB's own (`$…`) and not the snapshots. Understood by every engine of
/// expressions, for it has no look-ahead.
const LOG: &str = "^([^$s]|s[^n])";

/// Something to read.
pub(super) enum Question<'a> {
    Stream(&'a str, ReadStreamOptions),
    All(ReadAllOptions),
}

impl Question<'_> {
    /// The last event of the log.
    pub(super) fn head() -> Self {
        Self::All(ReadAllOptions::default().position(StreamPosition::End).filter(log()).max_count(1))
    }

    /// The events; none of a stream that is not there.
    pub(super) async fn ask(&self, client: &eventstore::Client, limit: usize) -> Result<Vec<ResolvedEvent>, Error> {
        let mut events = Vec::new();
        let mut answer = match self {
            Self::Stream(stream, options) => client.read_stream(*stream, options).await?,
            Self::All(options) => client.read_all(options).await?,
        };
        while events.len() < limit {
            match answer.next().await {
                Ok(Some(event)) => events.push(event),
                Ok(None) | Err(Error::ResourceNotFound) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(events)
    }
}

/// The log as it comes. After an error, subscribe again.
pub(in crate::kurrentdb) struct LogSubscription {
    pub(super) client: Client,
    pub(super) generation: u64,
    pub(super) subscription: Subscription,
}

impl LogSubscription {
    /// The next event. Waits as long as none comes.
    pub(in crate::kurrentdb) async fn next(&mut self) -> Result<Stored, StoreError> {
        match self.subscription.next().await {
            Ok(event) => received(event),
            Err(error) => Err(self.client.failed(self.generation, &error)),
        }
    }
}

/// The filter over there.
pub(super) fn of(filter: &Filter) -> SubscriptionFilter {
    match filter {
        Filter::All => log(),
        Filter::Categories(categories) => {
            let with_prefix = |filter: SubscriptionFilter, category| filter.add_prefix(format!("{category}-"));
            categories.iter().fold(SubscriptionFilter::on_stream_name(), with_prefix)
        }
        // a name is the beginning of others, too: those are left out here
        Filter::Streams(choices) => {
            let with_prefix = |filter: SubscriptionFilter, streams: &Streams| match streams {
                Streams::Named(name) => filter.add_prefix(name.as_str()),
                Streams::Under(prefix) => filter.add_prefix(prefix.as_str()),
            };
            choices.iter().fold(SubscriptionFilter::on_stream_name(), with_prefix)
        }
    }
}

pub(super) fn log() -> SubscriptionFilter {
    SubscriptionFilter::on_stream_name().regex(LOG)
}

pub(super) fn place(after: Position) -> StreamPosition<eventstore::Position> {
    match after.get() {
        0 => StreamPosition::Start,
        position => StreamPosition::Position(eventstore::Position { commit: position, prepare: position }),
    }
}
