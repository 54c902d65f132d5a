//! What may be done with holds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{HoldEvent, HoldPlaced, HoldReleased, HoldTarget};
use crate::{ConversationId, Decider, KeyId, Personal, Timestamp, UserId, values::HoldReason};

/// The most holds at a time.
pub const MAX_HOLDS: usize = 10_000;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Who placed it, or gave it its reason; none from the command line.
    pub by: Option<UserId>,
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub reason: Option<HoldReason>,
}

/// What is held now.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Holds(BTreeMap<HoldTarget, Hold>);

impl Holds {
    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All, in the order of what they hold.
    pub fn iter(&self) -> impl Iterator<Item = (HoldTarget, &Hold)> {
        self.0.iter().map(|(target, hold)| (*target, hold))
    }

    /// Whether a message of this conversation and sender is held.
    pub fn covers(&self, conversation: ConversationId, sender: UserId) -> bool {
        self.0.contains_key(&HoldTarget::Conversation(conversation)) || self.0.contains_key(&HoldTarget::User(sender))
    }

    /// Whether what this person's key has sealed is held, somewhere: they are or were in these conversations.
    pub fn covers_person(&self, user: UserId, conversations: impl IntoIterator<Item = ConversationId>) -> bool {
        !self.is_empty()
            && (self.0.contains_key(&HoldTarget::User(user))
                || conversations.into_iter().any(|id| self.0.contains_key(&HoldTarget::Conversation(id))))
    }
}

/// What may be asked. That what is named exists was checked before.
#[derive(Debug, Clone, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum HoldCommand {
    /// Hold something; what is held already gets another reason.
    Place {
        /// What.
        target: HoldTarget,
        /// Why.
        reason: HoldReason,
        /// A key that seals nothing yet.
        key: KeyId,
        /// By whom; none from the command line.
        by: Option<UserId>,
        /// Now.
        at: Timestamp,
    },
    /// Hold it no more.
    Release {
        /// What.
        target: HoldTarget,
        /// By whom; none from the command line.
        by: Option<UserId>,
        /// Now.
        at: Timestamp,
    },
    /// Nothing: it is answered once the holds that are known are sure to be all there are.
    Ascertain,
}

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HoldRefusal {
    /// There are as many as there can be.
    #[error("there are at most 10,000 holds at a time")]
    TooMany,
}

/// Decides about holds.
#[derive(Debug)]
pub struct HoldDecider;

impl Decider for HoldDecider {
    type Command = HoldCommand;
    type Event = HoldEvent;
    type State = Holds;
    type Refusal = HoldRefusal;

    fn name(command: &HoldCommand) -> &'static str {
        command.into()
    }

    fn decide(state: &Holds, command: &HoldCommand) -> Result<Vec<HoldEvent>, HoldRefusal> {
        match command {
            HoldCommand::Place { target, reason, key, by, at } => match state.0.get(target) {
                Some(hold) if hold.reason.as_ref() == Some(reason) => Ok(vec![]),
                None if state.0.len() >= MAX_HOLDS => Err(HoldRefusal::TooMany),
                Some(_) | None => {
                    let reason = Personal::Clear(reason.clone());
                    Ok(vec![HoldPlaced { target: *target, by: *by, at: *at, key: *key, reason }.into()])
                }
            },
            HoldCommand::Release { target, by, at } if state.0.contains_key(target) => {
                Ok(vec![HoldReleased { target: *target, by: *by, at: *at }.into()])
            }
            HoldCommand::Release { .. } | HoldCommand::Ascertain => Ok(vec![]),
        }
    }

    fn evolve(state: &mut Holds, event: &HoldEvent) {
        match event {
            HoldEvent::Placed(HoldPlaced { target, by, at, reason, .. }) => {
                let since = state.0.get(target).map_or(*at, |hold| hold.since);
                state.0.insert(*target, Hold { by: *by, since, reason: reason.clear().cloned() });
            }
            HoldEvent::Released(event) => {
                state.0.remove(&event.target);
            }
        }
    }
}
