//! Messages that were just sent, rendered once for everybody: from the event alone where that says all there is to show, or else
//! from the views.

use std::{collections::HashMap, sync::Arc};

use tidings_domain::{
    MessageId, Personal, StreamId, UserId,
    conversation::{ConversationEvent, MessageSent},
};
use tidings_event_store::{Position, RecordedEvent};
use tidings_projections::model::{Message, UserRef};

use super::{
    Pushed,
    happened::Told,
    hub::Hub,
    render::{Happened, RenderError, Renderer},
};
use crate::routes::MessageBody;

/// Whether it says that a message was sent, of which there are more than of all else.
pub(super) fn is_message(recorded: &RecordedEvent) -> bool {
    &*recorded.name == "message_sent"
}

/// A message that was just sent.
#[derive(Debug)]
pub(super) struct Fresh {
    sender: UserId,
    id: MessageId,
    own: Arc<str>,
    others: Arc<str>,
}

impl Fresh {
    fn of(sender: UserId, message: Message) -> Result<Self, RenderError> {
        let id = message.id;
        let mut body = MessageBody::from(message);
        let own = serde_json::to_string(&body)?.into();
        body.read = false;
        Ok(Self { sender, id, own, others: serde_json::to_string(&body)?.into() })
    }

    pub(super) const fn id(&self) -> MessageId {
        self.id
    }

    pub(super) fn as_seen_by(&self, viewer: UserId, position: Position) -> Pushed {
        let (data, arrived) =
            if viewer == self.sender { (self.own.clone(), None) } else { (self.others.clone(), Some(self.id)) };
        Pushed { position: Some(position), event: "message", data, arrived }
    }
}

impl Renderer {
    /// The messages that were just sent, each rendered once for all: it is unread for everybody but its sender. Left out are
    /// those with which it is not as simple as that.
    pub(super) async fn all_fresh(
        &self,
        happened: impl Iterator<Item = &Happened>,
    ) -> Result<HashMap<MessageId, Fresh>, RenderError> {
        let mut sent: HashMap<UserId, Vec<MessageId>> = HashMap::new();
        for happened in happened {
            if let Some(Told::Message { id, sender }) = happened.told {
                sent.entry(sender).or_default().push(id);
            }
        }
        let mut all = HashMap::new();
        for (sender, ids) in sent {
            let places: Vec<_> = ids.iter().map(|id| (id.conversation, id.seq)).collect();
            for (id, message) in ids.into_iter().zip(self.queries().messages_at(sender, &places).await?) {
                let simple = |message: &Message| {
                    message.id == id && message.deleted_at.is_none() && message.reactions.is_empty()
                };
                if let Some(message) = message.filter(simple) {
                    all.insert(id, Fresh::of(sender, message)?);
                }
            }
        }
        Ok(all)
    }
}

impl Hub {
    /// The message that an event says was sent, if nothing has to be looked up for it but its sender's name: nothing answered,
    /// mentioned or attached. None where the views are needed, also where its key is destroyed by now.
    pub(super) async fn just_sent(&self, recorded: &RecordedEvent) -> Result<Option<Fresh>, RenderError> {
        let Ok(StreamId::Conversation(conversation)) = recorded.stream.id() else { return Ok(None) };
        let Some(ConversationEvent::MessageSent(sent)) = self.renderer.open(recorded).await else { return Ok(None) };
        let id = MessageId { conversation, seq: sent.seq, version: recorded.version };
        let sender = sent.sender;
        let Some(account) = self.commands.account(sender).await? else { return Ok(None) };
        // nobody is called otherwise later; one whose account is closed has no name and leaves no messages
        let Some(identity) = account.identity else { return Ok(None) };
        let sender_ref = UserRef { id: sender, username: Some(identity.username.as_str().to_owned()) };
        simple(id, sender_ref, sent).map(|message| Fresh::of(sender, message)).transpose()
    }
}

/// As its sender sees it.
fn simple(id: MessageId, sender: UserRef, sent: MessageSent) -> Option<Message> {
    let alone = sent.reply_to.is_none() && sent.mentions.is_empty() && sent.attachments.is_empty();
    let Personal::Clear(content) = sent.content else { return None };
    alone.then(|| Message {
        id,
        sender,
        subject: content.subject.map(|subject| subject.as_str().to_owned()),
        body: content.body.map(|body| body.as_str().to_owned()),
        content_type: sent.content_type.as_str().to_owned(),
        reply_to: None,
        mentions: vec![],
        attachments: vec![],
        reactions: vec![],
        created_at: sent.at,
        edited_at: None,
        deleted_at: None,
        read: true,
        pinned: false,
    })
}
