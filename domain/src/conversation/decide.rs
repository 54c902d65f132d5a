//! What may be done in a conversation, and by whom.

use super::{
    Conversation, ConversationEvent, ConversationKind, ConversationRenamed, ConversationStarted, MemberAdded,
    MemberRemoved, MemberRole, MemberRoleChanged, MessageContent, MessageSent,
};
use crate::{
    KeyId, Personal, Timestamp, UserId,
    values::{ContentType, ConversationName},
};

/// The most people a group can have.
pub const MAX_MEMBERS: u64 = 100_000;
/// The most people that a group can be started with; the others are added.
pub const MAX_STARTING_MEMBERS: usize = 1_000;

/// A message on its way.
#[derive(Debug, Clone)]
pub struct SendMessage {
    /// Who sends it.
    pub by: UserId,
    /// A key that seals nothing yet.
    pub key: KeyId,
    /// The sender's own key.
    pub author_key: KeyId,
    /// What the body is.
    pub content_type: ContentType,
    /// The message it answers.
    pub reply_to: Option<u64>,
    /// Whom it mentions; those who are not in the conversation are left out.
    pub mentions: Vec<UserId>,
    /// Subject and body.
    pub content: MessageContent,
    /// When, originally.
    pub at: Timestamp,
}

/// What may be asked of a conversation. That the people named exist was checked before.
#[derive(Debug, Clone)]
pub enum ConversationCommand {
    /// Start a group.
    StartGroup {
        /// Its owner.
        by: UserId,
        /// The others.
        members: Vec<UserId>,
        /// What it is called.
        name: ConversationName,
        /// A key that seals nothing yet.
        key: KeyId,
        /// When, originally.
        at: Timestamp,
    },
    /// Start the conversation of exactly these people.
    StartDirect {
        /// Who starts it.
        by: UserId,
        /// The others.
        members: Vec<UserId>,
        /// A key that seals nothing yet.
        key: KeyId,
        /// Now.
        at: Timestamp,
    },
    /// Call a group something else.
    Rename {
        /// An owner or admin.
        by: UserId,
        /// What it will be called.
        name: ConversationName,
        /// Now.
        at: Timestamp,
    },
    /// Add somebody, or give somebody who is there a role.
    AddMember {
        /// Any member to add; an owner or admin to give a role.
        by: UserId,
        /// Whom.
        user: UserId,
        /// The role; none leaves it as it is, or makes a member.
        role: Option<MemberRole>,
        /// When, originally.
        at: Timestamp,
    },
    /// Come into a group by oneself, as history brought in from elsewhere tells; who comes into an empty one owns it.
    Join {
        /// Who.
        by: UserId,
        /// When, originally.
        at: Timestamp,
    },
    /// Leave, or remove somebody.
    RemoveMember {
        /// Oneself, or an owner or admin.
        by: UserId,
        /// Whom.
        user: UserId,
        /// When, originally.
        at: Timestamp,
    },
    /// Send a message.
    Send(SendMessage),
}

impl ConversationCommand {
    const fn by(&self) -> UserId {
        match self {
            Self::StartGroup { by, .. }
            | Self::StartDirect { by, .. }
            | Self::Rename { by, .. }
            | Self::AddMember { by, .. }
            | Self::Join { by, .. }
            | Self::RemoveMember { by, .. } => *by,
            Self::Send(message) => message.by,
        }
    }
}

/// Why a conversation does not do what it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConversationRefusal {
    /// It was never started.
    #[error("there is no such conversation")]
    NoSuchConversation,
    /// Who asks is not in it.
    #[error("only members may do this")]
    NotAMember,
    /// Who asks is neither owner nor admin.
    #[error("only the owner and admins may do this")]
    NotAnAdmin,
    /// It concerns an admin, and who asks is not the owner.
    #[error("only the owner may do this to an admin")]
    NotTheOwner,
    /// The owner keeps the role until they leave, and nobody else gets it.
    #[error("a group has one owner, who stays it until they leave")]
    OwnerIsFixed,
    /// The people of a direct conversation are fixed, and it has no name and no roles.
    #[error("a direct conversation stays as it is")]
    DirectIsFixed,
    /// A direct conversation has 2 to 20 people.
    #[error("a direct conversation has 2 to 20 people")]
    DirectSize,
    /// The group is full.
    #[error("the group is full")]
    TooManyMembers,
    /// The answered message is not in the conversation.
    #[error("there is no such message to reply to in this conversation")]
    NoSuchReply,
}

type Decision = Result<Vec<ConversationEvent>, ConversationRefusal>;

pub(super) fn decide(conversation: Option<&Conversation>, command: &ConversationCommand) -> Decision {
    let Some(conversation) = conversation else {
        return start(command);
    };
    let by = command.by();
    let me = conversation.member(by).map(|me| me.role).ok_or(ConversationRefusal::NotAMember);
    match command {
        // the same command again: the conversation is there
        ConversationCommand::StartGroup { .. } | ConversationCommand::StartDirect { .. } => me.map(|_| vec![]),
        ConversationCommand::Rename { name, at, .. } => rename(conversation, by, me?, name, *at),
        ConversationCommand::AddMember { user, role, at, .. } => add(conversation, by, me?, *user, *role, *at),
        ConversationCommand::Join { at, .. } => join(conversation, by, *at),
        ConversationCommand::RemoveMember { user, at, .. } if by == *user => Ok(leave(conversation, by, *at)?),
        ConversationCommand::RemoveMember { user, at, .. } => remove(conversation, by, me?, *user, *at),
        ConversationCommand::Send(message) => me.and_then(|_| send(conversation, message)),
    }
}

