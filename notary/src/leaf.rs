//! The canonical form of a recorded event: the input of its leaf.
//!
//! Every part is there, in one order, with its length before it where that can differ: no two events have the same form, and
//! no JSON library has a say in it. It never changes; another form would be another first field.

use crate::hash::Hash;

/// The first field of every leaf.
pub const FORM: &str = "tidings-event-v1";

/// A recorded event, exactly as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Where in the whole log.
    pub position: u64,
    /// Which stream.
    pub stream: &'a str,
    /// Which place in it, from 1.
    pub version: u64,
    /// Unique: the 16 bytes of a UUID.
    pub id: [u8; 16],
    /// The stored name.
    pub name: &'a str,
    /// When the store took it: milliseconds since 1970-01-01T00:00:00Z.
    pub recorded_at: i64,
    /// The stored form, sealed parts sealed.
    pub data: &'a [u8],
    /// What is known beside it.
    pub metadata: &'a [u8],
}

impl Entry<'_> {
    /// The canonical form. Numbers are big-endian; a field is its length in bytes (four bytes), then itself.
    pub fn canonical(&self) -> Vec<u8> {
        let mut form =
            Vec::with_capacity(self.stream.len() + self.name.len() + self.data.len() + self.metadata.len() + 96);
        put(&mut form, FORM.as_bytes());
        form.extend_from_slice(&self.position.to_be_bytes());
        put(&mut form, self.stream.as_bytes());
        form.extend_from_slice(&self.version.to_be_bytes());
        put(&mut form, &self.id);
        put(&mut form, self.name.as_bytes());
        form.extend_from_slice(&self.recorded_at.to_be_bytes());
        put(&mut form, self.data);
        put(&mut form, self.metadata);
        form
    }

    /// The hash of its leaf.
    pub fn leaf_hash(&self) -> Hash {
        Hash::of_leaf(&self.canonical())
    }
}

fn put(form: &mut Vec<u8>, field: &[u8]) {
    // nothing stored comes near four gigabytes: requests are far smaller, and both databases end at one
    let length = u32::try_from(field.len()).unwrap_or(u32::MAX);
    form.extend_from_slice(&length.to_be_bytes());
    form.extend_from_slice(field);
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: Entry<'_> = Entry {
        position: 7,
        stream: "user-1",
        version: 2,
        id: [0x11; 16],
        name: "profile_changed",
        recorded_at: 1_700_000_000_123,
        data: br#"{"at":1}"#,
        metadata: b"{}",
    };

    #[test]
    fn the_form_is_the_documented_one() {
        // the example of docs/notary.md
        let form = "00000010746964696e67732d6576656e742d7631\
                    0000000000000007\
                    00000006757365722d31\
                    0000000000000002\
                    0000001011111111111111111111111111111111\
                    0000000f70726f66696c655f6368616e676564\
                    0000018bcfe5687b\
                    000000087b226174223a317d\
                    000000027b7d";
        assert_eq!(hex::encode(EXAMPLE.canonical()), form);
    }

    #[test]
    fn every_part_counts_and_no_two_can_be_mistaken_for_each_other() {
        let other = [
            Entry { position: 8, ..EXAMPLE },
            Entry { stream: "user-2", ..EXAMPLE },
            Entry { version: 3, ..EXAMPLE },
            Entry { id: [0x12; 16], ..EXAMPLE },
            Entry { name: "profile_change", ..EXAMPLE },
            Entry { recorded_at: 1_700_000_000_124, ..EXAMPLE },
            Entry { data: br#"{"at":2}"#, ..EXAMPLE },
            Entry { data: br#"{"at":1}{}"#, metadata: b"", ..EXAMPLE },
            Entry { metadata: b"", ..EXAMPLE },
        ];
        for entry in other {
            assert_ne!(entry.leaf_hash(), EXAMPLE.leaf_hash(), "{entry:?}");
        }
    }
}
