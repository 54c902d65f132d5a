use super::*;
use crate::{
    Decider, KeyId, Personal, Timestamp, UserId,
    values::{Body, ContentType, ConversationName, Retention},
};
use uuid::Uuid;

mod direct;
mod group;
mod messages;
mod roles;
mod succession;

const AT: Timestamp = Timestamp::from_millis(1_000);
const KEY: KeyId = KeyId(1);

fn user(n: u128) -> UserId {
    UserId::new(Uuid::from_u128(n))
}

fn users(numbers: &[u128]) -> Vec<UserId> {
    numbers.iter().copied().map(user).collect()
}

fn name(text: &str) -> ConversationName {
    ConversationName::parse(text).unwrap()
}

/// A group of these people, the first of whom owns it.
fn group(members: &[u128]) -> ConversationEvent {
    let name = Personal::Clear(Some(name("Engines")));
    let kind = ConversationKind::Group;
    ConversationStarted { kind, by: user(members[0]), members: users(members), key: KEY, at: AT, name }.into()
}

/// The conversation of these people, the first of whom started it.
fn direct(members: &[u128]) -> ConversationEvent {
    let name = Personal::Clear(None);
    let kind = ConversationKind::Direct;
    ConversationStarted { kind, by: user(members[0]), members: users(members), key: KEY, at: AT, name }.into()
}

fn added(who: u128, role: MemberRole, by: u128) -> ConversationEvent {
    MemberAdded { user: user(who), role, by: user(by), at: AT }.into()
}

fn removed(who: u128, by: u128) -> ConversationEvent {
    MemberRemoved { user: user(who), by: user(by), at: AT }.into()
}

fn became(who: u128, role: MemberRole, by: u128) -> ConversationEvent {
    MemberRoleChanged { user: user(who), role, by: user(by), at: AT }.into()
}

fn text() -> MessageContent {
    MessageContent { subject: None, body: Some(Body::parse("hello").unwrap()) }
}

fn message(seq: u64, by: u128) -> MessageSent {
    MessageSent {
        seq,
        sender: user(by),
        at: AT,
        key: KeyId(7),
        author_key: KeyId(8),
        content_type: ContentType::plain_text(),
        reply_to: None,
        mentions: vec![],
        attachments: vec![],
        content: Personal::Clear(text()),
    }
}

fn sent(seq: u64, by: u128) -> ConversationEvent {
    message(seq, by).into()
}

fn start_group(members: &[u128]) -> ConversationCommand {
    let (by, others) = (user(members[0]), users(&members[1..]));
    ConversationCommand::StartGroup { by, members: others, name: name("Engines"), key: KEY, at: AT }
}

fn start_direct(members: &[u128]) -> ConversationCommand {
    ConversationCommand::StartDirect { by: user(members[0]), members: users(&members[1..]), key: KEY, at: AT }
}

fn rename(by: u128, to: &str) -> ConversationCommand {
    ConversationCommand::Rename { by: user(by), name: name(to), at: AT }
}

fn add(by: u128, who: u128, role: Option<MemberRole>) -> ConversationCommand {
    ConversationCommand::AddMember { by: user(by), user: user(who), role, at: AT }
}

fn join(by: u128) -> ConversationCommand {
    ConversationCommand::Join { by: user(by), at: AT }
}

fn remove(by: u128, who: u128) -> ConversationCommand {
    ConversationCommand::RemoveMember { by: user(by), user: user(who), at: AT }
}

fn sending(by: u128) -> SendMessage {
    SendMessage {
        by: user(by),
        key: KeyId(7),
        author_key: KeyId(8),
        content_type: ContentType::plain_text(),
        reply_to: None,
        mentions: vec![],
        attachments: vec![],
        content: text(),
        at: AT,
    }
}

fn send(by: u128) -> ConversationCommand {
    ConversationCommand::Send(sending(by))
}

fn after(given: &[ConversationEvent]) -> Conversation {
    ConversationDecider::fold(given).unwrap()
}

fn when(
    given: &[ConversationEvent],
    command: &ConversationCommand,
) -> Result<Vec<ConversationEvent>, ConversationRefusal> {
    ConversationDecider::decide(&ConversationDecider::fold(given), command)
}
