//! What may be done to a message after it was sent.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    ErasureReason, MessageDeleted, MessageEdited, MessageErased, MessageEvent, MessagePinned, MessageUnpinned,
    ReactionAdded, ReactionRemoved,
};
use crate::{
    Decider, KeyId, Personal, Timestamp, UserId,
    attachment::AttachmentRef,
    conversation::MessageContent,
    values::{Emoji, Retention},
};

/// The most different emoji on one message.
pub const MAX_DIFFERENT_REACTIONS: usize = 100;

/// A message's state beyond its first event.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Message {
    /// Deleted for everyone.
    pub deleted: Option<Deletion>,
    /// Nothing of it is left anywhere.
    pub erased: bool,
    /// Pinned in its conversation.
    pub pinned: bool,
    /// How often it was edited.
    pub edits: u32,
    /// What the last edit made of it; none before the first.
    pub edited: Option<MessageContent>,
    reactions: BTreeMap<String, BTreeSet<UserId>>,
}

/// How a message was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deletion {
    /// By its sender; none where a rule did it.
    pub by: Option<UserId>,
    /// When.
    pub at: Timestamp,
}

/// What a command needs of the message's first event.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Who wrote it.
    pub sender: UserId,
    /// When.
    pub sent_at: Timestamp,
    /// The key of the message.
    pub key: KeyId,
    /// The sender's own key.
    pub author_key: KeyId,
    /// What is attached to it.
    pub attachments: Vec<AttachmentRef>,
    /// What it said first, if that is still readable.
    pub content: Personal<MessageContent>,
}

/// What may be asked of a message. That who asks can see it was checked before.
#[derive(Debug, Clone)]
pub struct MessageCommand {
    /// Who asks; the sender where nobody does.
    pub by: UserId,
    /// The message's first event.
    pub origin: Origin,
    /// Now.
    pub at: Timestamp,
    /// What.
    pub action: MessageAction,
}

/// See [`MessageCommand`].
#[derive(Debug, Clone, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum MessageAction {
    /// Write it anew.
    Edit {
        /// What it will say.
        content: MessageContent,
        /// The members it will mention.
        mentions: Vec<UserId>,
    },
    /// Delete it for everyone.
    Delete,
    /// Delete it for everyone, for it is older than what a rule keeps.
    Expire(Retention),
    /// Note that its key is destroyed, and that nothing of it is left.
    NoteErased,
    /// React to it.
    React(Emoji),
    /// Take a reaction back.
    Unreact(Emoji),
    /// Pin it. That who asks may was checked before.
    Pin,
    /// Unpin it. That who asks may was checked before.
    Unpin,
}

/// Why a message does not do what it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageRefusal {
    /// Only who wrote it may.
    #[error("only the sender may do this")]
    NotTheSender,
    /// It is deleted.
    #[error("this message was deleted")]
    Deleted,
    /// It is not as old as the rule says.
    #[error("this message is to be kept")]
    StillKept,
    /// It is not deleted.
    #[error("this message was not deleted")]
    NotDeleted,
    /// It has as many different reactions as a message can have.
    #[error("a message has at most 100 different reactions")]
    TooManyReactions,
}

/// Decides about messages.
#[derive(Debug)]
pub struct MessageDecider;

impl Decider for MessageDecider {
    type Command = MessageCommand;
    type Event = MessageEvent;
    type State = Message;
    type Refusal = MessageRefusal;

