//! Time-based one-time passwords (RFC 6238).

use serde::{Deserialize, Serialize};
use totp_rs::{Builder, Secret, Totp};

use super::Invalid;
use crate::Timestamp;

/// How many bytes a secret has: as many as the hash, as RFC 4226 section 4 recommends.
pub const TOTP_SECRET_BYTES: usize = 20;

/// How many steps a clock may be off, either way.
const DRIFT: u16 = 1;

/// A secret that a person's authenticator shares with the server, in base32. Never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TotpSecret(String);

impl std::fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TotpSecret(…)")
    }
}

impl TotpSecret {
    /// Takes random bytes as a secret.
    pub fn from_bytes(bytes: [u8; TOTP_SECRET_BYTES]) -> Self {
        Self(Secret::from(bytes).to_base32())
    }

    /// In base32, as a person types it who cannot scan a picture.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What authenticators read from a picture: `otpauth://totp/…`. None for a name that such an address cannot hold.
    pub fn uri(&self, issuer: &str, account: &str) -> Option<String> {
        let totp = self.builder()?.with_issuer(Some(issuer)).with_account_name(account).build().ok()?;
        totp.to_url().ok()
    }

    /// The step for which this is the code, if it is the one of now or of a neighbour. Compared in constant time.
    pub fn step_of(&self, code: &str, at: Timestamp) -> Option<u64> {
        self.totp()?.check(code, seconds(at))
    }

    /// The code of a moment, as an authenticator shows it.
    pub fn code_at(&self, at: Timestamp) -> Option<String> {
        Some(self.totp()?.generate(seconds(at)).to_string())
    }

    fn builder(&self) -> Option<Builder> {
        Some(Builder::new().with_secret(Secret::try_from_base32(&self.0).ok()?).with_skew(DRIFT))
    }

    fn totp(&self) -> Option<Totp> {
        self.builder()?.build().ok()
    }
}

fn seconds(at: Timestamp) -> u64 {
    u64::try_from(at.millis() / 1000).unwrap_or_default()
}

/// What somebody typed as a second factor. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub enum Otp {
    /// Six digits from an authenticator.
    Code(String),
    /// One of the codes for when there is no authenticator: as it was given out, without hyphens, in lower case.
    Recovery(String),
}

impl std::fmt::Debug for Otp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Otp(…)")
    }
}

impl Otp {
    /// Spaces and hyphens do not count, nor do capitals. What can be neither is an error.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let plain: String = text.chars().filter(|c| !matches!(c, ' ' | '-')).take(64).collect();
        if plain.len() == 6 && plain.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self::Code(plain))
        } else if plain.len() == 16 && plain.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            Ok(Self::Recovery(plain.to_ascii_lowercase()))
        } else {
            Err(Invalid("must be six digits or a recovery code"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, the first column: of eight digits the last six.
    #[test]
    fn codes_are_those_of_the_standard() {
        let secret = TotpSecret::from_bytes(*b"12345678901234567890");
        for (second, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            assert_eq!(secret.code_at(Timestamp::from_millis(second * 1000)).as_deref(), Some(code));
        }
    }

    #[test]
    fn a_clock_may_be_one_step_off_either_way() {
        let secret = TotpSecret::from_bytes([7; TOTP_SECRET_BYTES]);
        let at = Timestamp::from_millis(1_100_521_080_000);
        let code = secret.code_at(at).unwrap();
        let step = secret.step_of(&code, at);
        assert!(step.is_some());
        for (after, seen) in [(-60_000, None), (-30_000, step), (30_000, step), (60_000, None)] {
            assert_eq!(secret.step_of(&code, at.plus_millis(after)), seen, "{after}");
        }
        for wrong in ["", "12345", "1234567", "abcdef"] {
            assert_eq!(secret.step_of(wrong, at), None, "{wrong:?}");
        }
    }

    #[test]
    fn the_address_for_authenticators_names_issuer_and_account() {
        let secret = TotpSecret::from_bytes([7; TOTP_SECRET_BYTES]);
        let uri = secret.uri("Tidings", "ada.lovelace").unwrap();
        assert!(uri.starts_with("otpauth://totp/Tidings:ada.lovelace?"), "{uri}");
        assert!(uri.contains(secret.as_str()) && uri.contains("issuer=Tidings"), "{uri}");
        assert!(!format!("{secret:?}").contains(secret.as_str()));
    }

    #[test]
    fn what_is_typed_is_a_code_or_a_recovery_code() {
        assert_eq!(Otp::parse("123 456"), Ok(Otp::Code("123456".to_owned())));
        assert_eq!(Otp::parse("ABCD-efgh-2345-6789"), Ok(Otp::Recovery("abcdefgh23456789".to_owned())));
        for wrong in ["", "12345", "1234567", "１２３４５６", "abcd", &"x".repeat(17), &"1".repeat(1000)] {
            assert!(Otp::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
