//! What can have happened to a second factor.

use serde::{Deserialize, Serialize};

use crate::{KeyId, Personal, SealKeys, Timestamp, event::events, session::TokenHash, values::TotpSecret};

events! {
    /// Of the stream `factor-{user}`.
    pub enum FactorEvent {
        /// A secret was made. It asks for nothing until a code has shown that an authenticator has it.
        Offered(TotpOffered) = "totp_offered" seals secret,
        /// A code of it was shown: from here on signing in takes one.
        Enabled(TotpEnabled) = "totp_enabled" seals recovery_codes,
        /// Somebody signed in with a code.
        CodeUsed(TotpCodeUsed) = "totp_code_used",
        /// Somebody signed in with a recovery code.
        RecoveryCodeUsed(RecoveryCodeUsed) = "recovery_code_used",
        /// Signing in takes the password alone.
        Disabled(TotpDisabled) = "totp_disabled",
    }
}

/// See [`FactorEvent::Offered`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TotpOffered {
    /// The key of this person's data.
    pub key: KeyId,
    /// When.
    pub at: Timestamp,
    /// What the authenticator is given.
    #[serde(skip)]
    pub secret: Personal<TotpSecret>,
}

/// See [`FactorEvent::Enabled`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TotpEnabled {
    /// The key of this person's data.
    pub key: KeyId,
    /// The step of the code that was shown.
    pub step: u64,
    /// When.
    pub at: Timestamp,
    /// The hashes of the recovery codes, in the order in which they were given out.
    #[serde(skip)]
    pub recovery_codes: Personal<Vec<TokenHash>>,
}

/// See [`FactorEvent::CodeUsed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TotpCodeUsed {
    /// The step of the code: no code of it or of an earlier one is taken again.
    pub step: u64,
    /// When.
    pub at: Timestamp,
}

/// See [`FactorEvent::RecoveryCodeUsed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryCodeUsed {
    /// Which of them, from 0.
    pub which: u32,
    /// When.
    pub at: Timestamp,
}

/// See [`FactorEvent::Disabled`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TotpDisabled {
    /// When.
    pub at: Timestamp,
}

impl TotpOffered {
    pub(crate) const fn seal_keys(&self) -> SealKeys {
        SealKeys { own: self.key, author: None }
    }
}

impl TotpEnabled {
    pub(crate) const fn seal_keys(&self) -> SealKeys {
        SealKeys { own: self.key, author: None }
    }
}
