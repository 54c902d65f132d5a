//! What one person may do about another.

use super::{
    Contact, ContactAccepted, ContactEnded, ContactEvent, ContactRequested, Ending, PersonBlocked, PersonUnblocked,
    Relation,
};
use crate::{Timestamp, UserId};

/// What may be asked of two people. That both exist was checked before.
#[derive(Debug, Clone, Copy)]
pub struct ContactCommand {
    /// Which of the two asks.
    pub by: UserId,
    /// What.
    pub action: ContactAction,
    /// Now.
    pub at: Timestamp,
}

/// See [`ContactCommand`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum ContactAction {
    /// Ask the other to be a contact, or agree where the other has asked.
    Ask,
    /// Withdraw the request, decline the other's, or end the contact.
    End,
    /// Hear nothing of the other any more.
    Block,
    /// Do not mind any more.
    Unblock,
}

/// Why two people do not become what one of them asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContactRefusal {
    /// There is only one of them.
    #[error("this is about somebody else than oneself")]
    Oneself,
    /// The other blocks who asks.
    #[error("this person has blocked you")]
    Blocked,
    /// Who asks blocks the other.
    #[error("you have blocked this person: unblock them first")]
    Blocking,
}

pub(super) fn decide(contact: &Contact, command: &ContactCommand) -> Result<Vec<ContactEvent>, ContactRefusal> {
    let ContactCommand { by, action, at } = *command;
    let blocks = contact.blocked_by.contains(&by);
    match action {
        ContactAction::Ask if blocks => Err(ContactRefusal::Blocking),
        ContactAction::Ask if contact.stops(by) => Err(ContactRefusal::Blocked),
        ContactAction::Ask => Ok(match contact.relation {
            Relation::None => vec![ContactRequested { by, at }.into()],
            Relation::Requested(asker) if asker != by => vec![ContactAccepted { by, at }.into()],
            Relation::Requested(_) | Relation::Accepted => vec![],
        }),
        ContactAction::End => Ok(end(contact.relation, by, None, at)),
        ContactAction::Block if blocks => Ok(vec![]),
        ContactAction::Block => {
            let mut events = end(contact.relation, by, Some(Ending::Blocked), at);
            events.push(PersonBlocked { by, at }.into());
            Ok(events)
        }
        ContactAction::Unblock if blocks => Ok(vec![PersonUnblocked { by, at }.into()]),
        ContactAction::Unblock => Ok(vec![]),
    }
}

fn end(relation: Relation, by: UserId, how: Option<Ending>, at: Timestamp) -> Vec<ContactEvent> {
    let by_itself = match relation {
        Relation::None => return vec![],
        Relation::Requested(asker) if asker == by => Ending::Withdrawn,
        Relation::Requested(_) => Ending::Declined,
        Relation::Accepted => Ending::Removed,
    };
    vec![ContactEnded { by, how: how.unwrap_or(by_itself), at }.into()]
}
