//! Events that wait for somebody to look at them.

use tidings_event_store::{DecodedEvent, RecordedEvent};

use crate::{model::ParkedEvent, runner::Poison};

/// Why an event is parked that has nothing wrong itself.
pub(super) const BEHIND: &str = "an earlier event of this stream is parked";

/// The event as it is stored, whether it could be decoded or not.
pub(super) fn recorded(outcome: &Result<DecodedEvent, Poison>) -> &RecordedEvent {
    match outcome {
        Ok(decoded) => &decoded.recorded,
        Err(poison) => &poison.recorded,
    }
}

pub(super) fn parked(event: &RecordedEvent, why: &str) -> ParkedEvent {
    ParkedEvent {
        position: event.position,
        stream: event.stream.as_str().to_owned(),
        version: event.version,
        name: event.name.to_string(),
        error: why.to_owned(),
    }
}
