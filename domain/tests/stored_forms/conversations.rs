//! Events of conversations and messages.

use tidings_domain::{
    ConversationId, Personal, ScheduledId,
    conversation::{
        ConversationEvent, ConversationKind, ConversationRenamed, ConversationStarted, DirectBlocksChanged,
        MemberAdded, MemberRemoved, MemberRole, MemberRoleChanged, MessageContent, MessageSent,
    },
    message::{
        MessageDeleted, MessageEdited, MessageEvent, MessagePinned, MessageUnpinned, ReactionAdded, ReactionRemoved,
    },
    schedule::{
        MessageScheduled, Place, ScheduleEvent, ScheduledMessageCancelled, ScheduledMessageFailed,
        ScheduledMessageReleased, ScheduledMessageSent,
    },
    values::ContentType,
};
use uuid::Uuid;

use crate::examples::{AT, AUTHOR_KEY, KEY, user, valid};

fn full() -> Personal<MessageContent> {
    Personal::Clear(MessageContent { subject: Some(valid("greeting")), body: Some(valid("hello\n\"wörld\" 👋")) })
}

fn bare() -> Personal<MessageContent> {
    Personal::Clear(MessageContent { subject: None, body: None })
}

pub(crate) fn conversations() -> Vec<ConversationEvent> {
    let started = |kind, name| {
        let members = vec![user(1), user(2)];
        ConversationStarted { kind, by: user(1), members, key: KEY, at: AT, name: Personal::Clear(name) }
    };
    let became = |role| MemberRoleChanged { user: user(2), role, by: user(1), at: AT };
    let sent = MessageSent {
        seq: 7,
        sender: user(1),
        at: AT,
        key: KEY,
        author_key: AUTHOR_KEY,
        content_type: valid("text/markdown; charset=utf-8"),
        reply_to: Some(3),
        mentions: vec![user(2), user(3)],
        content: full(),
    };
    let bare_sent = MessageSent {
        content_type: ContentType::plain_text(),
        reply_to: None,
        mentions: vec![],
        content: bare(),
        ..sent.clone()
    };
    vec![
        started(ConversationKind::Group, Some(valid("Engines"))).into(),
        started(ConversationKind::Direct, None).into(),
        ConversationRenamed { by: user(1), key: KEY, at: AT, name: Personal::Clear(valid("Looms")) }.into(),
        MemberAdded { user: user(2), role: MemberRole::Member, by: user(1), at: AT }.into(),
        MemberRemoved { user: user(2), by: user(1), at: AT }.into(),
        became(MemberRole::Member).into(),
        became(MemberRole::Admin).into(),
        became(MemberRole::Owner).into(),
        DirectBlocksChanged { blocked_by: vec![user(1), user(2)], changes: 3, at: AT }.into(),
        DirectBlocksChanged { blocked_by: vec![], changes: 4, at: AT }.into(),
        sent.into(),
        bare_sent.into(),
    ]
}

pub(crate) fn messages() -> Vec<MessageEvent> {
    let edited = |mentions, content| {
        MessageEvent::from(MessageEdited { by: user(1), at: AT, key: KEY, author_key: AUTHOR_KEY, mentions, content })
    };
    vec![
        edited(vec![user(2)], full()),
        edited(vec![], bare()),
        MessageDeleted { by: user(1), at: AT, key: KEY }.into(),
        ReactionAdded { user: user(2), emoji: valid("❤️"), at: AT }.into(),
        ReactionRemoved { user: user(2), emoji: valid("❤️"), at: AT }.into(),
        MessagePinned { by: user(1), at: AT }.into(),
        MessageUnpinned { by: user(1), at: AT }.into(),
    ]
}

pub(crate) fn schedules() -> Vec<ScheduleEvent> {
    let id = ScheduledId::new(Uuid::from_u128(0x5c4e));
    let added = MessageScheduled {
        id,
        conversation: ConversationId::new(Uuid::from_u128(3)),
        to: vec![user(2), user(3)],
        key: KEY,
        author_key: AUTHOR_KEY,
        content_type: valid("text/markdown; charset=utf-8"),
        reply_to: Some(Place { seq: 3, version: 5 }),
        send_at: AT.plus_millis(60_000),
        at: AT,
        content: full(),
    };
    let bare_added = MessageScheduled {
        to: vec![],
        content_type: ContentType::plain_text(),
        reply_to: None,
        content: bare(),
        ..added.clone()
    };
    vec![
        added.into(),
        bare_added.into(),
        ScheduledMessageCancelled { id, key: KEY, at: AT }.into(),
        ScheduledMessageReleased { id, at: AT }.into(),
        ScheduledMessageSent { id, key: KEY, message: Place { seq: 8, version: 11 }, at: AT }.into(),
        ScheduledMessageFailed { id, reason: "not-a-member".to_owned(), at: AT }.into(),
    ]
}
