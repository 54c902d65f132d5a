//! Uploaded files, and which message has them.

use tidings_domain::{
    AttachmentId, UserId,
    attachment::{AttachmentDetails, AttachmentRef, AttachmentUploaded, Dimensions},
    values::FileName,
};

use super::{ConversationsFold, rows::Rows, tables::ConversationTables};
use crate::{
    fold::{Done, FoldError, signed, unsigned},
    model::{Attachment, Pixels},
};

/// What a file is. A row of `attachments` has all of it, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileRow {
    pub(crate) name: Option<String>,
    pub(crate) media_type: String,
    pub(crate) size: i64,
    /// Width and height in pixels.
    pub(crate) dimensions: Option<(i64, i64)>,
    /// The same of the thumbnail.
    pub(crate) thumbnail: Option<(i64, i64)>,
}

impl FileRow {
    /// As queries answer it.
    pub(crate) fn shown(self, id: AttachmentId) -> Attachment {
        let pixels = |(width, height)| Pixels { width: unsigned(width), height: unsigned(height) };
        Attachment {
            id,
            name: self.name,
            media_type: self.media_type,
            size: unsigned(self.size),
            dimensions: self.dimensions.map(pixels),
            thumbnail: self.thumbnail.map(pixels),
        }
    }

    fn of(details: &AttachmentDetails) -> Self {
        let pixels = |of: Dimensions| (of.width.into(), of.height.into());
        let thumbnail = details.thumbnail.as_ref();
        Self {
            name: details.name.clone().map(FileName::into_string),
            media_type: details.media_type.as_str().to_owned(),
            size: signed(details.size),
            dimensions: details.dimensions.map(pixels),
            thumbnail: thumbnail.map(|picture| (picture.width.into(), picture.height.into())),
        }
    }
}

/// A row of `attachments`, but for its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AttachmentRow {
    pub(crate) uploader: UserId,
    /// None where only the message is known yet that has it.
    pub(crate) uploaded_at: Option<i64>,
    /// The key of that message.
    pub(crate) message: Option<i64>,
    /// None once that is erased.
    pub(crate) file: Option<FileRow>,
}

impl Rows {
    async fn load_attachment<T: ConversationTables>(&mut self, tables: &mut T, id: AttachmentId) -> Done {
        if !self.attachments.contains(id) {
            let row = tables.attachments(&[id]).await?.pop();
            self.attachments.loaded(id, row.map(|(_, row)| row));
        }
        Ok(())
    }

    /// A file, to be changed; made where it is not there yet.
    async fn attachment<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        id: AttachmentId,
        uploader: UserId,
    ) -> Done<&mut AttachmentRow> {
        self.load_attachment(tables, id).await?;
        let row = self.attachments.change(id).ok_or_else(|| FoldError::data("this attachment was not loaded"))?;
        Ok(row.get_or_insert(AttachmentRow { uploader, uploaded_at: None, message: None, file: None }))
    }

    /// Nothing is left of what a file is, if it is there.
    async fn erase_attachment<T: ConversationTables>(&mut self, tables: &mut T, id: AttachmentId) -> Done {
        self.load_attachment(tables, id).await?;
        if self.attachments.get(id).and_then(Option::as_ref).is_some_and(|row| row.file.is_some())
            && let Some(Some(row)) = self.attachments.change(id)
        {
            row.file = None;
        }
        Ok(())
    }

    /// All files of somebody.
    async fn uploaded_by<T: ConversationTables>(&mut self, tables: &mut T, user: UserId) -> Done<Vec<AttachmentId>> {
        let mut ids = tables.uploaded_by(user).await?;
        let theirs = |row: &Option<AttachmentRow>| row.as_ref().is_some_and(|row| row.uploader == user);
        ids.extend(self.attachments.iter().filter(|(_, row)| theirs(row)).map(|(id, _)| id));
        Ok(ids)
    }
}

impl ConversationsFold {
    pub(super) async fn uploaded<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        id: AttachmentId,
        event: &AttachmentUploaded,
    ) -> Done {
        let closed = self.closed_at(tables, event.uploader).await?.is_some();
        let row = self.rows.attachment(tables, id, event.uploader).await?;
        row.uploaded_at = Some(event.at.millis());
        let message = row.message;
        let deleted = match message {
            Some(key) => self.rows.is_deleted(tables, key).await?,
            None => false,
        };
        let details = if closed || deleted { None } else { event.details.clear() };
        self.rows.attachment(tables, id, event.uploader).await?.file = details.map(FileRow::of);
        Ok(())
    }

    /// A message has these files; a closed account's are erased.
    pub(super) async fn attached<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        key: i64,
        sender: UserId,
        files: &[AttachmentRef],
        erased: bool,
    ) -> Done {
        for file in files {
            let row = self.rows.attachment(tables, file.id, sender).await?;
            row.message = Some(key);
            if erased {
                row.file = None;
            }
        }
        Ok(())
    }

    /// The message that had these files is erased.
    pub(super) async fn erase_attachments<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        files: Option<&[u8]>,
    ) -> Done {
        for id in attached_in(files) {
            self.rows.erase_attachment(tables, id).await?;
        }
        Ok(())
    }

    /// The account that uploaded these files is closed.
    pub(super) async fn erase_attachments_of<T: ConversationTables>(&mut self, tables: &mut T, user: UserId) -> Done {
        for id in self.rows.uploaded_by(tables, user).await? {
            self.rows.erase_attachment(tables, id).await?;
            self.erased = true;
        }
        Ok(())
    }

    pub(super) async fn removed<T: ConversationTables>(&mut self, tables: &mut T, id: AttachmentId) -> Done {
        self.rows.load_attachment(tables, id).await?;
        self.rows.attachments.put(id, None);
        self.erased = true;
        Ok(())
    }
}

pub(super) fn attachment_bytes(files: &[AttachmentRef]) -> Option<Vec<u8>> {
    (!files.is_empty()).then(|| files.iter().flat_map(|file| *file.id.as_bytes()).collect())
}

/// The files in a stored list of them.
pub(crate) fn attached_in(bytes: Option<&[u8]>) -> Vec<AttachmentId> {
    bytes.unwrap_or_default().chunks_exact(16).filter_map(|id| AttachmentId::from_slice(id).ok()).collect()
}
