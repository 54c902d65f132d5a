//! What an event of the log means to those who listen.

use tidings_domain::{
    ConversationId, Event, MessageId, Pair, SessionId, StreamId, UserId, WebhookId,
    contact::ContactEvent,
    conversation::ConversationEvent,
    devices::{DevicesEvent, FEW_KEY_PACKAGES},
    message::MessageEvent,
    reader::ReaderEvent,
    session::SessionEvent,
    user::UserEvent,
    webhook::WebhookEvent,
};

/// Something to tell, and to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// A message was sent.
    Message { id: MessageId, sender: UserId },
    /// A message is not what it was.
    Changed { id: MessageId, event: &'static str },
    /// The conversation was started or is called otherwise.
    Conversation(ConversationId),
    /// Somebody came, went, or has another role.
    Member { conversation: ConversationId, user: UserId },
    /// Somebody has read, or got, more.
    Mark { conversation: ConversationId, user: UserId, event: &'static str },
    /// Somebody's own count changed.
    OwnCount { conversation: ConversationId, user: UserId },
    /// Somebody's own settings changed.
    OwnSettings { conversation: ConversationId, user: UserId },
    /// Somebody has hidden a message for themselves.
    OwnHidden { conversation: ConversationId, user: UserId, seq: u64 },
    /// Two people are not to each other what they were.
    Contact(Pair),
    /// Few key packages of somebody's own device are left.
    OwnKeyPackages { user: UserId, device: u32 },
    /// A webhook is not what it was. Whose it is, its own state says.
    Webhook(WebhookId),
}

/// Whom something concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whom {
    /// Those in a conversation, or the only one of them.
    In(ConversationId, Option<UserId>),
    /// This one.
    One(UserId),
    /// These two.
    Both(Pair),
    /// Whoever owns this webhook.
    OwnerOf(WebhookId),
}

impl Told {
    /// Whom it concerns.
    pub(super) const fn whom(&self) -> Whom {
        match self {
            Self::Message { id, .. } | Self::Changed { id, .. } => Whom::In(id.conversation, None),
            Self::Conversation(conversation) | Self::Member { conversation, .. } | Self::Mark { conversation, .. } => {
                Whom::In(*conversation, None)
            }
            Self::OwnCount { conversation, user }
            | Self::OwnSettings { conversation, user }
            | Self::OwnHidden { conversation, user, .. } => Whom::In(*conversation, Some(*user)),
            Self::Contact(pair) => Whom::Both(*pair),
            Self::Webhook(id) => Whom::OwnerOf(*id),
            Self::OwnKeyPackages { user, .. } => Whom::One(*user),
        }
    }

    /// The event's name.
    pub(super) const fn event(&self) -> &'static str {
        match self {
            Self::Message { .. } => "message",
            Self::Changed { event, .. } | Self::Mark { event, .. } => event,
            Self::Conversation(_) | Self::OwnSettings { .. } => "conversation",
            Self::Member { .. } => "member",
            Self::OwnCount { .. } => "read",
            Self::OwnHidden { .. } => "message_deleted",
            Self::Contact(_) => "contact",
            Self::Webhook(_) => "webhook",
            Self::OwnKeyPackages { .. } => "key_packages",
        }
    }
}

/// What an event changes about who listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Membership {
    /// These are in the conversation from here on.
    Joined(ConversationId, Vec<UserId>),
    /// This one is not, after this.
    Left(ConversationId, UserId),
    /// This session is over.
    SessionOver(UserId, SessionId),
    /// All sessions of this account are over, but perhaps one.
    AccountOver(UserId, Option<SessionId>),
}

/// The meaning of an event. `version` is its place in its stream.
pub(super) fn meaning(stream: &StreamId, version: u64, event: &Event) -> (Option<Told>, Option<Membership>) {
    match (stream, event) {
        (StreamId::Conversation(conversation), Event::Conversation(event)) => {
            of_conversation(*conversation, version, event)
        }
        (StreamId::Message(id), Event::Message(event)) => (of_message(*id, event), None),
        (StreamId::Reader(conversation, user), Event::Reader(event)) => {
            (Some(of_reader(*conversation, *user, event)), None)
        }
        (StreamId::Session(session), Event::Session(event)) => (None, of_session(*session, event)),
        (StreamId::User(user), Event::User(event)) => (None, of_user(*user, event)),
        (StreamId::Contact(pair), Event::Contact(event)) => (of_contact(*pair, event), None),
        (StreamId::Devices(user), Event::Devices(event)) => (of_devices(*user, event), None),
        (StreamId::Webhook(id), Event::Webhook(event)) => (of_webhook(*id, event), None),
        (
            StreamId::User(_)
            | StreamId::Login(..)
            | StreamId::Session(_)
            | StreamId::Conversation(_)
            | StreamId::Message(_)
            | StreamId::Reader(..)
            | StreamId::Attachment(_)
            | StreamId::Request(_)
            | StreamId::Contact(_)
            | StreamId::Factor(_)
            | StreamId::Devices(_)
            | StreamId::Attempts(_)
            | StreamId::Schedule(_)
            | StreamId::Webhook(_)
            | StreamId::Access(_)
            | StreamId::Holds,
            _,
        ) => (None, None),
    }
}

