//! Failed sign-ins: how often lately, and how long the next attempt has to wait.
//!
//! One stream counts one sort of attempts: those to a name from one address or device, those to a name from anywhere, those
//! from an address to any name. The stream is named after a keyed hash, so the log tells neither names nor addresses. A count
//! halves with every hour, so nothing has to be taken back, and it is told in steps rather than one by one.

use serde::{Deserialize, Serialize};

use crate::{Decider, Timestamp, event::events};

events! {
    /// Of the stream `attempts-{keyed hash}`.
    pub enum AttemptsEvent {
        /// So many more have failed.
        Failed(SignInsFailed) = "sign_ins_failed",
        /// One has succeeded: who signs in so is known here, and forgiven what failed.
        Succeeded(SignInRecognized) = "sign_in_recognized",
    }
}

/// See [`AttemptsEvent::Failed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInsFailed {
    /// How many since the last such event from this node.
    pub more: u32,
    /// When the last of them failed.
    pub at: Timestamp,
}

/// See [`AttemptsEvent::Succeeded`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInRecognized {
    /// When.
    pub at: Timestamp,
}

/// The time in which a count halves, in milliseconds.
const HALF_LIFE: i64 = 3_600_000;

/// The first wait, in milliseconds; each further failure doubles it.
pub const FIRST_WAIT: i64 = 60_000;

/// The longest wait, in milliseconds.
pub const LONGEST_WAIT: i64 = 15 * 60_000;

/// What is known of one sort of attempts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempts {
    failures: u32,
    /// When the last one failed.
    at: Timestamp,
    /// Whether one has ever succeeded.
    pub known: bool,
}

impl Attempts {
    /// How many count now.
    pub fn failures(&self, now: Timestamp) -> u32 {
        let hours = (now.millis() - self.at.millis()).max(0) / HALF_LIFE;
        self.failures.checked_shr(u32::try_from(hours).unwrap_or(u32::MAX)).unwrap_or(0)
    }

    /// The same with so many more that failed, the last of them then.
    #[must_use]
    pub fn with(self, more: u32, at: Timestamp) -> Self {
        let at = at.max(self.at);
        Self { failures: self.failures(at).saturating_add(more), at, ..self }
    }

    /// How long the next attempt has to wait, in milliseconds, where so many failures cost nothing and `extra` count beside
    /// one's own. Whoever has not failed does not wait.
    pub fn wait(&self, free: u32, extra: u32, now: Timestamp) -> i64 {
        let own = self.failures(now);
        let over = own.saturating_add(extra).checked_sub(free);
        let Some(over) = over.filter(|_| own > 0) else { return 0 };
        let wait = FIRST_WAIT.checked_shl(over.min(10)).map_or(LONGEST_WAIT, |wait| wait.min(LONGEST_WAIT));
        (self.at.millis() + wait - now.millis()).clamp(0, LONGEST_WAIT)
    }
}

/// What may be noted.
#[derive(Debug, Clone, Copy, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum AttemptsCommand {
    /// So many have failed.
    Fail {
        /// Since the last such command.
        more: u32,
        /// When the last of them did.
        at: Timestamp,
    },
    /// One has succeeded.
    Succeed {
        /// Now.
        at: Timestamp,
    },
}

/// Notes are never refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AttemptsRefusal {}

/// Keeps the notes.
#[derive(Debug)]
pub struct AttemptsDecider;

impl Decider for AttemptsDecider {
    type Command = AttemptsCommand;
    type Event = AttemptsEvent;
    type State = Attempts;
    type Refusal = AttemptsRefusal;

    fn name(command: &AttemptsCommand) -> &'static str {
        command.into()
    }

    fn decide(state: &Attempts, command: &AttemptsCommand) -> Result<Vec<AttemptsEvent>, AttemptsRefusal> {
        Ok(match command {
            AttemptsCommand::Fail { more: 0, .. } => vec![],
            AttemptsCommand::Fail { more, at } => vec![SignInsFailed { more: *more, at: *at }.into()],
            AttemptsCommand::Succeed { .. } if state.known && state.failures == 0 => vec![],
            AttemptsCommand::Succeed { at } => vec![SignInRecognized { at: *at }.into()],
        })
    }

    fn evolve(state: &mut Attempts, event: &AttemptsEvent) {
        *state = match event {
            AttemptsEvent::Failed(event) => state.with(event.more, event.at),
            AttemptsEvent::Succeeded(event) => Attempts { failures: 0, at: event.at, known: true },
        };
    }

    /// Guessing for days on end makes a long stream.
    fn snapshot_format() -> Option<&'static str> {
        Some("attempts-1")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_millis(1_100_521_080_000);
    const MINUTE: i64 = 60_000;

    fn failed(times: u32) -> Attempts {
        (0..times).fold(Attempts::default(), |state, _| state.with(1, AT))
    }

    #[test]
    fn some_failures_are_free_and_then_each_doubles_the_wait() {
        let wait = |times| failed(times).wait(10, 0, AT);
        assert_eq!([0, 1, 9].map(wait), [0, 0, 0]);
        assert_eq!([10, 11, 12, 13].map(wait), [1, 2, 4, 8].map(|minutes| minutes * MINUTE));
        assert_eq!([14, 100, 1_000_000].map(wait), [LONGEST_WAIT; 3]);
        let later = AT.plus_millis(MINUTE / 2);
        assert_eq!(failed(10).wait(10, 0, later), MINUTE / 2);
        assert_eq!(failed(10).wait(10, 0, AT.plus_millis(MINUTE)), 0);
    }

    #[test]
    fn whoever_has_not_failed_does_not_wait_whatever_others_did() {
        assert_eq!(failed(0).wait(10, u32::MAX, AT), 0);
        assert_eq!(failed(1).wait(10, u32::MAX, AT), LONGEST_WAIT);
        assert_eq!(failed(1).wait(10, 9, AT), MINUTE);
    }

    #[test]
    fn a_count_halves_with_every_hour() {
        let hours = |hours| failed(13).failures(AT.plus_millis(hours * HALF_LIFE));
        assert_eq!([0, 1, 2, 3, 4, 1_000_000].map(hours), [13, 6, 3, 1, 0, 0]);
        assert_eq!(failed(13).failures(AT.plus_millis(-HALF_LIFE)), 13, "clocks of nodes differ");
    }

    #[test]
    fn a_success_is_noted_once_and_forgives() {
        let succeed = AttemptsCommand::Succeed { at: AT };
        let noted: AttemptsEvent = SignInRecognized { at: AT }.into();
        let decide = |given: &[AttemptsEvent], command| AttemptsDecider::decide(&AttemptsDecider::fold(given), command);
        assert_eq!(decide(&[], &succeed), Ok(vec![noted.clone()]));
        assert_eq!(decide(std::slice::from_ref(&noted), &succeed), Ok(vec![]));
        let failed: AttemptsEvent = SignInsFailed { more: 12, at: AT }.into();
        assert_eq!(decide(&[noted.clone(), failed.clone()], &succeed), Ok(vec![noted.clone()]));
        let state = AttemptsDecider::fold(&[failed.clone(), noted]);
        assert_eq!((state.failures(AT), state.known), (0, true));
        assert_eq!(decide(&[], &AttemptsCommand::Fail { more: 12, at: AT }), Ok(vec![failed]));
        assert_eq!(decide(&[], &AttemptsCommand::Fail { more: 0, at: AT }), Ok(vec![]));
    }
}
