//! The manifest of an export: what it is, its parts with their lengths and hashes, signed by the installation (C2SP signed-note).
//!
//! The text of the note is the line [`FORMAT`], a line with what the export is, and a line of JSON for each part. Below an empty
//! line stands the signature, by the key of the notary (`GET /v1/audit/key`).

use serde::{Deserialize, Serialize};
use tidings_notary::{Signer, VerifierKey};

/// The first line; the number counts forms.
pub const FORMAT: &str = "tidings-export/1";

/// What the export is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Its id.
    pub export: String,
    /// `person` or `conversation`.
    pub of: String,
    /// Its id.
    pub id: String,
    /// Who asked for it.
    pub requested_by: String,
    /// When.
    pub requested_at: String,
    /// Everything up to here in the log is in it, but for what was erased.
    pub position: u64,
    /// How many parts follow.
    pub parts: usize,
}

/// A part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its name, which is its file's.
    pub name: String,
    /// What the file is.
    pub media_type: String,
    /// How long it is.
    pub bytes: u64,
    /// How many lines it has, where it is made of lines.
    pub lines: Option<u64>,
    /// SHA-256 of it, in hex.
    pub sha256: String,
}

/// A manifest whose signature was found to be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// What it is of.
    pub about: About,
    /// All of its parts.
    pub parts: Vec<Listed>,
}

/// Why a manifest says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadManifest {
    /// It has another form.
    #[error("this is no manifest of an export: {0}")]
    Form(&'static str),
    /// Somebody else signed it, or changed it since.
    #[error("the manifest was not signed by {0}, or was changed since")]
    Signature(String),
}

/// Writes and signs a manifest.
pub fn sign(about: &About, parts: &[Listed], signer: &Signer) -> Result<String, serde_json::Error> {
    let mut text = format!("{FORMAT}\n{}\n", serde_json::to_string(about)?);
    for part in parts {
        text += &serde_json::to_string(part)?;
        text.push('\n');
    }
    let signature = signer.sign(&text);
    Ok(format!("{text}\n\u{2014} {} {signature}\n", signer.key().name()))
}

/// Reads a manifest whose signature is this key's.
pub fn verify(note: &str, key: &VerifierKey) -> Result<Manifest, BadManifest> {
    let (text, signatures) = note.rsplit_once("\n\n").ok_or(BadManifest::Form("it has no signature"))?;
    let text = format!("{text}\n");
    let prefix = format!("\u{2014} {} ", key.name());
    let mut signed = signatures.lines().filter_map(|line| line.strip_prefix(&prefix));
    if !signed.any(|signature| key.verifies(&text, signature)) {
        return Err(BadManifest::Signature(key.name().to_owned()));
    }
    let mut lines = text.lines();
    if lines.next() != Some(FORMAT) {
        return Err(BadManifest::Form("its first line is another"));
    }
    let about = lines.next().and_then(|line| serde_json::from_str::<About>(line).ok());
    let about = about.ok_or(BadManifest::Form("it does not say what it is of"))?;
    let parts: Result<Vec<Listed>, _> = lines.map(serde_json::from_str).collect();
    let parts = parts.map_err(|_| BadManifest::Form("a part cannot be read"))?;
    if parts.len() != about.parts {
        return Err(BadManifest::Form("it has another number of parts than it says"));
    }
    Ok(Manifest { about, parts })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> (About, Vec<Listed>) {
        let text = |text: &str| text.to_owned();
        let about = About {
            export: text("e"),
            of: text("person"),
            id: text("p"),
            requested_by: text("p"),
            requested_at: text("2026-11-20T00:00:00.000Z"),
            position: 7,
            parts: 1,
        };
        let part = Listed {
            name: text("messages.ndjson"),
            media_type: text("application/x-ndjson"),
            bytes: 3,
            lines: Some(1),
            sha256: text("00"),
        };
        (about, vec![part])
    }

    #[test]
    fn what_was_signed_reads_back_and_nothing_else() {
        let (about, parts) = example();
        let signer = Signer::from_seed(&[7; 32]).unwrap();
        let note = sign(&about, &parts, &signer).unwrap();
        assert_eq!(verify(&note, signer.key()), Ok(Manifest { about, parts }));
        for changed in
            [note.replace("\"bytes\":3", "\"bytes\":4"), note.replace("tidings-export/1", "tidings-export/2")]
        {
            assert!(matches!(verify(&changed, signer.key()), Err(BadManifest::Signature(_))), "{changed}");
        }
        let other = Signer::from_seed(&[8; 32]).unwrap();
        assert!(verify(&note, other.key()).is_err());
        assert!(verify("nothing", signer.key()).is_err());
    }

    #[test]
    fn a_manifest_must_have_the_parts_that_it_says() {
        let (about, _) = example();
        let signer = Signer::from_seed(&[7; 32]).unwrap();
        let note = sign(&about, &[], &signer).unwrap();
        assert!(matches!(verify(&note, signer.key()), Err(BadManifest::Form(_))));
    }
}
