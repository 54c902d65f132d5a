//! How long commands take, by name and outcome.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
    time::Duration,
};

use metrics::Histogram;

use super::Events;
use crate::{Error, Outcome};

/// The histograms of one kind of stream. Kept: to make one out of its name and labels costs more than to record in it.
#[derive(Default)]
pub(super) struct Measures(RwLock<HashMap<(&'static str, &'static str), Histogram>>);

impl Measures {
    pub(super) fn record(&self, stream: &'static str, command: &'static str, outcome: &'static str, taken: Duration) {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(histogram) = kept.get(&(command, outcome)) {
            histogram.record(taken);
            return;
        }
        drop(kept);
        let labels = [("stream", stream), ("command", command), ("outcome", outcome)];
        let histogram = metrics::histogram!("tidings_command_duration_seconds", &labels);
        histogram.record(taken);
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert((command, outcome), histogram);
    }
}

/// What came of a command, in a word.
pub(super) fn outcome<E>(outcome: &Result<Outcome<Events<E>>, Error>) -> &'static str {
    match outcome {
        Ok(outcome) if outcome.replayed => "replayed",
        Ok(outcome) if outcome.value.is_empty() => "unchanged",
        Ok(_) => "appended",
        Err(error) => failed(error),
    }
}

/// Whether a command was refused, or something is broken.
pub(super) fn failed(error: &Error) -> &'static str {
    let broken = matches!(
        error,
        Error::Store(_) | Error::Keys(_) | Error::Codec(_) | Error::Internal(_) | Error::Contended | Error::HashingBusy
    );
    if broken { "failed" } else { "refused" }
}
