//! Events of conversations and messages.

use tidings_domain::{
    ConversationId, Personal, ScheduledId,
    attachment::{
        AttachmentAttached, AttachmentDetached, AttachmentDetails, AttachmentEvent, AttachmentRef, AttachmentRemoved,
        AttachmentUploaded, Dimensions, Sending, Thumbnail,
    },
    conversation::{
        ConversationEvent, ConversationKind, ConversationRenamed, ConversationStarted, DirectBlocksChanged,
        MemberAdded, MemberRemoved, MemberRole, MemberRoleChanged, MessageContent, MessageSent, RetentionChanged,
    },
    message::{
        ErasureReason, MessageDeleted, MessageEdited, MessageErased, MessageEvent, MessagePinned, MessageUnpinned,
        ReactionAdded, ReactionRemoved,
    },
    schedule::{
        MessageScheduled, Place, ScheduleEvent, ScheduledMessageCancelled, ScheduledMessageFailed,
        ScheduledMessageReleased, ScheduledMessageSent,
    },
    values::{ContentType, Retention},
};
use uuid::Uuid;

use crate::examples::{AT, AUTHOR_KEY, KEY, attachment, user, valid};

fn full() -> Personal<MessageContent> {
    Personal::Clear(MessageContent { subject: Some(valid("greeting")), body: Some(valid("hello\n\"wörld\" 👋")) })
}

fn bare() -> Personal<MessageContent> {
    Personal::Clear(MessageContent { subject: None, body: None })
}

fn attached() -> Vec<AttachmentRef> {
    vec![AttachmentRef { id: attachment(), key: KEY }]
}

/// Of an uploaded file.
pub(crate) fn attachments() -> Vec<AttachmentEvent> {
    let conversation = ConversationId::new(Uuid::from_u128(3));
    let uploaded = |details| AttachmentUploaded {
        uploader: user(1),
        at: AT,
        key: KEY,
        author_key: AUTHOR_KEY,
        details: Personal::Clear(details),
    };
    let thumbnail = Thumbnail { media_type: valid("image/jpeg"), size: 4_000, width: 320, height: 200 };
    let picture = AttachmentDetails {
        name: Some(valid("Müller.png")),
        media_type: valid("image/png"),
        size: 70_000,
        dimensions: Some(Dimensions { width: 640, height: 400 }),
        thumbnail: Some(thumbnail),
    };
    let plain = AttachmentDetails {
        name: None,
        media_type: valid("application/octet-stream"),
        size: 1,
        dimensions: None,
        thumbnail: None,
    };
    let sending = Sending::from([7; 16]);
    vec![
        uploaded(picture).into(),
        uploaded(plain).into(),
        AttachmentAttached { conversation, sending, at: AT }.into(),
        AttachmentDetached { sending, at: AT }.into(),
        AttachmentRemoved { key: KEY, at: AT }.into(),
    ]
}

pub(crate) fn conversations() -> Vec<ConversationEvent> {
    let started = |kind, name| {
        let members = vec![user(1), user(2)];
        ConversationStarted { kind, by: user(1), members, key: KEY, at: AT, name: Personal::Clear(name) }
    };
    let kept = Retention::of_days(30).expect("so long is possible");
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
        attachments: vec![],
        content: full(),
    };
    let with_attachments = MessageSent { attachments: attached(), ..sent.clone() };
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
        RetentionChanged { by: user(1), retention: Some(kept), at: AT }.into(),
        RetentionChanged { by: user(1), retention: None, at: AT }.into(),
        sent.into(),
        bare_sent.into(),
        with_attachments.into(),
    ]
}

pub(crate) fn messages() -> Vec<MessageEvent> {
    let edited = |mentions, content| {
        MessageEvent::from(MessageEdited { by: user(1), at: AT, key: KEY, author_key: AUTHOR_KEY, mentions, content })
    };
    let deleted = |attachments| MessageDeleted { by: Some(user(1)), at: AT, key: KEY, attachments, retention: None };
    let kept = Retention::of_days(30).expect("so long is possible");
    let erased = MessageErased {
        reason: ErasureReason::DeletedBySender,
        by: Some(user(1)),
        asked_at: AT,
        at: AT.plus_millis(250),
        key: KEY,
        attachments: vec![],
    };
    vec![
        edited(vec![user(2)], full()),
        edited(vec![], bare()),
        deleted(vec![]).into(),
        deleted(attached()).into(),
        MessageDeleted { by: None, retention: Some(kept), ..deleted(vec![]) }.into(),
        erased.clone().into(),
        MessageErased { reason: ErasureReason::Retention, by: None, attachments: attached(), ..erased }.into(),
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
        attachments: attached(),
        send_at: AT.plus_millis(60_000),
        at: AT,
        content: full(),
    };
    let bare_added = MessageScheduled {
        to: vec![],
        content_type: ContentType::plain_text(),
        reply_to: None,
        attachments: vec![],
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
