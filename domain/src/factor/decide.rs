//! What may be done with a second factor.

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::{FactorEvent, RecoveryCodeUsed, TotpCodeUsed, TotpDisabled, TotpEnabled, TotpOffered};
use crate::{Decider, KeyId, Personal, Timestamp, session::TokenHash, values::TotpSecret};

/// How many recovery codes are given out.
pub const RECOVERY_CODES: usize = 10;

/// An account's second factor; off before anything happened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Factor {
    /// Made, and not confirmed yet.
    offered: Option<TotpSecret>,
    on: Option<On>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct On {
    secret: TotpSecret,
    /// No code up to this step is taken any more.
    step: u64,
    /// Those that have served are gone.
    recovery_codes: Vec<Option<TokenHash>>,
}

impl Factor {
    /// Whether signing in takes it.
    pub const fn is_on(&self) -> bool {
        self.on.is_some()
    }
}

/// A second factor as it was shown. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub enum Shown {
    /// Six digits.
    Code(String),
    /// The hash of a recovery code.
    Recovery(TokenHash),
}

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shown(…)")
    }
}

/// What may be asked of a second factor. That the caller knows the password, where that is needed, was checked before.
#[derive(Debug, Clone, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum FactorCommand {
    /// Make a secret; one that was made before and not confirmed is thrown away.
    Offer {
        /// The key of this person's data.
        key: KeyId,
        /// Random.
        secret: TotpSecret,
        /// Now.
        at: Timestamp,
    },
    /// Take the secret into use.
    Enable {
        /// The key of this person's data.
        key: KeyId,
        /// A code of the secret.
        shown: Shown,
        /// The hashes of the recovery codes.
        recovery_codes: Vec<TokenHash>,
        /// Now.
        at: Timestamp,
    },
    /// Sign in.
    Use {
        /// What was shown.
        shown: Shown,
        /// Now.
        at: Timestamp,
    },
    /// Do without.
    Disable {
        /// Now.
        at: Timestamp,
    },
}

/// Why a second factor does not do what it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FactorRefusal {
    /// It must be turned off first.
    #[error("the second factor is on already")]
    AlreadyOn,
    /// There is no secret to take into use.
    #[error("no secret was made that could be confirmed")]
    NotOffered,
    /// It is wrong, has expired, or has served already: which of these is not said.
    #[error("the code is wrong")]
    WrongCode,
}

/// Decides about second factors.
#[derive(Debug)]
pub struct FactorDecider;

impl Decider for FactorDecider {
    type Command = FactorCommand;
    type Event = FactorEvent;
    type State = Factor;
    type Refusal = FactorRefusal;

    fn name(command: &FactorCommand) -> &'static str {
        command.into()
    }

    fn decide(factor: &Factor, command: &FactorCommand) -> Result<Vec<FactorEvent>, FactorRefusal> {
        Ok(vec![match (command, &factor.on) {
            (FactorCommand::Offer { .. } | FactorCommand::Enable { .. }, Some(_)) => {
                return Err(FactorRefusal::AlreadyOn);
            }
            (FactorCommand::Offer { key, secret, at }, None) => {
                TotpOffered { key: *key, at: *at, secret: Personal::Clear(secret.clone()) }.into()
            }
            (FactorCommand::Enable { key, shown, recovery_codes, at }, None) => {
                let secret = factor.offered.as_ref().ok_or(FactorRefusal::NotOffered)?;
                let step = step_of(secret, shown, *at).ok_or(FactorRefusal::WrongCode)?;
                let recovery_codes = Personal::Clear(recovery_codes.clone());
                TotpEnabled { key: *key, step, at: *at, recovery_codes }.into()
            }
            (FactorCommand::Use { shown, at }, Some(on)) => on.take(shown, *at).ok_or(FactorRefusal::WrongCode)?,
            // also a secret that was made and never confirmed
            (FactorCommand::Disable { at }, _) if *factor != Factor::default() => TotpDisabled { at: *at }.into(),
            (FactorCommand::Disable { .. }, _) | (FactorCommand::Use { .. }, None) => return Ok(vec![]),
        }])
    }

    fn evolve(factor: &mut Factor, event: &FactorEvent) {
        match event {
            FactorEvent::Offered(event) => factor.offered = event.secret.clear().cloned(),
            FactorEvent::Enabled(event) => {
                let codes = event.recovery_codes.clear();
                let recovery_codes = codes.map(|codes| codes.iter().copied().map(Some).collect()).unwrap_or_default();
                factor.on = factor.offered.take().map(|secret| On { secret, step: event.step, recovery_codes });
            }
            FactorEvent::CodeUsed(event) => {
                if let Some(on) = &mut factor.on {
                    on.step = on.step.max(event.step);
                }
            }
            FactorEvent::RecoveryCodeUsed(event) => {
                let which = usize::try_from(event.which).ok();
                if let (Some(on), Some(which)) = (&mut factor.on, which)
                    && let Some(code) = on.recovery_codes.get_mut(which)
                {
                    *code = None;
                }
            }
            FactorEvent::Disabled(_) => *factor = Factor::default(),
        }
    }
}

fn step_of(secret: &TotpSecret, shown: &Shown, at: Timestamp) -> Option<u64> {
    match shown {
        Shown::Code(code) => secret.step_of(code, at),
        Shown::Recovery(_) => None,
    }
}

impl On {
    fn take(&self, shown: &Shown, at: Timestamp) -> Option<FactorEvent> {
        match shown {
            Shown::Code(_) => {
                let step = step_of(&self.secret, shown, at).filter(|step| *step > self.step)?;
                Some(TotpCodeUsed { step, at }.into())
            }
            Shown::Recovery(shown) => {
                // all are looked at, wherever the right one stands
                let mut found = None;
                for (which, code) in (0..).zip(&self.recovery_codes) {
                    if code.is_some_and(|code| bool::from(code.0.ct_eq(&shown.0))) {
                        found = Some(which);
                    }
                }
                let which = found?;
                Some(RecoveryCodeUsed { which, at }.into())
            }
        }
    }
}
