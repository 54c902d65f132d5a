//! Two people: whether they are contacts, and whether one wants to hear nothing of the other.
//!
//! One stream for each pair, whoever asks, so that two who ask each other at the same time have agreed, and a block and the end
//! of the contact are one step.

mod decide;
mod events;
mod state;
#[cfg(test)]
mod tests;

pub use decide::{ContactAction, ContactCommand, ContactRefusal};
pub use events::{
    ContactAccepted, ContactEnded, ContactEvent, ContactRequested, Ending, PersonBlocked, PersonUnblocked,
};
pub use state::{Contact, ContactDecider, Relation};
