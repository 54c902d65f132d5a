//! Parts while they are written: sealed, counted, hashed, and never more than a piece of one in memory.

use aws_lc_rs::digest::{Context, SHA256};
use serde::Serialize;
use tidings_attachments::{Part as File, Place, Vault, VaultError, Writer};
use tidings_domain::{AttachmentId, ConversationId, KeyId};
use tidings_event_store::{KeyError, Keyring};
use uuid::Uuid;

use super::job::Part;

/// What files of lines are.
pub(super) const LINES: &str = "application/x-ndjson";

/// Why an export is not made now.
#[derive(Debug, thiserror::Error)]
pub(super) enum MakeError {
    /// What is written cannot be kept.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// There is no key to seal it under.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The disk does not take it.
    #[error("the disk does not take it: {0}")]
    Io(#[from] std::io::Error),
    /// A record has no form; never.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The views cannot be asked.
    #[error(transparent)]
    Query(#[from] tidings_projections::QueryError),
    /// The views are behind.
    #[error(transparent)]
    NotYet(#[from] tidings_projections::runner::NotYet),
    /// The write side cannot be asked.
    #[error(transparent)]
    Command(#[from] tidings_commands::Error),
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] tidings_event_store::StoreError),
    /// The conversation cannot be looked back at.
    #[error(transparent)]
    Past(#[from] tidings_projections::PastError),
    /// An attachment cannot be read.
    #[error(transparent)]
    Attachment(#[from] tidings_attachments::ReadError),
    /// It would be larger than exports may be.
    #[error("it would be larger than {0} MiB, which is the most that an export may have")]
    TooLarge(u64),
    /// Something in it was erased meanwhile, or it was taken away: it is begun again, or not at all.
    #[error("it is out of date")]
    Outdated,
    /// There is nothing of it that its owner may see.
    #[error("there is nothing that could be exported")]
    Nothing,
}

/// Where parts are written to.
pub(super) struct Parts<'a> {
    pub(super) vault: &'a Vault,
    pub(super) keyring: &'a Keyring,
    pub(super) author_key: KeyId,
    /// How much may still be written, of how much in all.
    pub(super) left: u64,
    pub(super) most: u64,
}

/// A part that is being written.
pub(super) struct Writing {
    name: String,
    media_type: String,
    place: Place,
    of: Option<ConversationId>,
    writer: Writer,
    hash: Context,
    lines: u64,
}

impl Parts<'_> {
    /// Begins a part.
    pub(super) async fn begin(
        &self,
        name: &str,
        media_type: &str,
        of: Option<ConversationId>,
    ) -> Result<Writing, MakeError> {
        let (id, key) = (AttachmentId::new(Uuid::new_v4()), self.keyring.take().await?);
        let place = Place { id, key, part: File::File };
        let writer = self.vault.begin(place, self.author_key).await?;
        let (name, media_type) = (name.to_owned(), media_type.to_owned());
        Ok(Writing { name, media_type, place, of, writer, hash: Context::new(&SHA256), lines: 0 })
    }

    /// Writes a record.
    pub(super) async fn line(&mut self, part: &mut Writing, record: &impl Serialize) -> Result<(), MakeError> {
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        part.lines += 1;
        self.bytes(part, &line).await
    }

    /// Writes bytes.
    pub(super) async fn bytes(&mut self, part: &mut Writing, bytes: &[u8]) -> Result<(), MakeError> {
        self.left = self.left.checked_sub(bytes.len() as u64).ok_or(MakeError::TooLarge(self.most >> 20))?;
        part.hash.update(bytes);
        Ok(part.writer.write(bytes).await?)
    }

    /// Ends a part: it is there when this returns.
    pub(super) async fn end(&self, part: Writing) -> Result<Part, MakeError> {
        let sealed = part.writer.finish().await?;
        let bytes = sealed.size();
        self.vault.keep(sealed).await?;
        let lines = (part.media_type == LINES).then_some(part.lines);
        let sha256 = hex::encode(part.hash.finish().as_ref());
        Ok(Part {
            name: part.name,
            media_type: part.media_type,
            bytes,
            lines,
            sha256,
            file: part.place.id,
            key: part.place.key,
            of: part.of,
        })
    }
}
