//! The pure heart of Tidings: values, events and deciders.
//!
//! Nothing here reads a clock, draws a random number or does I/O: ids and times arrive inside commands. A decider is two
//! functions over a state folded from events:
//!
//! - [`Decider::decide`] answers a command with the events that follow from it, with no events for a command that was
//!   already carried out, or with the reason why not;
//! - [`Decider::evolve`] folds one event into the state. It never fails: what it is told has already happened.
//!
//! Each subject is a folder (`conversation`, `reader`, …) whose files stand in the order events, state, decide.

pub mod access;
pub mod attachment;
pub mod attempts;
pub mod contact;
pub mod conversation;
mod decider;
pub mod devices;
mod event;
pub mod factor;
pub mod hold;
mod ids;
pub mod login;
pub mod message;
mod pair;
mod personal;
pub mod reader;
pub mod request;
pub mod schedule;
pub mod session;
mod stream;
mod time;
pub mod user;
pub mod values;
pub mod webhook;

pub use decider::Decider;
pub use event::{Event, EventError, SealKeys, StoredEvent};
pub use ids::{AttachmentId, ConversationId, IdError, KeyId, MessageId, ScheduledId, SessionId, UserId, WebhookId};
pub use pair::Pair;
pub use personal::Personal;
pub use stream::{LoginKind, StreamError, StreamId, StreamName};
pub use time::{Day, DayError, Timestamp, TimestampError};
