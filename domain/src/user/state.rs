//! What deciding about an account needs to know.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    UserCommand, UserEvent, UserRefusal,
    events::{Identity, UserRegistered},
};
use crate::{Decider, KeyId, SessionId, Timestamp, values::Role};

/// An account that was registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The key of the personal data.
    pub key: KeyId,
    /// Who; none once the account is closed and its key destroyed.
    pub identity: Option<Identity>,
    /// The number of the present password; 1 at registration.
    pub credential: u32,
    /// The session that outlived the last change of password.
    pub kept_session: Option<SessionId>,
    /// What it may do beyond messaging.
    pub roles: BTreeSet<Role>,
    /// Shut out by an operator.
    pub suspended: bool,
    /// Closed for good.
    pub closed: bool,
    /// When that was.
    pub closed_at: Option<Timestamp>,
    /// Nothing of its personal data is left anywhere.
    pub erased: bool,
}

impl User {
    fn registered(event: &UserRegistered) -> Self {
        Self {
            key: event.key,
            identity: event.identity.clear().cloned(),
            credential: 1,
            kept_session: None,
            roles: BTreeSet::new(),
            suspended: false,
            closed: false,
            closed_at: None,
            erased: false,
        }
    }

    /// Whether the account may act.
    pub const fn is_active(&self) -> bool {
        !self.closed && !self.suspended
    }

    /// Whether a session opened under password number `credential` still stands.
    pub fn honours(&self, session: SessionId, credential: u32) -> bool {
        self.is_active() && (credential == self.credential || self.kept_session == Some(session))
    }
}

/// `None` before the registration.
pub type UserState = Option<User>;

/// Decides about accounts.
#[derive(Debug)]
pub struct UserDecider;

impl Decider for UserDecider {
    type Command = UserCommand;
    type Event = UserEvent;
    type State = UserState;
    type Refusal = UserRefusal;

    fn name(command: &UserCommand) -> &'static str {
        command.into()
    }

    fn decide(state: &UserState, command: &UserCommand) -> Result<Vec<UserEvent>, UserRefusal> {
        super::decide::decide(state.as_ref(), command)
    }

    fn evolve(state: &mut UserState, event: &UserEvent) {
        let Some(user) = state else {
            if let UserEvent::Registered(event) = event {
                *state = Some(User::registered(event));
            }
            return;
        };
        match event {
            UserEvent::Registered(_) => {}
            UserEvent::ProfileChanged(event) => {
                if let (Some(identity), Some(change)) = (&mut user.identity, event.change.clear()) {
                    identity.email = change.email.applied_to(identity.email.take());
                    identity.phone_number = change.phone_number.applied_to(identity.phone_number.take());
                    identity.first_name = change.first_name.applied_to(identity.first_name.take());
                    identity.last_name = change.last_name.applied_to(identity.last_name.take());
                }
            }
            UserEvent::PasswordChanged(event) => {
                user.credential = event.credential;
                user.kept_session = event.kept;
                if let Some(identity) = &mut user.identity {
                    identity.password_hash = event.password_hash.clear().cloned();
                }
            }
            UserEvent::RoleGranted(event) => {
                user.roles.insert(event.role);
            }
            UserEvent::RoleRevoked(event) => {
                user.roles.remove(&event.role);
            }
            UserEvent::Suspended(_) => user.suspended = true,
            UserEvent::Reinstated(_) => user.suspended = false,
            UserEvent::Closed(event) => {
                user.closed = true;
                user.closed_at = Some(event.at);
                user.identity = None;
                user.roles.clear();
            }
            UserEvent::Erased(_) => user.erased = true,
        }
    }
}
