//! A claim on a username, an email address or a phone number.
//!
//! The stream is named after a keyed hash of what is claimed, so two who want the same write to the same stream and one
//! of them loses: uniqueness without a table and without a race.

use serde::{Deserialize, Serialize};

use crate::{Decider, Timestamp, UserId, event::events};

events! {
    /// Of the stream `login-{kind}-{keyed hash}`.
    pub enum LoginEvent {
        /// It belongs to an account, or to one about to be registered.
        Claimed(LoginClaimed) = "login_claimed",
        /// It is free again.
        Released(LoginReleased) = "login_released",
    }
}

/// See [`LoginEvent::Claimed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginClaimed {
    /// For whom.
    pub user: UserId,
    /// When.
    pub at: Timestamp,
}

/// See [`LoginEvent::Released`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginReleased {
    /// Who had it.
    pub user: UserId,
    /// When.
    pub at: Timestamp,
}

/// Whose it is since when; `None` while it is free.
pub type LoginState = Option<(UserId, Timestamp)>;

/// How long a claim stands before its account must have been registered, in milliseconds. A registration takes less than
/// a second; a claim older than this without an account was left by a crash and may be taken over.
pub const CLAIM_LAPSES_AFTER: i64 = 60_000;

/// What may be asked of a login.
#[derive(Debug, Clone, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum LoginCommand {
    /// Take it for an account.
    Claim {
        /// Which account.
        user: UserId,
        /// Whether the account that has it now was never registered, as far as is known.
        holder_missing: bool,
        /// Now.
        at: Timestamp,
    },
    /// Give it back.
    Release {
        /// The account that has it.
        user: UserId,
        /// Now.
        at: Timestamp,
    },
}

/// Why a login cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoginRefusal {
    /// It belongs to another account.
    #[error("this is taken")]
    Taken,
}

/// Decides about logins.
#[derive(Debug)]
pub struct LoginDecider;

impl Decider for LoginDecider {
    type Command = LoginCommand;
    type Event = LoginEvent;
    type State = LoginState;
    type Refusal = LoginRefusal;

    fn name(command: &LoginCommand) -> &'static str {
        command.into()
    }

    fn decide(state: &LoginState, command: &LoginCommand) -> Result<Vec<LoginEvent>, LoginRefusal> {
        match (state, command) {
            (None, LoginCommand::Claim { user, at, .. }) => Ok(vec![LoginClaimed { user: *user, at: *at }.into()]),
            (Some((holder, _)), LoginCommand::Claim { user, .. }) if holder == user => Ok(vec![]),
            (Some((_, since)), LoginCommand::Claim { user, holder_missing, at }) => {
                if *holder_missing && since.plus_millis(CLAIM_LAPSES_AFTER) < *at {
                    Ok(vec![LoginClaimed { user: *user, at: *at }.into()])
                } else {
                    Err(LoginRefusal::Taken)
                }
            }
            (Some((holder, _)), LoginCommand::Release { user, at }) if holder == user => {
                Ok(vec![LoginReleased { user: *user, at: *at }.into()])
            }
            (None | Some(_), LoginCommand::Release { .. }) => Ok(vec![]),
        }
    }

    fn evolve(state: &mut LoginState, event: &LoginEvent) {
        *state = match event {
            LoginEvent::Claimed(event) => Some((event.user, event.at)),
            LoginEvent::Released(_) => None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const AT: Timestamp = Timestamp::from_millis(1_000);

    fn user(n: u128) -> UserId {
        UserId::new(Uuid::from_u128(n))
    }

    fn claimed_by(n: u128) -> LoginEvent {
        LoginClaimed { user: user(n), at: AT }.into()
    }

    fn when(given: &[LoginEvent], command: &LoginCommand) -> Result<Vec<LoginEvent>, LoginRefusal> {
        LoginDecider::decide(&LoginDecider::fold(given), command)
    }

    #[test]
    fn a_name_has_one_holder() {
        let claim = |n, at| LoginCommand::Claim { user: user(n), holder_missing: false, at };
        assert_eq!(when(&[], &claim(1, AT)), Ok(vec![claimed_by(1)]));
        assert_eq!(when(&[claimed_by(1)], &claim(1, AT)), Ok(vec![]));
        assert_eq!(when(&[claimed_by(1)], &claim(2, AT.plus_millis(1 << 40))), Err(LoginRefusal::Taken));
    }

    #[test]
    fn a_claim_without_an_account_lapses_after_a_minute() {
        let claim = |after| LoginCommand::Claim { user: user(2), holder_missing: true, at: AT.plus_millis(after) };
        assert_eq!(when(&[claimed_by(1)], &claim(CLAIM_LAPSES_AFTER)), Err(LoginRefusal::Taken));
        assert!(when(&[claimed_by(1)], &claim(CLAIM_LAPSES_AFTER + 1)).is_ok());
    }

    #[test]
    fn only_its_holder_releases_a_name() {
        let release = |n| LoginCommand::Release { user: user(n), at: AT };
        let released: LoginEvent = LoginReleased { user: user(1), at: AT }.into();
        assert_eq!(when(&[claimed_by(1)], &release(2)), Ok(vec![]));
        assert_eq!(when(&[claimed_by(1)], &release(1)), Ok(vec![released.clone()]));
        assert_eq!(when(&[claimed_by(1), released.clone()], &release(1)), Ok(vec![]));
        let claim = LoginCommand::Claim { user: user(2), holder_missing: false, at: AT };
        assert_eq!(when(&[claimed_by(1), released], &claim), Ok(vec![claimed_by(2)]));
    }
}
