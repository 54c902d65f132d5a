//! Messages that were just sent, rendered once for everybody.

use std::{collections::HashMap, sync::Arc};

use tidings_domain::{MessageId, UserId};
use tidings_event_store::Position;
use tidings_projections::model::Message;

use super::{
    Pushed,
    happened::Told,
    render::{Happened, RenderError, Renderer},
};
use crate::routes::MessageBody;

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
