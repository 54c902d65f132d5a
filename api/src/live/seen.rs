//! What somebody may see of a stretch of the log.

use std::collections::{HashMap, HashSet};

use tidings_domain::{ConversationId, StreamId, Timestamp, UserId, WebhookId};
use tidings_event_store::Position;
use tidings_projections::model::Membership;

use super::{
    happened::{Told, Whom},
    render::{Happened, RenderError, Renderer},
};

/// Something to tell a viewer: its place, from which it is rendered when its turn comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) position: Position,
    /// When the log took it.
    pub(crate) at: Timestamp,
    pub(super) told: Told,
}

impl Seen {
    /// The event's name.
    pub(crate) const fn event(&self) -> &'static str {
        self.told.event()
    }

    /// The conversation it happened in, if it was in one.
    pub(crate) const fn conversation(&self) -> Option<ConversationId> {
        match self.told.whom() {
            Whom::In(conversation, _) => Some(conversation),
            Whom::One(_) | Whom::Both(_) | Whom::OwnerOf(_) => None,
        }
    }
}

/// What is the viewer's.
struct Theirs {
    viewer: UserId,
    conversations: HashMap<ConversationId, Membership>,
    webhooks: HashSet<WebhookId>,
}

impl Theirs {
    fn may_have(&self, stream: &StreamId) -> bool {
        match stream {
            StreamId::Conversation(conversation) | StreamId::Reader(conversation, _) => {
                self.conversations.contains_key(conversation)
            }
            StreamId::Message(id) => self.conversations.contains_key(&id.conversation),
            StreamId::Contact(pair) => pair.other(self.viewer).is_some(),
            StreamId::Devices(owner) => *owner == self.viewer,
            StreamId::Webhook(id) => self.webhooks.contains(id),
            StreamId::User(_)
            | StreamId::Login(..)
            | StreamId::Session(_)
            | StreamId::Attachment(_)
            | StreamId::Request(_)
            | StreamId::Factor(_)
            | StreamId::Attempts(_)
            | StreamId::Schedule(_)
            | StreamId::Access(_)
            | StreamId::Holds => false,
        }
    }

    fn seen(&self, happened: &Happened) -> Option<Seen> {
        let (position, told) = (happened.position, happened.told?);
        let in_time = |membership: &Membership| membership.left_position.is_none_or(|left| position <= left);
        let concerned = match told.whom() {
            Whom::In(conversation, only) => {
                self.conversations.get(&conversation).is_some_and(in_time)
                    && only.is_none_or(|only| only == self.viewer)
            }
            Whom::One(user) => user == self.viewer,
            Whom::Both(pair) => pair.other(self.viewer).is_some(),
            Whom::OwnerOf(webhook) => self.webhooks.contains(&webhook),
        };
        concerned.then_some(Seen { position, at: happened.at, told })
    }
}

impl Renderer {
    /// What a viewer may see of the next events after a position, and up to where these reach, at most to `to`.
    pub(super) async fn seen(
        &self,
        viewer: UserId,
        after: Position,
        to: Position,
        limit: usize,
    ) -> Result<(Vec<Seen>, Position), RenderError> {
        let page = self.page(after, limit).await?;
        let memberships = self.queries().memberships(viewer).await?;
        let conversations = memberships.into_iter().map(|membership| (membership.conversation, membership)).collect();
        let webhooks = self.queries().webhooks(viewer).await?.into_iter().map(|webhook| webhook.id).collect();
        let theirs = Theirs { viewer, conversations, webhooks };
        let mut seen = Vec::new();
        for recorded in page.events.iter().take_while(|recorded| recorded.position <= to) {
            if recorded.stream.id().is_ok_and(|stream| theirs.may_have(&stream))
                && let Some(happened) = self.understand(recorded).await
            {
                seen.extend(theirs.seen(&happened));
            }
        }
        Ok((seen, if page.scanned_to > after { page.scanned_to.min(to) } else { to }))
    }
}
