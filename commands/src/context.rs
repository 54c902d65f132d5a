//! What a command comes with, and what comes of it.

use tidings_domain::{SessionId, Timestamp, UserId};
use tidings_event_store::{CommandId, CommandKey, Fingerprint, Metadata, Position};
use uuid::Uuid;

/// Who asks, when, and under which key.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// Who asks; none for the installation itself and for strangers.
    pub actor: Option<UserId>,
    /// The session they ask in.
    pub session: Option<SessionId>,
    /// Makes the command idempotent for ever.
    pub key: Option<CommandKey>,
    /// The request's id, for the events' metadata.
    pub request: Option<String>,
    /// Now.
    pub now: Timestamp,
}

impl Context {
    pub(crate) fn metadata(&self) -> Metadata {
        Metadata {
            v: 1,
            actor: self.actor,
            command: self.key.map(|key| hex::encode(key.id.0)),
            request: self.request.clone(),
        }
    }

    /// A new id: a fresh one ordered by time, or, under a key, the one that this key always gives for this purpose, so that
    /// a command tried again after a crash in its middle goes on with what it began.
    pub(crate) fn new_id(&self, purpose: &str) -> Uuid {
        self.key.map_or_else(Uuid::now_v7, |key| {
            let mut hasher = blake3::Hasher::new_derive_key("tidings 2026 ids from command keys");
            hasher.update(&key.id.0).update(&key.fingerprint.0).update(purpose.as_bytes());
            let mut bytes = [0; 16];
            hasher.finalize_xof().fill(&mut bytes);
            Uuid::new_v8(bytes)
        })
    }

    /// The context of one more command of the same request, under a key of its own: a key makes one command idempotent, and
    /// a second command under it would be taken for the first one again.
    #[must_use]
    pub fn step(&self, name: &str) -> Self {
        let key = self.key.map(|key| {
            let mut hasher = blake3::Hasher::new_derive_key("tidings 2026 command keys from command keys");
            hasher.update(&key.id.0).update(name.as_bytes());
            let mut id = [0; 16];
            hasher.finalize_xof().fill(&mut id);
            CommandKey { id: CommandId(id), ..key }
        });
        Self { key, ..self.clone() }
    }

    /// The same context where what is asked for was not all known when its key was made: this belongs to it, too.
    #[must_use]
    pub fn asking_for(&self, what: &[u8]) -> Self {
        let key = self.key.map(|key| {
            let mut hasher = blake3::Hasher::new_derive_key("tidings 2026 fingerprints that go on");
            hasher.update(&key.fingerprint.0).update(what);
            let mut fingerprint = [0; 16];
            hasher.finalize_xof().fill(&mut fingerprint);
            CommandKey { fingerprint: Fingerprint(fingerprint), ..key }
        });
        Self { key, ..self.clone() }
    }

    /// The same context without its key: for the steps before the one that carries it.
    pub(crate) fn without_key(&self) -> Self {
        Self { key: None, ..self.clone() }
    }
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome<T> {
    /// The answer, made from the command's events alone.
    pub value: T,
    /// All events of the command are in the log up to here; none where it had none. Commands that were appended together
    /// share it.
    pub position: Option<Position>,
    /// Whether the key had been used before, so that this is the first answer again.
    pub replayed: bool,
}

impl<T> Outcome<T> {
    pub(crate) fn map<U>(self, with: impl FnOnce(T) -> U) -> Outcome<U> {
        Outcome { value: with(self.value), position: self.position, replayed: self.replayed }
    }
}
