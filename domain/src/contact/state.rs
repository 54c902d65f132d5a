//! What deciding about two people needs to know: what they are to each other, and who blocks whom.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{ContactCommand, ContactEvent, ContactRefusal};
use crate::{Decider, UserId};

/// What two people are to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Relation {
    /// Nothing.
    #[default]
    None,
    /// This one asked the other.
    Requested(UserId),
    /// They are contacts.
    Accepted,
}

/// Two people.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Contact {
    /// What they are to each other.
    pub relation: Relation,
    /// Who of them blocks the other.
    pub blocked_by: BTreeSet<UserId>,
    /// How often one of them blocked or unblocked the other: says of two copies of `blocked_by` which is the newer.
    pub block_changes: u64,
}

impl Contact {
    /// Whether the other of the two blocks this one.
    pub fn stops(&self, user: UserId) -> bool {
        self.blocked_by.iter().any(|by| *by != user)
    }
}

/// Decides about two people.
#[derive(Debug)]
pub struct ContactDecider;

impl Decider for ContactDecider {
    type Command = ContactCommand;
    type Event = ContactEvent;
    type State = Contact;
    type Refusal = ContactRefusal;

    fn name(command: &ContactCommand) -> &'static str {
        (&command.action).into()
    }

    fn decide(state: &Contact, command: &ContactCommand) -> Result<Vec<ContactEvent>, ContactRefusal> {
        super::decide::decide(state, command)
    }

    fn evolve(state: &mut Contact, event: &ContactEvent) {
        match event {
            ContactEvent::Requested(event) => state.relation = Relation::Requested(event.by),
            ContactEvent::Accepted(_) => state.relation = Relation::Accepted,
            ContactEvent::Ended(_) => state.relation = Relation::None,
            ContactEvent::Blocked(event) => {
                state.blocked_by.insert(event.by);
                state.block_changes += 1;
            }
            ContactEvent::Unblocked(event) => {
                state.blocked_by.remove(&event.by);
                state.block_changes += 1;
            }
        }
    }

    /// Asking and withdrawing for days on end makes a long stream.
    fn snapshot_format() -> Option<&'static str> {
        Some("contact-1")
    }
}