    fn name(command: &MessageCommand) -> &'static str {
        (&command.action).into()
    }

    fn decide(state: &Message, command: &MessageCommand) -> Result<Vec<MessageEvent>, MessageRefusal> {
        let MessageCommand { by, origin, at, action } = command;
        let (by, at) = (*by, *at);
        let mine = by == origin.sender;
        match action {
            MessageAction::Edit { .. } | MessageAction::Delete if !mine => Err(MessageRefusal::NotTheSender),
            MessageAction::NoteErased => note_erased(state, origin, at),
            MessageAction::Delete | MessageAction::Expire(_) | MessageAction::Unpin | MessageAction::Unreact(_)
                if state.deleted.is_some() =>
            {
                Ok(vec![])
            }
            _ if state.deleted.is_some() => Err(MessageRefusal::Deleted),
            MessageAction::Edit { content, mentions } => Ok(edit(state, command, content, mentions)),
            MessageAction::Delete => Ok(vec![delete(origin, Some(by), None, at)]),
            MessageAction::Expire(retention) if origin.sent_at > retention.ended(at) => Err(MessageRefusal::StillKept),
            MessageAction::Expire(retention) => Ok(vec![delete(origin, None, Some(*retention), at)]),
            MessageAction::React(emoji) => react(state, by, emoji, at),
            MessageAction::Unreact(emoji) if !state.has_reaction(by, emoji) => Ok(vec![]),
            MessageAction::Unreact(emoji) => Ok(vec![ReactionRemoved { user: by, emoji: emoji.clone(), at }.into()]),
            MessageAction::Pin if state.pinned => Ok(vec![]),
            MessageAction::Pin => Ok(vec![MessagePinned { by, at }.into()]),
            MessageAction::Unpin if !state.pinned => Ok(vec![]),
            MessageAction::Unpin => Ok(vec![MessageUnpinned { by, at }.into()]),
        }
    }

    fn evolve(state: &mut Message, event: &MessageEvent) {
        match event {
            MessageEvent::Edited(event) => {
                state.edits += 1;
                state.edited = event.content.clear().cloned();
            }
            MessageEvent::Deleted(event) => {
                let deleted = Some(Deletion { by: event.by, at: event.at });
                *state = Message { deleted, ..Message::default() };
            }
            MessageEvent::Erased(_) => state.erased = true,
            MessageEvent::ReactionAdded(event) => {
                state.reactions.entry(event.emoji.as_str().to_owned()).or_default().insert(event.user);
            }
            MessageEvent::ReactionRemoved(event) => {
                if let Some(users) = state.reactions.get_mut(event.emoji.as_str()) {
                    users.remove(&event.user);
                    if users.is_empty() {
                        state.reactions.remove(event.emoji.as_str());
                    }
                }
            }
            MessageEvent::Pinned(_) => state.pinned = true,
            MessageEvent::Unpinned(_) => state.pinned = false,
        }
    }
}

impl Message {
    fn has_reaction(&self, user: UserId, emoji: &Emoji) -> bool {
        self.reactions.get(emoji.as_str()).is_some_and(|users| users.contains(&user))
    }
}

fn delete(origin: &Origin, by: Option<UserId>, retention: Option<Retention>, at: Timestamp) -> MessageEvent {
    MessageDeleted { by, at, key: origin.key, attachments: origin.attachments.clone(), retention }.into()
}

fn note_erased(state: &Message, origin: &Origin, at: Timestamp) -> Result<Vec<MessageEvent>, MessageRefusal> {
    let Some(Deletion { by, at: asked_at }) = state.deleted else { return Err(MessageRefusal::NotDeleted) };
    if state.erased {
        return Ok(vec![]);
    }
    let reason = if by.is_some() { ErasureReason::DeletedBySender } else { ErasureReason::Retention };
    let (key, attachments) = (origin.key, origin.attachments.clone());
    Ok(vec![MessageErased { reason, by, asked_at, at, key, attachments }.into()])
}

fn edit(state: &Message, command: &MessageCommand, content: &MessageContent, mentions: &[UserId]) -> Vec<MessageEvent> {
    let origin = &command.origin;
    let present = state.edited.as_ref().or(origin.content.clear());
    if present == Some(content) {
        return vec![];
    }
    vec![
        MessageEdited {
            by: command.by,
            at: command.at,
            key: origin.key,
            author_key: origin.author_key,
            mentions: mentions.to_vec(),
            content: Personal::Clear(content.clone()),
        }
        .into(),
    ]
}

fn react(state: &Message, by: UserId, emoji: &Emoji, at: Timestamp) -> Result<Vec<MessageEvent>, MessageRefusal> {
    if state.has_reaction(by, emoji) {
        return Ok(vec![]);
    }
    if state.reactions.len() >= MAX_DIFFERENT_REACTIONS && !state.reactions.contains_key(emoji.as_str()) {
        return Err(MessageRefusal::TooManyReactions);
    }
    Ok(vec![ReactionAdded { user: by, emoji: emoji.clone(), at }.into()])
}
