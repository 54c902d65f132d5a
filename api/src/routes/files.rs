//! The JSON form of an attachment.

use serde::Serialize;
use tidings_commands::attachments::File;
use tidings_domain::{
    AttachmentId,
    attachment::{Dimensions, Thumbnail},
    values::FileName,
};
use tidings_projections::model::{Attachment, Pixels};
use utoipa::ToSchema;

use super::shapes::shown;

/// Something attached to a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Attachment)]
pub struct AttachmentBody {
    /// Which.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = "uuid")]
    pub id: AttachmentId,
    /// As its sender called it, made harmless.
    #[schema(example = "cat.gif")]
    pub name: Option<String>,
    /// By its bytes.
    #[schema(example = "image/gif")]
    pub media_type: String,
    /// In bytes.
    #[schema(minimum = 1)]
    pub size: u64,
    /// Of a picture, in pixels.
    pub width: Option<u64>,
    /// Of a picture, in pixels.
    pub height: Option<u64>,
    /// The small picture that there is of it.
    #[schema(nullable)]
    pub thumbnail: Option<ThumbnailBody>,
}

/// How large the small picture is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Thumbnail)]
pub struct ThumbnailBody {
    /// In pixels.
    pub width: u64,
    /// In pixels.
    pub height: u64,
}

impl From<Attachment> for AttachmentBody {
    fn from(attachment: Attachment) -> Self {
        let thumbnail = attachment.thumbnail.map(|Pixels { width, height }| ThumbnailBody { width, height });
        Self {
            id: attachment.id,
            name: attachment.name,
            media_type: attachment.media_type,
            size: attachment.size,
            width: attachment.dimensions.map(|pixels| pixels.width),
            height: attachment.dimensions.map(|pixels| pixels.height),
            thumbnail,
        }
    }
}

impl AttachmentBody {
    /// From the events; none when it is not readable any more.
    pub fn of(file: File) -> Option<Self> {
        let details = file.details?;
        let thumbnail =
            |Thumbnail { width, height, .. }: Thumbnail| ThumbnailBody { width: width.into(), height: height.into() };
        let of = |side: fn(Dimensions) -> u32| details.dimensions.map(|dimensions| side(dimensions).into());
        Some(Self {
            id: file.id,
            width: of(|dimensions| dimensions.width),
            height: of(|dimensions| dimensions.height),
            name: details.name.map(FileName::into_string),
            media_type: details.media_type.into_string(),
            size: details.size,
            thumbnail: details.thumbnail.map(thumbnail),
        })
    }
}
