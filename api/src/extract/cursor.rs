//! Cursors: where a list goes on. Opaque, and refused unless this installation made them for this list.

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use serde::{Serialize, de::DeserializeOwned};
use tidings_event_store::InstallationSecret;
use zeroize::Zeroizing;

use crate::problem::Problem;

const VERSION: u8 = 1;
const TAG_BYTES: usize = 16;

/// Makes cursors and reads them back.
#[derive(Clone)]
pub struct Cursors(Zeroizing<[u8; 32]>);

impl fmt::Debug for Cursors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cursors(…)")
    }
}

impl Cursors {
    /// Cursors of this installation.
    pub fn new(secret: &InstallationSecret) -> Self {
        Self(secret.derive("tidings 2026 list cursors"))
    }

    /// A cursor of the list `list` (its route, and what its items depend on) to this place.
    pub fn seal<T: Serialize>(&self, list: &str, place: &T) -> Result<String, Problem> {
        let place = serde_json::to_vec(place)
            .map_err(|error| Problem::new(crate::problem::Kind::Internal, error.to_string()))?;
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&self.tag(list, &place));
        bytes.extend_from_slice(&place);
        Ok(BASE64.encode(bytes))
    }

    /// The place that a cursor of this list stands for.
    pub fn open<T: DeserializeOwned>(&self, list: &str, cursor: &str) -> Result<T, Problem> {
        self.try_open(list, cursor).ok_or_else(|| Problem::malformed("/cursor", "is not a cursor of this list"))
    }

    /// The same for a parameter that may be absent.
    pub fn open_some<T: DeserializeOwned>(&self, list: &str, cursor: Option<&str>) -> Result<Option<T>, Problem> {
        cursor.map(|cursor| self.open(list, cursor)).transpose()
    }

    fn try_open<T: DeserializeOwned>(&self, list: &str, cursor: &str) -> Option<T> {
        let bytes = BASE64.decode(cursor).ok()?;
        let (version, rest) = bytes.split_first()?;
        let (tag, place) = rest.split_at_checked(TAG_BYTES)?;
        // not a secret worth a constant-time comparison: a cursor opens nothing that its bearer may not see
        let ours = *version == VERSION && tag == self.tag(list, place);
        ours.then(|| serde_json::from_slice(place).ok()).flatten()
    }

    fn tag(&self, list: &str, place: &[u8]) -> [u8; TAG_BYTES] {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&(list.len() as u64).to_le_bytes()).update(list.as_bytes()).update(place);
        let mut tag = [0; TAG_BYTES];
        hasher.finalize_xof().fill(&mut tag);
        tag
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_in_its_own_list_only() {
        let cursors = Cursors::new(&InstallationSecret::from_bytes([7; 32]));
        let cursor = cursors.seal("inbox", &(5_u64, "x".to_owned())).unwrap();
        assert_eq!(cursors.open::<(u64, String)>("inbox", &cursor).unwrap(), (5, "x".to_owned()));
        assert!(cursors.open::<(u64, String)>("members", &cursor).is_err());
        let others = Cursors::new(&InstallationSecret::from_bytes([8; 32]));
        assert!(others.open::<(u64, String)>("inbox", &cursor).is_err());
    }

    #[test]
    fn a_broken_cursor_is_refused() {
        let cursors = Cursors::new(&InstallationSecret::from_bytes([7; 32]));
        let cursor = cursors.seal("inbox", &5_u64).unwrap();
        for wrong in ["", "x", "!!", &cursor[1..], &cursor[..cursor.len() - 1], &format!("{cursor}AA")] {
            assert!(cursors.open::<u64>("inbox", wrong).is_err(), "{wrong}");
        }
    }
}
