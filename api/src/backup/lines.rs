//! The lines of a backup.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidings_domain::{StreamName, Timestamp};
use tidings_event_store::{CommandId, CommandKey, Fingerprint, Position, RecordedEvent, refill::KeptEvent};
use tidings_notary::EntryLine;

/// An event: a line of `tidings audit export`, and what makes its command idempotent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct LogLine {
    #[serde(flatten)]
    pub(super) entry: EntryLine,
    /// The key of the command that it is the first event of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) command: Option<CommandLine>,
}

/// Both as hex digits.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct CommandLine {
    id: String,
    fingerprint: String,
}

impl From<CommandKey> for CommandLine {
    fn from(key: CommandKey) -> Self {
        Self { id: hex::encode(key.id.0), fingerprint: hex::encode(key.fingerprint.0) }
    }
}

impl CommandLine {
    fn key(&self) -> Option<CommandKey> {
        Some(CommandKey { id: CommandId(bytes(&self.id)?), fingerprint: Fingerprint(bytes(&self.fingerprint)?) })
    }
}

fn bytes(text: &str) -> Option<[u8; 16]> {
    let mut bytes = [0; 16];
    hex::decode_to_slice(text, &mut bytes).ok().map(|()| bytes)
}

/// The command of an event, by what is known beside it.
pub(super) fn command_of(event: &RecordedEvent) -> Option<CommandId> {
    let metadata: tidings_event_store::Metadata = serde_json::from_slice(&event.metadata).ok()?;
    bytes(&metadata.command?).map(CommandId)
}

impl LogLine {
    /// The event to fill a log with; none when the command's key is none.
    pub(super) fn kept(self) -> Option<KeptEvent> {
        let command = match &self.command {
            Some(line) => Some(line.key()?),
            None => None,
        };
        Some(KeptEvent { event: Arc::new(recorded(self.entry)), command })
    }
}

/// An entry as an event of a log.
pub(super) fn recorded(entry: EntryLine) -> RecordedEvent {
    RecordedEvent {
        position: Position::new(entry.position),
        stream: StreamName::stored(entry.stream),
        version: entry.version,
        id: entry.id,
        name: entry.name.into(),
        recorded_at: Timestamp::from_millis(entry.recorded_at),
        data: entry.data.0.into(),
        metadata: entry.metadata.0.into(),
    }
}

/// What the keys of a backup are.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum KeysLine {
    /// First: up to where in the log the keys of what was erased are destroyed in what follows.
    ErasedTo(u64),
    /// A block of keys, wrapped under the secret: base64.
    Block(u64, String),
}

/// A sealed file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileLine {
    /// Below the directory of attachments: `ab/cdef…`.
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) sha256: String,
}
