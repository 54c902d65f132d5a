//! Uploaded files, as those see them who see their message.

use tidings_domain::AttachmentId;

/// How large a picture is, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pixels {
    /// From left to right.
    pub width: u64,
    /// From top to bottom.
    pub height: u64,
}

/// An uploaded file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Which.
    pub id: AttachmentId,
    /// As its uploader called it, made harmless.
    pub name: Option<String>,
    /// By its bytes.
    pub media_type: String,
    /// In bytes.
    pub size: u64,
    /// Of a picture that could be looked at.
    pub dimensions: Option<Pixels>,
    /// Of the thumbnail of such a picture.
    pub thumbnail: Option<Pixels>,
}
