//! Uploaded files: recorded once their bytes are stored, put to messages, removed.

use tidings_domain::{
    AttachmentId, ConversationId, KeyId, Personal, StreamId, UserId,
    attachment::{
        Attachment, AttachmentCommand, AttachmentDetails, AttachmentEvent, AttachmentRef, AttachmentRefusal,
        AttachmentUploaded, Sending,
    },
    conversation::MessageSent,
};
use tidings_event_store::Position;
use uuid::Uuid;

use crate::{Commands, Context, Error, Outcome, Refusal};

/// A file about to be uploaded: its bytes are sealed under these keys, and stored under the number of the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upload {
    /// What it will be.
    pub id: AttachmentId,
    /// Whose it will be.
    pub uploader: UserId,
    /// Seals nothing yet.
    pub key: KeyId,
    /// The uploader's own.
    pub author_key: KeyId,
}

/// A file and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Which.
    pub id: AttachmentId,
    /// What; none when it is not readable any more.
    pub details: Option<AttachmentDetails>,
}

/// Files that nobody else can put to a message while this one is being sent.
pub(crate) struct Claimed {
    pub(crate) sending: Sending,
    pub(crate) files: Vec<AttachmentRef>,
}

impl Commands {
    /// What an upload needs before its first byte is stored. Under a key the id is the same each time, the keys never are.
    pub async fn begin_upload(&self, uploader: UserId, context: &Context) -> Result<Upload, Error> {
        let author_key = self.author_key(uploader).await?;
        let id = AttachmentId::new(context.new_id("attachment"));
        Ok(Upload { id, uploader, key: self.fresh_key().await?, author_key })
    }

    /// Records a file whose bytes are stored. Where it was recorded before, under the same key, the outcome is that one: its
    /// keys are then others than the upload's, whose bytes nobody needs.
    pub async fn upload(
        &self,
        upload: Upload,
        details: AttachmentDetails,
        context: &Context,
    ) -> Result<Outcome<AttachmentUploaded>, Error> {
        let Upload { id, uploader, key, author_key } = upload;
        let details = Personal::Clear(details);
        let uploaded = AttachmentUploaded { uploader, at: context.now, key, author_key, details };
        let command = AttachmentCommand::Upload(uploaded);
        let outcome = self.0.attachments.execute(StreamId::Attachment(id), &command, context).await?;
        let Outcome { value, position, replayed } = outcome;
        match value.into_iter().next() {
            Some((_, AttachmentEvent::Uploaded(value))) => Ok(Outcome { value, position, replayed }),
            Some((_, AttachmentEvent::Attached(_) | AttachmentEvent::Detached(_) | AttachmentEvent::Removed(_)))
            | None => Err(Error::KeyReused),
        }
    }

    /// A file as it is now; none if it was never uploaded. May be removed.
    pub async fn attachment(&self, id: AttachmentId) -> Result<Option<Attachment>, Error> {
        self.0.attachments.peek(StreamId::Attachment(id), Clone::clone).await
    }

    /// Removes a file for good, and destroys its key. Its bytes go afterwards. Doing it again does nothing.
    pub async fn remove_attachment(&self, id: AttachmentId, context: &Context) -> Result<Option<Position>, Error> {
        self.end_attachment(id, AttachmentCommand::Remove { at: context.now }, context).await
    }

    /// The same for a file that no message has and with which nothing was done since then.
    pub async fn collect_attachment(
        &self,
        id: AttachmentId,
        since: tidings_domain::Timestamp,
        context: &Context,
    ) -> Result<Option<Position>, Error> {
        self.end_attachment(id, AttachmentCommand::Collect { since, at: context.now }, context).await
    }