fn of_conversation(
    conversation: ConversationId,
    version: u64,
    event: &ConversationEvent,
) -> (Option<Told>, Option<Membership>) {
    let member = |user| Some(Told::Member { conversation, user });
    match event {
        ConversationEvent::MessageSent(event) => {
            let id = MessageId { conversation, seq: event.seq, version };
            (Some(Told::Message { id, sender: event.sender }), None)
        }
        ConversationEvent::Started(event) => {
            (Some(Told::Conversation(conversation)), Some(Membership::Joined(conversation, event.members.clone())))
        }
        ConversationEvent::Renamed(_) => (Some(Told::Conversation(conversation)), None),
        ConversationEvent::MemberAdded(event) => {
            (member(event.user), Some(Membership::Joined(conversation, vec![event.user])))
        }
        ConversationEvent::MemberRemoved(event) => {
            (member(event.user), Some(Membership::Left(conversation, event.user)))
        }
        ConversationEvent::MemberRoleChanged(event) => (member(event.user), None),
        ConversationEvent::BlocksChanged(_) | ConversationEvent::RetentionChanged(_) => (None, None),
    }
}

/// That a block ended a contact looks like any other end of it; of the block itself nobody is told.
const fn of_contact(pair: Pair, event: &ContactEvent) -> Option<Told> {
    match event {
        ContactEvent::Requested(_) | ContactEvent::Accepted(_) | ContactEvent::Ended(_) => Some(Told::Contact(pair)),
        ContactEvent::Blocked(_) | ContactEvent::Unblocked(_) => None,
    }
}

const fn of_message(id: MessageId, event: &MessageEvent) -> Option<Told> {
    let event = match event {
        // a pin is a change of the message like any other
        MessageEvent::Edited(_) | MessageEvent::Pinned(_) | MessageEvent::Unpinned(_) => "message_edited",
        MessageEvent::Deleted(_) => "message_deleted",
        MessageEvent::ReactionAdded(_) | MessageEvent::ReactionRemoved(_) => "reaction",
        // they know that it is deleted
        MessageEvent::Erased(_) => return None,
    };
    Some(Told::Changed { id, event })
}

const fn of_reader(conversation: ConversationId, user: UserId, event: &ReaderEvent) -> Told {
    match event {
        ReaderEvent::ReadUpTo(_) => Told::Mark { conversation, user, event: "read" },
        ReaderEvent::DeliveredUpTo(_) => Told::Mark { conversation, user, event: "delivered" },
        ReaderEvent::MarkedRead(_) | ReaderEvent::MarkedUnread(_) => Told::OwnCount { conversation, user },
        ReaderEvent::Hidden(event) => Told::OwnHidden { conversation, user, seq: event.seq },
        ReaderEvent::SettingsChanged(_) => Told::OwnSettings { conversation, user },
    }
}

/// Claims are others' doing: their owner is told when it is time to publish more.
const fn of_devices(user: UserId, event: &DevicesEvent) -> Option<Told> {
    match event {
        DevicesEvent::Claimed(event) if event.left <= FEW_KEY_PACKAGES => {
            Some(Told::OwnKeyPackages { user, device: event.device })
        }
        DevicesEvent::Claimed(_) | DevicesEvent::Published(_) | DevicesEvent::Removed(_) => None,
    }
}

/// Only what its owner did not do, and should know.
const fn of_webhook(id: WebhookId, event: &WebhookEvent) -> Option<Told> {
    match event {
        WebhookEvent::Paused(_) | WebhookEvent::Failing(_) => Some(Told::Webhook(id)),
        WebhookEvent::Created(_)
        | WebhookEvent::Changed(_)
        | WebhookEvent::SecretRotated(_)
        | WebhookEvent::Resumed(_)
        | WebhookEvent::Moved(_)
        | WebhookEvent::Delivered(_)
        | WebhookEvent::Deleted(_) => None,
    }
}

const fn of_session(session: SessionId, event: &SessionEvent) -> Option<Membership> {
    match event {
        SessionEvent::Closed(event) => Some(Membership::SessionOver(event.user, session)),
        SessionEvent::Opened(_) | SessionEvent::Refreshed(_) => None,
    }
}

const fn of_user(user: UserId, event: &UserEvent) -> Option<Membership> {
    match event {
        UserEvent::PasswordChanged(event) => Some(Membership::AccountOver(user, event.kept)),
        UserEvent::Suspended(_) | UserEvent::Closed(_) => Some(Membership::AccountOver(user, None)),
        UserEvent::Registered(_)
        | UserEvent::ProfileChanged(_)
        | UserEvent::RoleGranted(_)
        | UserEvent::RoleRevoked(_)
        | UserEvent::Reinstated(_)
        | UserEvent::Erased(_) => None,
    }
}
