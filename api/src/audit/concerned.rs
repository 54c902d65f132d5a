//! Whose the recorded events are that an auditor asks for.

use tidings_domain::{
    Event, StreamId, StreamName, UserId, access::ContentAccessed, attachment::AttachmentEvent, login::LoginEvent,
    session::SessionEvent, webhook::WebhookEvent,
};

use super::{Audit, Wanted, filter::caused_by};
use crate::problem::Problem;

impl Audit {
    /// An access to these events, with those whom it concerns.
    pub async fn concerning(&self, mut access: ContentAccessed, wanted: &Wanted) -> Result<ContentAccessed, Problem> {
        access.filter = Some(wanted.noted());
        access.users.extend(wanted.actor);
        match &wanted.stream {
            Some(stream) => self.of_stream(access, stream).await,
            None => Ok(ContentAccessed { everybody: wanted.actor.is_none(), ..access }),
        }
    }

    async fn of_stream(&self, mut access: ContentAccessed, stream: &StreamName) -> Result<ContentAccessed, Problem> {
        // what is none of ours is nobody's
        let Ok(id) = stream.id() else { return Ok(access) };
        match id {
            StreamId::Conversation(conversation) => access.conversation = Some(conversation),
            StreamId::Message(message) => {
                access.conversation = Some(message.conversation);
                access.message = Some(message);
            }
            StreamId::Contact(pair) => access.users.extend(pair.both()),
            StreamId::User(user)
            | StreamId::Factor(user)
            | StreamId::Devices(user)
            | StreamId::Schedule(user)
            | StreamId::Reader(_, user) => access.users.push(user),
            StreamId::Session(_)
            | StreamId::Login(..)
            | StreamId::Attachment(_)
            | StreamId::Request(_)
            | StreamId::Webhook(_) => access.users.extend(self.owner(stream).await?),
            // none of them says of whom it is
            StreamId::Attempts(_) | StreamId::Access(_) | StreamId::Holds => {}
        }
        Ok(access)
    }

    /// Whose a stream is, by its first event.
    async fn owner(&self, stream: &StreamName) -> Result<Option<UserId>, Problem> {
        let first = self.store.read_stream(stream, 0, 1).await?;
        let Some(recorded) = first.first() else { return Ok(None) };
        let opened = self.codec.open_stored(&first).await?.into_iter().next().and_then(Result::ok);
        Ok(opened.and_then(|opened| owner_of(&opened.event)).or_else(|| caused_by(recorded)))
    }
}

fn owner_of(event: &Event) -> Option<UserId> {
    match event {
        Event::Session(SessionEvent::Opened(event)) => Some(event.user),
        Event::Login(LoginEvent::Claimed(event)) => Some(event.user),
        Event::Attachment(AttachmentEvent::Uploaded(event)) => Some(event.uploader),
        Event::Webhook(WebhookEvent::Created(event)) => Some(event.owner),
        Event::Session(_)
        | Event::Login(_)
        | Event::Attachment(_)
        | Event::Webhook(_)
        | Event::User(_)
        | Event::Conversation(_)
        | Event::Message(_)
        | Event::Reader(_)
        | Event::Request(_)
        | Event::Contact(_)
        | Event::Factor(_)
        | Event::Devices(_)
        | Event::Attempts(_)
        | Event::Schedule(_)
        | Event::Hold(_)
        | Event::Access(_) => None,
    }
}