    async fn end_attachment(
        &self,
        id: AttachmentId,
        command: AttachmentCommand,
        context: &Context,
    ) -> Result<Option<Position>, Error> {
        let stream = StreamId::Attachment(id);
        let outcome = self.0.attachments.execute(stream, &command, &context.without_key()).await?;
        if let Some(key) = outcome.value.iter().find_map(|(_, event)| removed(event)) {
            self.destroy_keys(&[key]).await?;
        }
        Ok(outcome.position)
    }

    /// Claims files for a message of their uploader: all of them, or none.
    pub(crate) async fn claim_attachments(
        &self,
        conversation: ConversationId,
        by: UserId,
        ids: &[AttachmentId],
        context: &Context,
    ) -> Result<Claimed, Error> {
        self.standing(conversation, by).await?.member()?;
        let sending = Sending::from(context.key.map_or_else(|| *Uuid::now_v7().as_bytes(), |key| key.id.0));
        self.claim_for(sending, conversation, by, ids, context).await
    }

    /// The same for a sending that may be far away.
    pub(crate) async fn claim_for(
        &self,
        sending: Sending,
        conversation: ConversationId,
        by: UserId,
        ids: &[AttachmentId],
        context: &Context,
    ) -> Result<Claimed, Error> {
        let mut claimed = Claimed { sending, files: Vec::with_capacity(ids.len()) };
        for id in ids {
            match self.claim_attachment(conversation, by, *id, sending, context).await {
                Ok(file) => claimed.files.push(file),
                Err(error) => {
                    self.give_files_back(claimed, context).await;
                    return Err(error);
                }
            }
        }
        Ok(claimed)
    }

    async fn claim_attachment(
        &self,
        conversation: ConversationId,
        by: UserId,
        id: AttachmentId,
        sending: Sending,
        context: &Context,
    ) -> Result<AttachmentRef, Error> {
        let stream = StreamId::Attachment(id);
        let command = AttachmentCommand::Attach { by, conversation, sending, at: context.now };
        // the message's key belongs to the message
        match self.0.attachments.execute(stream, &command, &context.without_key()).await {
            Ok(_) => {}
            Err(Error::Refused(Refusal::Attachment(refusal))) => return Err(Error::Attachment { id, refusal }),
            Err(error) => return Err(error),
        }
        let key = self.0.attachments.peek(stream, |file| file.as_ref().map(|file| file.key)).await?;
        let refusal = AttachmentRefusal::NoSuchAttachment;
        key.map(|key| AttachmentRef { id, key }).ok_or(Error::Attachment { id, refusal })
    }

    /// Lets other messages have files again whose message was refused. Where that fails they are collected in time.
    pub(crate) async fn give_files_back(&self, claimed: Claimed, context: &Context) {
        let Claimed { sending, files } = claimed;
        for AttachmentRef { id, .. } in files {
            let command = AttachmentCommand::Detach { sending, at: context.now };
            let stream = StreamId::Attachment(id);
            if let Err(error) = self.0.attachments.execute(stream, &command, &context.without_key()).await {
                tracing::warn!(%error, attachment = %id, "an attachment could not be given back");
            }
        }
    }

    /// What is attached to a message.
    pub(crate) async fn files_of(&self, sent: &MessageSent) -> Result<Vec<File>, Error> {
        self.files(&sent.attachments).await
    }

    /// What files are, in this order.
    pub async fn files(&self, of: &[AttachmentRef]) -> Result<Vec<File>, Error> {
        let mut files = Vec::with_capacity(of.len());
        for AttachmentRef { id, .. } in of {
            let stream = StreamId::Attachment(*id);
            let details = self.0.attachments.peek(stream, |file| file.as_ref()?.details.clone()).await?;
            files.push(File { id: *id, details });
        }
        Ok(files)
    }
}

const fn removed(event: &AttachmentEvent) -> Option<KeyId> {
    match event {
        AttachmentEvent::Removed(event) => Some(event.key),
        AttachmentEvent::Uploaded(_) | AttachmentEvent::Attached(_) | AttachmentEvent::Detached(_) => None,
    }
}
