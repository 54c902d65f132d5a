//! An uploaded file: what it is, which message it is put to, and its end.
//!
//! Its bytes are elsewhere, sealed under the keys that its first event names. It goes to one message, its uploader's own: it
//! is claimed for that message before the message is sent, since the two are in different streams and a crash may part
//! them. What the message says is the truth; a claim that no message bears out holds a file back until it is collected.

mod decide;
mod events;
#[cfg(test)]
mod tests;

pub use decide::{Attachment, AttachmentCommand, AttachmentDecider, AttachmentRefusal, AttachmentState};
pub use events::{
    AttachmentAttached, AttachmentDetached, AttachmentDetails, AttachmentEvent, AttachmentRef, AttachmentRemoved,
    AttachmentUploaded, Dimensions, Sending, Thumbnail,
};

/// The most files on one message.
pub const MAX_ATTACHMENTS: usize = 10;
