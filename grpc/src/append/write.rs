//! One append: the expected revision, and the rule that the same events sent again are a success.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use tidings_domain::{Event, StoredEvent, StreamName};
use tidings_event_store::{AppendError, EventStore, NewEvent, Position, StreamAppend};
use tonic::Status;
use uuid::Uuid;

use super::Deletions;
use crate::{
    proto::event_store::client::{Uuid as WireUuid, uuid::Value},
    reading::last_version,
    status::{asked, of_store},
};

/// KurrentDB's own limit.
const LARGEST_APPEND: usize = 1024 * 1024;
/// Names of events that are none of ours: tests have few.
const MOST_FOREIGN_NAMES: usize = 1_000;
/// How often an append to any version is tried again when others come first.
const MOST_TRIES: usize = 100;

#[derive(Debug, Clone, Copy)]
pub(super) enum Expected {
    Revision(u64),
    NoStream,
    Any,
    StreamExists,
}

#[derive(Debug)]
pub(super) enum Written {
    Done { version: u64, position: Position },
    Wrong { actual: u64 },
}

/// An event as either append proposes it.
pub(super) struct Proposed {
    pub(super) id: Option<WireUuid>,
    pub(super) kind: HashMap<String, String>,
    pub(super) metadata: Bytes,
    pub(super) data: Bytes,
}

impl Proposed {
    pub(super) fn into_event(self) -> Result<NewEvent, Status> {
        let id = self.id.as_ref().and_then(uuid).ok_or_else(|| Status::invalid_argument("an event has no id"))?;
        let kind = self.kind.get("type").ok_or_else(|| Status::invalid_argument("an event has no type"))?;
        Ok(NewEvent { id, name: lasting(kind)?, data: self.data, metadata: self.metadata, command: None })
    }
}

fn uuid(wire: &WireUuid) -> Option<Uuid> {
    match wire.value.as_ref()? {
        Value::Structured(bits) => {
            let (high, low) = (bits.most_significant_bits, bits.least_significant_bits);
            Some(Uuid::from_u64_pair(high.cast_unsigned(), low.cast_unsigned()))
        }
        Value::String(text) => text.parse().ok(),
    }
}

/// The name as the port has it: names of events are known when the program is built, except here.
fn lasting(name: &str) -> Result<&'static str, Status> {
    static FOREIGN: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);
    if let Some(known) = Event::NAMES.iter().find(|known| **known == name) {
        return Ok(known);
    }
    let mut foreign = FOREIGN.lock().unwrap_or_else(PoisonError::into_inner);
    let foreign = foreign.get_or_insert_default();
    if let Some(known) = foreign.get(name) {
        return Ok(known);
    }
    if foreign.len() >= MOST_FOREIGN_NAMES {
        return Err(Status::resource_exhausted("too many types of events"));
    }
    let name: &'static str = Box::leak(name.into());
    foreign.insert(name);
    Ok(name)
}

pub(super) async fn write(
    log: &Deletions,
    stream: &StreamName,
    expected: Expected,
    events: Vec<NewEvent>,
) -> Result<Written, Status> {
    let (store, expected) = (log.whole(), log.found(stream, expected).await?);
    if events.iter().map(|event| event.data.len() + event.metadata.len()).sum::<usize>() > LARGEST_APPEND {
        return Err(Status::invalid_argument(format!("Maximum Append Size of {LARGEST_APPEND} Exceeded.")));
    }
    for _ in 0..MOST_TRIES {
        let expected_version = match expected {
            Expected::Revision(revision) => revision.saturating_add(1),
            Expected::NoStream => 0,
            Expected::Any | Expected::StreamExists => last_version(store, stream).await?,
        };
        if matches!((expected, expected_version), (Expected::StreamExists, 0)) {
            return Ok(Written::Wrong { actual: 0 });
        }
        let append = StreamAppend { stream: stream.clone(), expected_version, events: events.clone() };
        let outcome = store.append(vec![append]).await.into_iter().next();
        let actual = match outcome.ok_or_else(|| Status::internal("an append without an outcome"))? {
            Ok(appended) => return Ok(Written::Done { version: appended.version, position: appended.position }),
            Err(AppendError::WrongExpectedVersion { actual }) => actual,
            Err(AppendError::DuplicateCommand(_)) => return Err(Status::internal("a command nobody gave")),
            Err(AppendError::Store(error)) => return Err(of_store(&error)),
        };
        if let Some(before) = already_there(store, stream, expected_version, &events).await? {
            return Ok(before);
        }
        if matches!(expected, Expected::Revision(_) | Expected::NoStream) {
            return Ok(Written::Wrong { actual });
        }
    }
    Err(Status::aborted("others always came first"))
}

/// What was answered when these very events were appended at this place, if they were.
async fn already_there(
    store: &dyn EventStore,
    stream: &StreamName,
    expected_version: u64,
    events: &[NewEvent],
) -> Result<Option<Written>, Status> {
    let there = asked(store.read_stream(stream, expected_version, events.len())).await?;
    let same = there.len() == events.len() && there.iter().zip(events).all(|(there, event)| there.id == event.id);
    let last = there.last().filter(|_| same);
    Ok(last.map(|last| Written::Done { version: last.version, position: last.position }))
}
