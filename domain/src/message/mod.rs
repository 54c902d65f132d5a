//! A message after it was sent: edits, deletion, reactions, pins.
//!
//! Its first event, `message_sent`, stands in the conversation's stream; what the commands need of it (who wrote it, under
//! which keys) they carry, so an old message changes without its conversation being folded.

mod decide;
mod events;
#[cfg(test)]
mod tests;

pub use decide::{
    Deletion, MAX_DIFFERENT_REACTIONS, Message, MessageAction, MessageCommand, MessageDecider, MessageRefusal, Origin,
};
pub use events::{
    ErasureReason, MessageDeleted, MessageEdited, MessageErased, MessageEvent, MessagePinned, MessageUnpinned,
    ReactionAdded, ReactionRemoved,
};
