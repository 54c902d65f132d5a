//! Older stored forms to the present one.
//!
//! A shape may gain optional members without notice. Any other change is a new shape: add a step here that turns the one
//! before it into it, and never touch what is stored. The shape's number is in the event's metadata (`v`, 1 if absent).

use bytes::Bytes;
use serde_json::{Map, Value};
use tidings_domain::EventError;

use super::CodecError;
use crate::port::{Metadata, RecordedEvent};

/// One step: from shape `from` of the event `name` to shape `from + 1`. Works on the open part; the sealed part is the
/// member `sealed` and stays as it is.
#[derive(Clone, Copy)]
pub(super) struct Upcaster {
    pub(super) name: &'static str,
    pub(super) from: u16,
    pub(super) step: fn(&mut Map<String, Value>),
}

/// Every step there is. Empty as long as every event has its first shape.
const UPCASTERS: &[Upcaster] = &[];

/// The shape in which an event of this name is stored today.
pub fn current_schema(name: &str) -> u16 {
    newest(UPCASTERS, name)
}

fn newest(steps: &[Upcaster], name: &str) -> u16 {
    steps.iter().filter(|step| step.name == name).map(|step| step.from + 1).max().unwrap_or(1)
}

/// The open part in its present shape.
pub(super) fn to_current(recorded: &RecordedEvent) -> Result<Bytes, CodecError> {
    upcast(UPCASTERS, recorded)
}

pub(super) fn upcast(steps: &[Upcaster], recorded: &RecordedEvent) -> Result<Bytes, CodecError> {
    let known = newest(steps, &recorded.name);
    let stored = stored_schema(recorded)?;
    if stored == known {
        return Ok(recorded.data.clone());
    }
    if stored > known {
        return Err(CodecError::Newer { name: recorded.name.to_string(), stored, known });
    }
    let malformed = |source| EventError::Malformed { name: recorded.name.to_string(), source };
    let mut open: Map<String, Value> = serde_json::from_slice(&recorded.data).map_err(malformed)?;
    for from in stored..known {
        for upcaster in steps.iter().filter(|step| step.name == &*recorded.name && step.from == from) {
            (upcaster.step)(&mut open);
        }
    }
    Ok(serde_json::to_vec(&open).map_err(malformed)?.into())
}

fn stored_schema(recorded: &RecordedEvent) -> Result<u16, CodecError> {
    // nearly all events have their first shape, whose number is left out: no need to parse the metadata
    if !recorded.metadata.windows(3).any(|window| window == b"\"v\"") {
        return Ok(1);
    }
    let metadata: Metadata = serde_json::from_slice(&recorded.metadata)
        .map_err(|source| EventError::Malformed { name: recorded.name.to_string(), source })?;
    Ok(metadata.v)
}
