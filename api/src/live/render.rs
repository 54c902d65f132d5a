//! Events as their viewers see them, from the views.

use std::sync::Arc;

use serde::Serialize;
use tidings_domain::{
    ConversationId, Event, MessageId, StreamId, Timestamp, UserId, WebhookId,
    conversation::{ConversationEvent, MemberRole},
};
use tidings_event_store::{Codec, EventStore, Filter, Page, Position, RecordedEvent, StoreError};
use tidings_projections::{
    Queries, QueryError,
    model::{ConversationAccess, MemberRow, User},
};

use super::{
    Pushed,
    happened::{Membership, Told, meaning},
};
use crate::routes::{
    ContactBody, ConversationBody, DeviceBody, MessageBody, Profile, UserRefBody, WebhookBody, shown, shown_option,
};

/// What is pushed, in order: streams of these categories.
const CATEGORIES: [&str; 8] = ["contact", "conversation", "message", "reader", "session", "user", "devices", "webhook"];

/// Why something cannot be pushed now. Whoever it was for resumes later.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RenderError {
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Command(#[from] tidings_commands::Error),
    #[error("an event has no JSON form: {0}")]
    Json(#[from] serde_json::Error),
}

/// An event that means something to those who listen.
#[derive(Debug)]
pub(super) struct Happened {
    pub(super) position: Position,
    pub(super) at: Timestamp,
    pub(super) told: Option<Told>,
    pub(super) membership: Option<Membership>,
}

/// Reads the log and asks the views.
pub(super) struct Renderer {
    store: Arc<dyn EventStore>,
    codec: Codec,
    queries: Arc<dyn Queries>,
}

/// A member with the conversation.
#[derive(Serialize)]
struct MemberPushed {
    #[serde(serialize_with = "shown")]
    conversation_id: ConversationId,
    user: UserRefBody,
    /// `null` for one who is not in it any more.
    role: Option<MemberRole>,
    #[serde(serialize_with = "shown_option")]
    joined_at: Option<Timestamp>,
    #[serde(serialize_with = "shown_option")]
    read_up_to: Option<MessageId>,
    #[serde(serialize_with = "shown_option")]
    delivered_up_to: Option<MessageId>,
    /// The viewer's own count, where it is the viewer's own mark.
    #[serde(skip_serializing_if = "Option::is_none")]
    unread: Option<u64>,
}

#[derive(Serialize)]
struct HiddenPushed {
    #[serde(serialize_with = "shown")]
    conversation_id: ConversationId,
    seq: u64,
}

#[derive(Serialize)]
struct TypingPushed {
    #[serde(serialize_with = "shown")]
    conversation_id: ConversationId,
    user: UserRefBody,
}

/// Somebody who is no contact any more, nor asks to be one.
#[derive(Serialize)]
struct NoContactPushed {
    user: Profile,
    state: Option<&'static str>,
    #[serde(serialize_with = "shown_option")]
    since: Option<Timestamp>,
}

#[derive(Serialize)]
struct PresencePushed {
    user: UserRefBody,
    online: bool,
    #[serde(serialize_with = "shown")]
    since: Timestamp,
}

type Rendered = Result<Option<Arc<str>>, RenderError>;

fn json(value: &impl Serialize) -> Rendered {
    Ok(Some(serde_json::to_string(value)?.into()))
}

impl Renderer {
    pub(super) fn new(store: Arc<dyn EventStore>, codec: Codec, queries: Arc<dyn Queries>) -> Self {
        Self { store, codec, queries }
    }

    pub(super) fn queries(&self) -> &dyn Queries {
        self.queries.as_ref()
    }

    /// A stretch of what may be pushed.
    pub(super) async fn page(&self, after: Position, limit: usize) -> Result<Page, StoreError> {
        self.store.read_all(after, &Filter::Categories(CATEGORIES.to_vec()), limit).await
    }

    /// What happened in a conversation, with what is personal in it; none where it cannot be read.
    pub(super) async fn open(&self, recorded: &RecordedEvent) -> Option<ConversationEvent> {
        self.codec.open(recorded, |_| true).await.ok()
    }

    /// What an event means. One that cannot be read means nothing to those who listen; the views report it.
    pub(super) async fn understand(&self, recorded: &RecordedEvent) -> Option<Happened> {
        let stream: StreamId = recorded.stream.id().ok()?;
        // what is personal is rendered from the views: nothing has to be opened
        let event: Event = self.codec.open(recorded, |_| false).await.ok()?;
        let (told, membership) = meaning(&stream, recorded.version, &event);
        Some(Happened { position: recorded.position, at: recorded.recorded_at, told, membership })
    }

    /// What to push to this viewer, who is or was in the conversation; none for what they may not see, or not any more.
    pub(super) async fn render(
        &self,
        viewer: UserId,
        position: Position,
        told: &Told,
    ) -> Result<Option<Pushed>, RenderError> {
        let data = match told {
            Told::Message { id, .. } | Told::Changed { id, .. } => self.message(viewer, *id).await?,
            Told::Conversation(id) => self.conversation(viewer, *id).await?,
            Told::OwnSettings { conversation, .. } => self.conversation(viewer, *conversation).await?,
            Told::Member { conversation, user }
            | Told::Mark { conversation, user, .. }
            | Told::OwnCount { conversation, user } => self.member(viewer, *conversation, *user).await?,
            Told::Contact(pair) => self.contact(viewer, pair.other(viewer)).await?,
            Told::OwnHidden { conversation, seq, .. } => {
                json(&HiddenPushed { conversation_id: *conversation, seq: *seq })?
            }
            Told::OwnKeyPackages { user, device } => self.device(*user, *device).await?,
            Told::Webhook(id) => self.webhook(viewer, *id).await?,
        };
        let arrived = match told {
            Told::Message { id, sender } if *sender != viewer => Some(*id),
            Told::Message { .. }
            | Told::Changed { .. }
            | Told::Conversation(_)
            | Told::Member { .. }
            | Told::Mark { .. }
            | Told::OwnCount { .. }
            | Told::OwnSettings { .. }
            | Told::OwnHidden { .. }
            | Told::Contact(_)
            | Told::OwnKeyPackages { .. }
            | Told::Webhook(_) => None,
        };
        Ok(data.map(|data| Pushed { position: Some(position), event: told.event(), data, arrived }))
    }

    async fn message(&self, viewer: UserId, id: MessageId) -> Rendered {
        match self.queries.message(viewer, id).await? {
            Some(message) => json(&MessageBody::from(message)),
            None => Ok(None),
        }
    }

    async fn conversation(&self, viewer: UserId, id: ConversationId) -> Rendered {
        match self.queries.conversation(viewer, id).await? {
            ConversationAccess::Member(conversation) | ConversationAccess::Former(conversation) => {
                json(&ConversationBody::from(*conversation))
            }
            ConversationAccess::NeverMember | ConversationAccess::Missing => Ok(None),
        }
    }

    async fn member(&self, viewer: UserId, conversation: ConversationId, user: UserId) -> Rendered {
        let own = viewer == user;
        let unread = if own { Some(self.queries.unread(user, conversation).await?) } else { None };
        match self.queries.member(conversation, user).await? {
            Some(MemberRow { user, role, joined_at, read_up_to, delivered_up_to }) => json(&MemberPushed {
                conversation_id: conversation,
                user: user.into(),
                role: Some(role),
                joined_at: Some(joined_at),
                read_up_to,
                delivered_up_to,
                unread,
            }),
            None => json(&MemberPushed {
                conversation_id: conversation,
                user: self.named(user).await?,
                role: None,
                joined_at: None,
                read_up_to: None,
                delivered_up_to: None,
                unread,
            }),
        }
    }

    async fn contact(&self, viewer: UserId, other: Option<UserId>) -> Rendered {
        let Some(other) = other else { return Ok(None) };
        if let Some(contact) = self.queries.contact(viewer, other).await? {
            return json(&ContactBody::from(contact));
        }
        match self.queries.user(other).await? {
            Some(user) => json(&NoContactPushed { user: user.into(), state: None, since: None }),
            None => Ok(None),
        }
    }

    async fn device(&self, user: UserId, number: u32) -> Rendered {
        let devices = self.queries.devices(user).await?;
        match devices.into_iter().find(|device| device.number == number) {
            Some(device) => json(&DeviceBody::of_owner(device)),
            None => Ok(None),
        }
    }

    async fn webhook(&self, viewer: UserId, id: WebhookId) -> Rendered {
        let theirs = self.queries.webhooks(viewer).await?;
        match theirs.into_iter().find(|webhook| webhook.id == id) {
            Some(webhook) => json(&WebhookBody::from(webhook)),
            None => Ok(None),
        }
    }

    async fn named(&self, user: UserId) -> Result<UserRefBody, QueryError> {
        let username = self.queries.user(user).await?.and_then(|user| user.username);
        Ok(UserRefBody { id: user, username })
    }

    /// A sign of typing, the same for all.
    pub(super) async fn typing(&self, conversation: ConversationId, user: UserId) -> Result<Pushed, RenderError> {
        let typing = TypingPushed { conversation_id: conversation, user: self.named(user).await? };
        Ok(Pushed { position: None, event: "typing", data: serde_json::to_string(&typing)?.into(), arrived: None })
    }
}

/// Whether somebody is here, since when; or gone, as of now.
pub(super) fn presence(user: &User, here: Option<Timestamp>, now: Timestamp) -> Result<Pushed, RenderError> {
    let user = UserRefBody { id: user.id, username: user.username.clone() };
    let presence = PresencePushed { user, online: here.is_some(), since: here.unwrap_or(now) };
    Ok(Pushed { position: None, event: "presence", data: serde_json::to_string(&presence)?.into(), arrived: None })
}
