//! A conversation: its people and the order of its messages.
//!
//! A direct conversation has a fixed set of 2 to 20 people. A group has an owner, admins and members. Its stream gives all
//! members one order; each message's ordinal (`seq`) is what unread counts are made of.

mod command;
mod decide;
mod events;
mod state;
#[cfg(test)]
mod tests;

pub use command::{ConversationCommand, ConversationRefusal, MAX_MEMBERS, MAX_STARTING_MEMBERS, SendMessage};
pub use events::{
    ConversationEvent, ConversationKind, ConversationRenamed, ConversationStarted, DirectBlocksChanged, MemberAdded,
    MemberRemoved, MemberRole, MemberRoleChanged, MessageContent, MessageSent, RetentionChanged,
};
pub use state::{Conversation, ConversationDecider, ConversationState, Member};
