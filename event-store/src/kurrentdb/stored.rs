//! Events as they stand in KurrentDB.
//!
//! Name, id and data are the event's own. Its metadata is stored as it is, too, except on the first event of a command that
//! was given a key: there it is wrapped as `{"command":"<id><fingerprint>","metadata":…}`, 64 hex digits.

use std::sync::Arc;

use bytes::Bytes;
use eventstore::{EventData, ResolvedEvent};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tidings_domain::{StreamName, Timestamp};

use crate::port::{CommandId, CommandKey, Fingerprint, NewEvent, Position, RecordedEvent, StoreError};

/// An event read back, and the command that begins with it.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) event: RecordedEvent,
    pub(super) command: Option<CommandKey>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrapped<'a> {
    command: &'a str,
    #[serde(borrow)]
    metadata: &'a RawValue,
}

/// The event as it is sent. Fails for metadata that is not JSON, which nobody here writes.
pub(super) fn to_send(event: &NewEvent) -> Result<EventData, StoreError> {
    let metadata = match &event.command {
        None => event.metadata.clone(),
        Some(key) => wrap(key, &event.metadata)?,
    };
    Ok(data(event.name, &event.data).id(event.id).metadata(metadata))
}

/// Marked as JSON where it is, so that KurrentDB's own tools show it.
pub(super) fn data(name: &str, data: &Bytes) -> EventData {
    let json = serde_json::from_slice::<&RawValue>(data).ok().filter(|raw| raw.get().len() == data.len());
    json.and_then(|raw| EventData::json(name, &raw).ok()).unwrap_or_else(|| EventData::binary(name, data.clone()))
}

fn wrap(key: &CommandKey, metadata: &[u8]) -> Result<Bytes, StoreError> {
    let unusable = |error: serde_json::Error| StoreError::Unavailable(format!("metadata is not JSON: {error}"));
    let command = format!("{}{}", hex::encode(key.id.0), hex::encode(key.fingerprint.0));
    let metadata = serde_json::from_slice(metadata).map_err(unusable)?;
    Ok(serde_json::to_vec(&Wrapped { command: &command, metadata }).map_err(unusable)?.into())
}

fn unwrap(metadata: &Bytes) -> Option<(CommandKey, Bytes)> {
    let Wrapped { command, metadata } = serde_json::from_slice(metadata).ok()?;
    let bytes: [u8; 32] = hex::decode(command).ok()?.try_into().ok()?;
    let (id, fingerprint) = bytes.split_first_chunk::<16>()?;
    let key = CommandKey { id: CommandId(*id), fingerprint: Fingerprint(fingerprint.try_into().ok()?) };
    Some((key, Bytes::copy_from_slice(metadata.get().as_bytes())))
}

/// An event as it was received.
pub(super) fn received(resolved: ResolvedEvent) -> Result<Stored, StoreError> {
    let event = resolved.event.or(resolved.link).ok_or_else(|| damaged("an answer without an event"))?;
    if event.position.commit == u64::MAX {
        return Err(StoreError::Unavailable("this server is too old: version 22.10 or later is needed".to_owned()));
    }
    // steps of 100 ns since 1970; the client's own reading of it has whole seconds
    let created = event.metadata.get("created").and_then(|ticks| ticks.parse::<i64>().ok());
    let created = created.unwrap_or_else(|| event.created.timestamp_millis() * 10_000);
    let (command, metadata) = match unwrap(&event.custom_metadata) {
        Some((key, metadata)) => (Some(key), metadata),
        None => (None, event.custom_metadata.clone()),
    };
    let stream = event.stream_id().to_owned();
    Ok(Stored {
        event: RecordedEvent {
            position: Position::new(event.position.commit),
            stream: StreamName::stored(stream),
            version: event.revision + 1,
            id: event.id,
            name: Arc::from(event.event_type),
            recorded_at: Timestamp::from_millis(created / 10_000),
            data: event.data,
            metadata,
        },
        command,
    })
}

fn damaged(what: &str) -> StoreError {
    StoreError::Corrupt(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_key_travels_in_the_metadata_and_leaves_it_as_it_was() {
        let key = CommandKey { id: CommandId([7; 16]), fingerprint: Fingerprint([9; 16]) };
        for metadata in ["{}", r#"{"v":2, "actor":"é"}"#] {
            let wrapped = wrap(&key, metadata.as_bytes()).unwrap();
            assert_eq!(unwrap(&wrapped), Some((key, Bytes::from(metadata))));
        }
        assert!(wrap(&key, b"no json").is_err());
    }

    #[test]
    fn other_metadata_is_not_taken_for_a_wrapped_one() {
        for metadata in ["{}", r#"{"v":1,"command":"00"}"#, r#"{"command":"00","metadata":{}}"#, "text", ""] {
            assert_eq!(unwrap(&Bytes::from(metadata)), None);
        }
    }
}
