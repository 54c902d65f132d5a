//! The log as lines of JSON with everything that a verifier needs: an entry a line, then the signed heads.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use uuid::Uuid;

use crate::{hash::Hash, leaf::Entry, places::Place};

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Line {
    /// A recorded event.
    Entry(EntryLine),
    /// A signed head.
    Checkpoint {
        /// The note.
        checkpoint: String,
    },
}

/// A recorded event: the parts of its leaf, and what the notary knows of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryLine {
    /// Its place in the tree, from 0; absent for an event that was put in where the tree has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// Its place in the log.
    pub position: u64,
    /// Which stream.
    pub stream: String,
    /// Which place in it.
    pub version: u64,
    /// Unique.
    pub id: Uuid,
    /// The stored name.
    pub name: String,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub recorded_at: i64,
    /// The stored form.
    pub data: Base64,
    /// What is known beside it.
    pub metadata: Base64,
    /// The leaf's hash as it stands in the tree, not as it is now; absent where the tree does not reach yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leaf_hash: Option<Hash>,
}

impl EntryLine {
    /// The line of an entry.
    pub fn new(entry: &Entry<'_>, place: Place) -> Self {
        let (index, leaf_hash) = place.parts();
        Self {
            index,
            position: entry.position,
            stream: entry.stream.to_owned(),
            version: entry.version,
            id: Uuid::from_bytes(entry.id),
            name: entry.name.to_owned(),
            recorded_at: entry.recorded_at,
            data: Base64(entry.data.to_vec()),
            metadata: Base64(entry.metadata.to_vec()),
            leaf_hash,
        }
    }

    /// The entry.
    pub fn entry(&self) -> Entry<'_> {
        Entry {
            position: self.position,
            stream: &self.stream,
            version: self.version,
            id: *self.id.as_bytes(),
            name: &self.name,
            recorded_at: self.recorded_at,
            data: &self.data.0,
            metadata: &self.metadata.0,
        }
    }
}

/// Bytes, in base64 where they are text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base64(pub Vec<u8>);

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64_STANDARD.decode(text).map(Self).map_err(D::Error::custom)
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_the_documented_one_and_reads_back() {
        let entry = Entry {
            position: 7,
            stream: "user-1",
            version: 2,
            id: [0x11; 16],
            name: "profile_changed",
            recorded_at: 1_700_000_000_123,
            data: br#"{"at":1}"#,
            metadata: b"{}",
        };
        let line = EntryLine::new(&entry, Place::In { index: 6, leaf: Some(Hash([0; 32])) });
        let text = serde_json::to_string(&line).unwrap();
        assert_eq!(
            text,
            r#"{"index":6,"position":7,"stream":"user-1","version":2,"id":"11111111-1111-1111-1111-111111111111","name":"profile_changed","recorded_at":1700000000123,"data":"eyJhdCI6MX0=","metadata":"e30=","leaf_hash":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}"#
        );
        let read: Line = serde_json::from_str(&text).unwrap();
        assert_eq!(read, Line::Entry(line.clone()));
        assert_eq!(line.entry(), entry);
        let head: Line = serde_json::from_str(r#"{"checkpoint":"a note"}"#).unwrap();
        assert_eq!(head, Line::Checkpoint { checkpoint: "a note".to_owned() });
    }
}
