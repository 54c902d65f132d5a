//! What can have happened between two people.

use serde::{Deserialize, Serialize};

use crate::{Timestamp, UserId, event::events};

events! {
    /// Of the stream `contact-{a}-{b}`. Whom it concerns beside the one who did it, the stream's name says.
    pub enum ContactEvent {
        /// One asks the other to be a contact.
        Requested(ContactRequested) = "contact_requested",
        /// The other agreed: they are contacts.
        Accepted(ContactAccepted) = "contact_accepted",
        /// There is neither a request nor a contact any more.
        Ended(ContactEnded) = "contact_ended",
        /// One wants to hear nothing of the other.
        Blocked(PersonBlocked) = "person_blocked",
        /// Does not mind any more.
        Unblocked(PersonUnblocked) = "person_unblocked",
    }
}

/// How a request or a contact came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Who asked does not ask any more.
    Withdrawn,
    /// Who was asked said no.
    Declined,
    /// One of two contacts ended it.
    Removed,
    /// One blocked the other.
    Blocked,
}

/// See [`ContactEvent::Requested`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactRequested {
    /// Who asks.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

/// See [`ContactEvent::Accepted`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactAccepted {
    /// Who was asked.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

/// See [`ContactEvent::Ended`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactEnded {
    /// Who ended it.
    pub by: UserId,
    /// How.
    pub how: Ending,
    /// When.
    pub at: Timestamp,
}

/// See [`ContactEvent::Blocked`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonBlocked {
    /// Who blocks.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

/// See [`ContactEvent::Unblocked`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonUnblocked {
    /// Who blocked.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}