fn start(command: &ConversationCommand) -> Decision {
    let (kind, by, others, key, at, name) = match command {
        ConversationCommand::StartGroup { by, members, name, key, at } => {
            (ConversationKind::Group, *by, members, *key, *at, Some(name.clone()))
        }
        ConversationCommand::StartDirect { by, members, key, at } => {
            (ConversationKind::Direct, *by, members, *key, *at, None)
        }
        ConversationCommand::Rename { .. }
        | ConversationCommand::AddMember { .. }
        | ConversationCommand::Join { .. }
        | ConversationCommand::RemoveMember { .. }
        | ConversationCommand::Send(_) => return Err(ConversationRefusal::NoSuchConversation),
    };
    let mut members = vec![by];
    for other in others {
        if !members.contains(other) {
            members.push(*other);
        }
    }
    match kind {
        ConversationKind::Direct if !(2..=20).contains(&members.len()) => return Err(ConversationRefusal::DirectSize),
        ConversationKind::Group if members.len() > MAX_STARTING_MEMBERS => {
            return Err(ConversationRefusal::TooManyMembers);
        }
        ConversationKind::Direct | ConversationKind::Group => {}
    }
    Ok(vec![ConversationStarted { kind, by, members, key, at, name: Personal::Clear(name) }.into()])
}

const fn must_be_group(conversation: &Conversation) -> Result<(), ConversationRefusal> {
    match conversation.kind {
        ConversationKind::Group => Ok(()),
        ConversationKind::Direct => Err(ConversationRefusal::DirectIsFixed),
    }
}

fn must_be_admin(role: MemberRole) -> Result<(), ConversationRefusal> {
    if role >= MemberRole::Admin { Ok(()) } else { Err(ConversationRefusal::NotAnAdmin) }
}

fn rename(conversation: &Conversation, by: UserId, me: MemberRole, name: &ConversationName, at: Timestamp) -> Decision {
    must_be_group(conversation)?;
    must_be_admin(me)?;
    if conversation.name.as_ref() == Some(name) {
        return Ok(vec![]);
    }
    Ok(vec![ConversationRenamed { by, key: conversation.key, at, name: Personal::Clear(name.clone()) }.into()])
}

fn add(
    conversation: &Conversation,
    by: UserId,
    me: MemberRole,
    user: UserId,
    role: Option<MemberRole>,
    at: Timestamp,
) -> Decision {
    must_be_group(conversation)?;
    let present = conversation.member(user).map(|member| member.role);
    if role.is_some() && role != present && role != Some(MemberRole::Member) {
        must_be_admin(me)?;
    }
    match (present, role) {
        (Some(present), role) if role.is_none_or(|role| role == present) => Ok(vec![]),
        (Some(MemberRole::Owner), _) | (_, Some(MemberRole::Owner)) => Err(ConversationRefusal::OwnerIsFixed),
        (Some(MemberRole::Admin), _) if me != MemberRole::Owner && by != user => Err(ConversationRefusal::NotTheOwner),
        (Some(_), Some(role)) => Ok(vec![MemberRoleChanged { user, role, by, at }.into()]),
        (Some(_), None) => Ok(vec![]),
        (None, _) if conversation.member_count >= MAX_MEMBERS => Err(ConversationRefusal::TooManyMembers),
        (None, role) => Ok(vec![MemberAdded { user, role: role.unwrap_or(MemberRole::Member), by, at }.into()]),
    }
}

fn join(conversation: &Conversation, by: UserId, at: Timestamp) -> Decision {
    must_be_group(conversation)?;
    if conversation.member(by).is_some() {
        return Ok(vec![]);
    }
    if conversation.member_count >= MAX_MEMBERS {
        return Err(ConversationRefusal::TooManyMembers);
    }
    let role = if conversation.member_count == 0 { MemberRole::Owner } else { MemberRole::Member };
    Ok(vec![MemberAdded { user: by, role, by, at }.into()])
}

fn leave(conversation: &Conversation, by: UserId, at: Timestamp) -> Decision {
    must_be_group(conversation)?;
    let Some(me) = conversation.people.get(&by) else {
        return Err(ConversationRefusal::NotAMember);
    };
    if !me.present {
        return Ok(vec![]);
    }
    let mut events = vec![MemberRemoved { user: by, by, at }.into()];
    if me.role == MemberRole::Owner
        && let Some(user) = conversation.successor(by)
    {
        events.push(MemberRoleChanged { user, role: MemberRole::Owner, by, at }.into());
    }
    Ok(events)
}

fn remove(conversation: &Conversation, by: UserId, me: MemberRole, user: UserId, at: Timestamp) -> Decision {
    must_be_group(conversation)?;
    must_be_admin(me)?;
    match conversation.member(user).map(|member| member.role) {
        None => Ok(vec![]),
        Some(MemberRole::Owner) => Err(ConversationRefusal::OwnerIsFixed),
        Some(MemberRole::Admin) if me != MemberRole::Owner => Err(ConversationRefusal::NotTheOwner),
        Some(MemberRole::Admin | MemberRole::Member) => Ok(vec![MemberRemoved { user, by, at }.into()]),
    }
}

fn send(conversation: &Conversation, message: &SendMessage) -> Decision {
    if message.reply_to.is_some_and(|seq| seq == 0 || seq > conversation.last_seq) {
        return Err(ConversationRefusal::NoSuchReply);
    }
    let mentions = message.mentions.iter().filter(|user| conversation.member(**user).is_some()).copied().collect();
    Ok(vec![
        MessageSent {
            seq: conversation.last_seq + 1,
            sender: message.by,
            at: message.at,
            key: message.key,
            author_key: message.author_key,
            content_type: message.content_type.clone(),
            reply_to: message.reply_to,
            mentions,
            content: Personal::Clear(message.content.clone()),
        }
        .into(),
    ])
}
