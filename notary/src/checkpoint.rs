//! Signed tree heads: C2SP tlog-checkpoint in a C2SP signed-note.
//!
//! ```text
//! tidings/0123456789abcdef        the log's name, which is its key's
//! 1234                            how many entries
//! nqLUBrL1dvM…=                   the root, base64
//!
//! — tidings/0123456789abcdef qINS1a…=
//! ```

use crate::{
    hash::Hash,
    key::{Signer, VerifierKey},
};

/// A tree at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeHead {
    /// How many entries.
    pub size: u64,
    /// Its root.
    pub root: Hash,
}

/// A signed tree head, as text and read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// What is signed.
    pub head: TreeHead,
    /// The whole note.
    pub note: String,
}

/// Why a text is no checkpoint of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoCheckpoint {
    /// It does not have the form of one.
    #[error("this is no checkpoint: it has the form of C2SP tlog-checkpoint")]
    Malformed,
    /// It is of another log.
    #[error("this checkpoint is of another log: its first line is not the key's name")]
    OtherLog,
    /// No line has the key's signature.
    #[error("this checkpoint is not signed by the key")]
    NotSigned,
}

impl Checkpoint {
    /// Signs a head.
    pub fn sign(head: TreeHead, signer: &Signer) -> Self {
        let name = signer.key().name();
        let text = format!("{name}\n{}\n{}\n", head.size, head.root);
        let note = format!("{text}\n\u{2014} {name} {}\n", signer.sign(&text));
        Self { head, note }
    }

    /// Reads a note, which must be signed by this key; other signatures may stand beside it.
    pub fn verify(note: &str, key: &VerifierKey) -> Result<Self, NoCheckpoint> {
        // of several blank lines the last one ends the text
        let at = note.rfind("\n\n").ok_or(NoCheckpoint::Malformed)?;
        let (text, signatures) = (&note[..=at], &note[at + 2..]);
        let mut lines = text.lines();
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(NoCheckpoint::Malformed);
        };
        let head = TreeHead { size: number(size)?, root: root.parse().map_err(|_| NoCheckpoint::Malformed)? };
        if origin != key.name() {
            return Err(NoCheckpoint::OtherLog);
        }
        let by_key = |line: &str| {
            let (name, signature) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
            (name == key.name()).then(|| key.verifies(text, signature))
        };
        let signed = signatures.lines().filter_map(by_key).any(|good| good);
        if signed { Ok(Self { head, note: note.to_owned() }) } else { Err(NoCheckpoint::NotSigned) }
    }
}

/// Decimal, without leading zeros.
fn number(text: &str) -> Result<u64, NoCheckpoint> {
    let number: u64 = text.parse().map_err(|_| NoCheckpoint::Malformed)?;
    if number.to_string() == text { Ok(number) } else { Err(NoCheckpoint::Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: TreeHead = TreeHead { size: 12, root: Hash([7; 32]) };

    #[test]
    fn a_signed_head_reads_back() {
        let signer = Signer::from_seed(&[1; 32]).unwrap();
        let signed = Checkpoint::sign(HEAD, &signer);
        assert_eq!(Checkpoint::verify(&signed.note, signer.key()), Ok(signed.clone()));
        let witnessed = format!("{}\u{2014} a.witness/1 AAAA\n", signed.note);
        assert_eq!(Checkpoint::verify(&witnessed, signer.key()).unwrap().head, HEAD);
        let mut lines = signed.note.lines();
        assert_eq!(lines.next(), Some(signer.key().name()));
        assert_eq!((lines.next(), lines.next()), (Some("12"), Some(HEAD.root.to_string().as_str())));
    }

    #[test]
    fn any_change_is_noticed() {
        let (signer, other) = (Signer::from_seed(&[1; 32]).unwrap(), Signer::from_seed(&[2; 32]).unwrap());
        let note = Checkpoint::sign(HEAD, &signer).note;
        let verify = |note: &str| Checkpoint::verify(note, signer.key());
        assert_eq!(verify(&note.replacen("\n12\n", "\n13\n", 1)), Err(NoCheckpoint::NotSigned));
        assert_eq!(verify(&note.replacen("\n12\n", "\n012\n", 1)), Err(NoCheckpoint::Malformed));
        assert_eq!(verify(&note.replacen("\n\n", "\nmore\n\n", 1)), Err(NoCheckpoint::NotSigned));
        assert_eq!(verify(&Checkpoint::sign(HEAD, &other).note), Err(NoCheckpoint::OtherLog));
        let unsigned = &note[..note.find('\u{2014}').unwrap()];
        assert_eq!(verify(unsigned), Err(NoCheckpoint::NotSigned));
        assert_eq!(verify(""), Err(NoCheckpoint::Malformed));
    }
}
