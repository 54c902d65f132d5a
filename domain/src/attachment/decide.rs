//! What may be done with an uploaded file, and by whom.

use serde::{Deserialize, Serialize};

use super::{
    AttachmentAttached, AttachmentDetached, AttachmentDetails, AttachmentEvent, AttachmentRemoved, AttachmentUploaded,
    Sending,
};
use crate::{ConversationId, Decider, KeyId, Timestamp, UserId};

/// A file that was uploaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Whose it is.
    pub uploader: UserId,
    /// When it was uploaded.
    pub uploaded_at: Timestamp,
    /// Its own key.
    pub key: KeyId,
    /// The uploader's own key.
    pub author_key: KeyId,
    /// What it is; none once a key of it is destroyed, or it is removed.
    pub details: Option<AttachmentDetails>,
    /// For which message it is claimed, and since when.
    pub attached: Option<(Sending, Timestamp)>,
    /// Gone for good.
    pub removed: bool,
}

/// `None` before it was uploaded.
pub type AttachmentState = Option<Attachment>;

/// What may be asked of an uploaded file.
#[derive(Debug, Clone, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum AttachmentCommand {
    /// Its bytes are stored.
    Upload(AttachmentUploaded),
    /// Claim it for a message that is about to be sent.
    Attach {
        /// Its uploader.
        by: UserId,
        /// Where the message goes.
        conversation: ConversationId,
        /// Which sending.
        sending: Sending,
        /// Now.
        at: Timestamp,
    },
    /// Give it back: the message was not sent.
    Detach {
        /// Which sending.
        sending: Sending,
        /// Now.
        at: Timestamp,
    },
    /// Remove it, with its message or its uploader's account.
    Remove {
        /// Now.
        at: Timestamp,
    },
    /// Remove it if nothing was done with it since; that no message has it was checked before.
    Collect {
        /// Since when.
        since: Timestamp,
        /// Now.
        at: Timestamp,
    },
}

/// Why a file is not put to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AttachmentRefusal {
    /// It was never there, is gone, or is somebody else's: which of these is nobody's business.
    #[error("there is no such attachment")]
    NoSuchAttachment,
    /// Another message has it.
    #[error("this attachment belongs to another message")]
    AlreadyUsed,
}

/// Decides about uploaded files.
#[derive(Debug)]
pub struct AttachmentDecider;

impl Decider for AttachmentDecider {
    type Command = AttachmentCommand;
    type Event = AttachmentEvent;
    type State = AttachmentState;
    type Refusal = AttachmentRefusal;

    fn name(command: &AttachmentCommand) -> &'static str {
        command.into()
    }

    fn decide(state: &AttachmentState, command: &AttachmentCommand) -> Result<Vec<AttachmentEvent>, AttachmentRefusal> {
        let file = state.as_ref().filter(|file| !file.removed);
        match (file, command) {
            (None, AttachmentCommand::Upload(uploaded)) if state.is_none() => Ok(vec![uploaded.clone().into()]),
            (None, AttachmentCommand::Attach { .. }) => Err(AttachmentRefusal::NoSuchAttachment),
            (_, AttachmentCommand::Upload(_)) | (None, _) => Ok(vec![]),
            (Some(file), AttachmentCommand::Attach { by, conversation, sending, at }) => {
                attach(file, *by, *conversation, *sending, *at)
            }
            (Some(file), AttachmentCommand::Detach { sending, at }) => Ok(detach(file, *sending, *at)),
            (Some(file), AttachmentCommand::Remove { at }) => Ok(vec![remove(file, *at)]),
            (Some(file), AttachmentCommand::Collect { since, at }) => Ok(collect(file, *since, *at)),
        }
    }

    fn evolve(state: &mut AttachmentState, event: &AttachmentEvent) {
        let Some(file) = state else {
            if let AttachmentEvent::Uploaded(event) = event {
                *state = Some(Attachment {
                    uploader: event.uploader,
                    uploaded_at: event.at,
                    key: event.key,
                    author_key: event.author_key,
                    details: event.details.clear().cloned(),
                    attached: None,
                    removed: false,
                });
            }
            return;
        };
        match event {
            AttachmentEvent::Uploaded(_) => {}
            AttachmentEvent::Attached(event) => file.attached = Some((event.sending, event.at)),
            AttachmentEvent::Detached(_) => file.attached = None,
            AttachmentEvent::Removed(_) => {
                file.removed = true;
                file.details = None;
            }
        }
    }
}

fn attach(
    file: &Attachment,
    by: UserId,
    conversation: ConversationId,
    sending: Sending,
    at: Timestamp,
) -> Result<Vec<AttachmentEvent>, AttachmentRefusal> {
    if by != file.uploader {
        return Err(AttachmentRefusal::NoSuchAttachment);
    }
    match file.attached {
        None => Ok(vec![AttachmentAttached { conversation, sending, at }.into()]),
        Some((holder, _)) if holder == sending => Ok(vec![]),
        Some(_) => Err(AttachmentRefusal::AlreadyUsed),
    }
}

fn detach(file: &Attachment, sending: Sending, at: Timestamp) -> Vec<AttachmentEvent> {
    let holds = file.attached.is_some_and(|(holder, _)| holder == sending);
    if holds { vec![AttachmentDetached { sending, at }.into()] } else { vec![] }
}

fn remove(file: &Attachment, at: Timestamp) -> AttachmentEvent {
    AttachmentRemoved { key: file.key, at }.into()
}

fn collect(file: &Attachment, since: Timestamp, at: Timestamp) -> Vec<AttachmentEvent> {
    let last = file.attached.map_or(file.uploaded_at, |(_, claimed)| claimed.max(file.uploaded_at));
    if last < since { vec![remove(file, at)] } else { vec![] }
}
