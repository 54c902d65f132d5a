//! What may be done in a conversation, and by whom.

use std::collections::HashSet;

use super::{
    Conversation, ConversationCommand, ConversationEvent, ConversationKind, ConversationRefusal, ConversationRenamed,
    ConversationStarted, DirectBlocksChanged, MAX_MEMBERS, MAX_STARTING_MEMBERS, MemberAdded, MemberRemoved,
    MemberRole, MemberRoleChanged, MessageSent, RetentionChanged, SendMessage,
};
use crate::{
    Personal, Timestamp, UserId,
    values::{ConversationName, Retention},
};

type Decision = Result<Vec<ConversationEvent>, ConversationRefusal>;

pub(super) fn decide(conversation: Option<&Conversation>, command: &ConversationCommand) -> Decision {
    let by = command.by();
    if let ConversationCommand::KnowBlocks { blocked_by, changes, at, .. } = command {
        return Ok(know_blocks(conversation, blocked_by, *changes, *at));
    }
    let stopped = conversation.is_some_and(|conversation| conversation.stops(by));
    let Some(conversation) = conversation.filter(|conversation| conversation.is_started()) else {
        return if stopped { Err(ConversationRefusal::Blocked) } else { start(command) };
    };
    let me = conversation.member(by).map(|me| me.role).ok_or(ConversationRefusal::NotAMember);
    match command {
        // the same command again: the conversation is there
        ConversationCommand::StartGroup { .. } | ConversationCommand::StartDirect { .. } => {
            me?;
            if stopped { Err(ConversationRefusal::Blocked) } else { Ok(vec![]) }
        }
        ConversationCommand::Rename { name, at, .. } => rename(conversation, by, me?, name, *at),
        ConversationCommand::AddMember { user, role, at, .. } => add(conversation, by, me?, *user, *role, *at),
        ConversationCommand::Join { at, .. } => join(conversation, by, *at),
        ConversationCommand::RemoveMember { user, at, .. } if by == *user => leave(conversation, by, *at),
        ConversationCommand::RemoveMember { user, at, .. } => remove(conversation, by, me?, *user, *at),
        ConversationCommand::Send(message) => {
            me?;
            if stopped { Err(ConversationRefusal::Blocked) } else { send(conversation, message) }
        }
        ConversationCommand::KeepFor { operates, retention, at, .. } => {
            if !operates {
                must_be_admin(me?)?;
            }
            Ok(keep_for(conversation, by, *retention, *at))
        }
        ConversationCommand::KnowBlocks { .. } => Ok(vec![]),
    }
}

fn keep_for(
    conversation: &Conversation,
    by: UserId,
    retention: Option<Retention>,
    at: Timestamp,
) -> Vec<ConversationEvent> {
    if conversation.retention == retention { vec![] } else { vec![RetentionChanged { by, retention, at }.into()] }
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
        | ConversationCommand::Send(_)
        | ConversationCommand::KeepFor { .. }
        | ConversationCommand::KnowBlocks { .. } => return Err(ConversationRefusal::NoSuchConversation),
    };
    let members = each_once(std::iter::once(by).chain(others.iter().copied()));
    match kind {
        ConversationKind::Direct if !(2..=20).contains(&members.len()) => return Err(ConversationRefusal::DirectSize),
        ConversationKind::Group if members.len() > MAX_STARTING_MEMBERS => {
            return Err(ConversationRefusal::TooManyMembers);
        }
        ConversationKind::Direct | ConversationKind::Group => {}
    }
    Ok(vec![ConversationStarted { kind, by, members, key, at, name: Personal::Clear(name) }.into()])
}

/// Copies may come late, and in any order: only a newer one counts.
fn know_blocks(
    conversation: Option<&Conversation>,
    blocked_by: &[UserId],
    changes: u64,
    at: Timestamp,
) -> Vec<ConversationEvent> {
    if changes <= conversation.map_or(0, |conversation| conversation.block_changes) {
        return vec![];
    }
    vec![DirectBlocksChanged { blocked_by: blocked_by.to_vec(), changes, at }.into()]
}

/// Who is named, in the order of their first mention.
fn each_once(people: impl Iterator<Item = UserId>) -> Vec<UserId> {
    let mut seen = HashSet::new();
    people.filter(|person| seen.insert(*person)).collect()
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
    // anybody may add a plain member; whatever gives or takes a role is for the owner and admins
    if role.is_some_and(|role| role != present.unwrap_or(MemberRole::Member)) {
        must_be_admin(me)?;
    }
    match (present, role) {
        (Some(present), Some(role)) if role != present => {
            must_be_theirs_to_change(me, by == user, present, role)?;
            Ok(vec![MemberRoleChanged { user, role, by, at }.into()])
        }
        (Some(_), _) => Ok(vec![]),
        (None, Some(MemberRole::Owner)) => Err(ConversationRefusal::OwnerIsFixed),
        (None, _) if conversation.member_count >= MAX_MEMBERS => Err(ConversationRefusal::TooManyMembers),
        (None, role) => Ok(vec![MemberAdded { user, role: role.unwrap_or(MemberRole::Member), by, at }.into()]),
    }
}

/// Whether an owner or admin may turn the role `present` into `role`: an admin's only the owner or they themselves.
fn must_be_theirs_to_change(
    me: MemberRole,
    own: bool,
    present: MemberRole,
    role: MemberRole,
) -> Result<(), ConversationRefusal> {
    if present == MemberRole::Owner || role == MemberRole::Owner {
        return Err(ConversationRefusal::OwnerIsFixed);
    }
    if present == MemberRole::Admin && me != MemberRole::Owner && !own {
        return Err(ConversationRefusal::NotTheOwner);
    }
    Ok(())
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
    let Some(me) = conversation.people.get(&by) else {
        return Err(ConversationRefusal::NotAMember);
    };
    must_be_group(conversation)?;
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
    let mentions = each_once(message.mentions.iter().copied().filter(|user| conversation.member(*user).is_some()));
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
            attachments: message.attachments.clone(),
            content: Personal::Clear(message.content.clone()),
        }
        .into(),
    ])
}
