//! Events to their stored form and back: sealing and upcasting on the way.
//!
//! The stored form is the event's open part, a JSON object, with one more member where something is personal:
//! `"sealed": "<base64 of ciphertext and tag>"`. See ADR 0002 for the keys.

mod fresh;
mod seal;
#[cfg(test)]
mod tests;
mod upcast;

use std::{borrow::Cow, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use bytes::Bytes;
use serde::Deserialize;
use tidings_domain::{Event, EventError, KeyId, SealKeys, StoredEvent, StreamError, StreamId, StreamName};
use uuid::Uuid;

use crate::{
    keys::{KeyError, Keyring, LoadedKeys, Lookup},
    port::{CommandKey, Metadata, NewEvent, RecordedEvent},
};
use fresh::Fresh;
use seal::{Binding, ContentKey};
pub use upcast::current_schema;

/// An event of the log, understood.
#[derive(Debug, Clone)]
pub struct DecodedEvent {
    /// As it stands in the log.
    pub recorded: Arc<RecordedEvent>,
    /// Its stream, taken apart.
    pub stream: StreamId,
    /// What happened; its personal part withheld when a key of it is destroyed.
    pub event: Event,
}

/// Why a recorded event cannot be understood. The event is poison to whoever needs it; the others are not.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// Its name or shape is none of ours.
    #[error(transparent)]
    Event(#[from] EventError),
    /// Its stream is none of ours.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// A newer version of this program wrote it.
    #[error("{name} has shape {stored}, and this version knows shapes up to {known}")]
    Newer {
        /// The event's name.
        name: String,
        /// The shape it was stored in.
        stored: u16,
        /// The newest shape known here.
        known: u16,
    },
    /// The sealed part was changed, or belongs to another event.
    #[error("the sealed part of {name} does not open")]
    Seal {
        /// The event's name.
        name: String,
    },
    /// The key store does not answer, or is older than the log.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Why an event cannot be sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// Load these keys with [`Keyring::load`] and seal again.
    #[error("the key is not in memory")]
    KeyNotLoaded(KeyId),
    /// The person it is about, or who wrote it, is being forgotten.
    #[error("the key was destroyed")]
    KeyDestroyed,
    /// It has no JSON form.
    #[error(transparent)]
    Event(#[from] EventError),
    /// The cipher refused; a body far beyond every limit.
    #[error("the personal part cannot be sealed")]
    Cipher,
}

#[derive(Deserialize)]
struct SealedPart<'a> {
    #[serde(borrow, default)]
    sealed: Option<Cow<'a, str>>,
}

/// Seals and opens. Cheap to clone.
#[derive(Clone)]
pub struct Codec {
    keyring: Keyring,
    fresh: Arc<Fresh>,
}

impl Codec {
    /// A codec over the installation's keys.
    pub fn new(keyring: Keyring) -> Self {
        Self { keyring, fresh: Arc::default() }
    }

    /// The keys it seals with.
    pub const fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// The stored form of an event that is about to be appended to `stream`, under a fresh id. Never waits: keys that are
    /// not in memory are named in the error.
    pub fn seal<E: StoredEvent>(
        &self,
        stream: &StreamName,
        event: &E,
        mut metadata: Metadata,
        command: Option<CommandKey>,
    ) -> Result<NewEvent, SealError> {
        let (id, name) = (Uuid::now_v7(), event.name());
        let mut data = event.open_part()?;
        if let (Some(keys), Some(private)) = (event.seal_keys(), event.private_part()?) {
            let own = self.key_in_memory(keys.own)?;
            let author = keys.author.map(|author| self.key_in_memory(author)).transpose()?;
            let key = ContentKey::new(&own, author.as_deref(), id);
            let sealed = key.seal(&Binding { stream, name, id }, &private).ok_or(SealError::Cipher)?;
            append_sealed(&mut data, &sealed);
        }
        metadata.v = current_schema(name);
        let metadata =
            serde_json::to_vec(&metadata).map_err(|source| EventError::Malformed { name: name.to_owned(), source })?;
        self.fresh.put(id, event.clone().into(), data.len());
        Ok(NewEvent { id, name, data: data.into(), metadata: metadata.into(), command })
    }

    fn key_in_memory(&self, key: KeyId) -> Result<zeroize::Zeroizing<[u8; 32]>, SealError> {
        match self.keyring.lookup(key) {
            Lookup::Key(bytes) => Ok(bytes),
            Lookup::Destroyed => Err(SealError::KeyDestroyed),
            Lookup::NotLoaded => Err(SealError::KeyNotLoaded(key)),
        }
    }

    /// One event; its personal part only where `opens` says so by the event's name.
    pub async fn open<E: StoredEvent>(
        &self,
        recorded: &RecordedEvent,
        opens: fn(&str) -> bool,
    ) -> Result<E, CodecError> {
        let (mut event, data): (E, _) = parse(recorded)?;
        if opens(&recorded.name)
            && let Some(keys) = event.seal_keys()
        {
            let loaded = self.keyring.load([Some(keys.own), keys.author].into_iter().flatten()).await?;
            reveal(&loaded, &mut event, recorded, &data)?;
        }
        Ok(event)
    }

    /// A batch, each event with an outcome of its own. Keys are fetched once for the whole batch.
    pub async fn open_all(
        &self,
        recorded: &[Arc<RecordedEvent>],
    ) -> Result<Vec<Result<DecodedEvent, CodecError>>, KeyError> {
        self.reveal_all(recorded.iter().map(|recorded| self.fresh_or_decoded(recorded)).collect()).await
    }

    /// The same from what is stored alone. For whoever does not follow the log to its end, and so would not come to the event
    /// that erases what is still known here: what has lost its key by now stays closed.
    pub async fn open_stored(
        &self,
        recorded: &[Arc<RecordedEvent>],
    ) -> Result<Vec<Result<DecodedEvent, CodecError>>, KeyError> {
        let decoded = |recorded| decode(recorded).map(|(decoded, data)| (decoded, Some(data)));
        self.reveal_all(recorded.iter().map(decoded).collect()).await
    }

    async fn reveal_all(
        &self,
        mut outcomes: Vec<Result<(DecodedEvent, Option<Bytes>), CodecError>>,
    ) -> Result<Vec<Result<DecodedEvent, CodecError>>, KeyError> {
        let sealed = outcomes.iter().flatten().filter(|(_, data)| data.is_some());
        let keys = sealed.filter_map(|(decoded, _)| decoded.event.seal_keys());
        let keys: Vec<KeyId> = keys.flat_map(|keys| [Some(keys.own), keys.author]).flatten().collect();
        let loaded = match self.keyring.load(keys).await {
            Ok(loaded) => Some(loaded),
            // a block that is missing or damaged poisons its own events only
            Err(KeyError::Damaged(_)) => None,
            Err(error @ (KeyError::Unavailable(_) | KeyError::Refused(_) | KeyError::WrongSecret)) => {
                return Err(error);
            }
        };
        let mut opened = Vec::with_capacity(outcomes.len());
        for outcome in outcomes.drain(..) {
            opened.push(match outcome {
                Ok((mut decoded, data)) => {
                    let event = &mut decoded.event;
                    match (data, event.seal_keys()) {
                        (Some(data), Some(keys)) => {
                            let revealed = match &loaded {
                                Some(loaded) => reveal(loaded, event, &decoded.recorded, &data),
                                None => self.reveal_alone(keys, event, &decoded.recorded, &data).await,
                            };
                            revealed.map(|()| decoded)
                        }
                        _ => Ok(decoded),
                    }
                }
                Err(error) => Err(error),
            });
        }
        Ok(opened)
    }

    /// An event that is still open, or else the one that is stored, with the bytes that hold its sealed part.
    fn fresh_or_decoded(&self, recorded: &Arc<RecordedEvent>) -> Result<(DecodedEvent, Option<Bytes>), CodecError> {
        match self.fresh.take(recorded.id) {
            Some(event) => {
                Ok((DecodedEvent { recorded: recorded.clone(), stream: recorded.stream.id()?, event }, None))
            }
            None => decode(recorded).map(|(decoded, data)| (decoded, Some(data))),
        }
    }

    async fn reveal_alone<E: StoredEvent>(
        &self,
        keys: SealKeys,
        event: &mut E,
        recorded: &RecordedEvent,
        data: &[u8],
    ) -> Result<(), CodecError> {
        let loaded = self.keyring.load([Some(keys.own), keys.author].into_iter().flatten()).await?;
        reveal(&loaded, event, recorded, data)
    }
}

fn reveal<E: StoredEvent>(
    loaded: &LoadedKeys,
    event: &mut E,
    recorded: &RecordedEvent,
    data: &[u8],
) -> Result<(), CodecError> {
    let Some(keys) = event.seal_keys() else { return Ok(()) };
    let broken = || CodecError::Seal { name: recorded.name.to_string() };
    let key = |id: KeyId| match loaded.lookup(id) {
        Lookup::Key(key) => Ok(Some(key)),
        Lookup::Destroyed => Ok(None),
        Lookup::NotLoaded => Err(KeyError::Unavailable(format!("key {} was not loaded", id.0))),
    };
    let Some(own) = key(keys.own)? else { return Ok(()) };
    let author = match keys.author.map(key).transpose()? {
        Some(None) => return Ok(()),
        Some(author) => author,
        None => None,
    };
    let sealed = if let Some(sealed) = sealed_at_the_end(data) {
        BASE64_STANDARD_NO_PAD.decode(sealed)
    } else {
        let part: SealedPart<'_> = serde_json::from_slice(data).map_err(|_| broken())?;
        BASE64_STANDARD_NO_PAD.decode(part.sealed.ok_or_else(broken)?.as_bytes())
    };
    let sealed = sealed.map_err(|_| broken())?;
    let binding = Binding { stream: &recorded.stream, name: &recorded.name, id: recorded.id };
    let private = ContentKey::new(&own, author.as_deref(), recorded.id).open(&binding, &sealed);
    event.reveal(&private.ok_or_else(broken)?)?;
    Ok(())
}

fn append_sealed(data: &mut Vec<u8>, sealed: &[u8]) {
    data.pop();
    data.extend_from_slice(if data.len() > 1 { b",\"sealed\":\"" } else { b"\"sealed\":\"" });
    data.extend_from_slice(BASE64_STANDARD_NO_PAD.encode(sealed).as_bytes());
    data.extend_from_slice(b"\"}");
}

/// The sealed part where it stands last, as [`append_sealed`] puts it: what is before it need not be parsed again. In the alphabet of
/// base64 there is nothing that JSON would escape.
fn sealed_at_the_end(data: &[u8]) -> Option<&[u8]> {
    let data = data.strip_suffix(b"\"}")?;
    let (before, sealed) = data.split_at(data.iter().rposition(|byte| *byte == b'"')?);
    let before = before.strip_suffix(b"\"sealed\":")?;
    matches!(before.last(), Some(b',' | b'{')).then(|| &sealed[1..])
}

/// The event without its personal part, and the bytes that hold the sealed part: upcast where the form is an older one.
fn parse<E: StoredEvent>(recorded: &RecordedEvent) -> Result<(E, Bytes), CodecError> {
    let data = upcast::to_current(recorded)?;
    Ok((E::from_open(&recorded.name, &data)?, data))
}

fn decode(recorded: &Arc<RecordedEvent>) -> Result<(DecodedEvent, Bytes), CodecError> {
    let (event, data) = parse(recorded)?;
    Ok((DecodedEvent { recorded: recorded.clone(), stream: recorded.stream.id()?, event }, data))
}
