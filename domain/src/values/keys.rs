//! What a device publishes so that others may write to it end to end encrypted. The server hands keys on and reads none.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{Invalid, text_value};

text_value! {
    /// How an account tells its devices apart: 1–64 of `A–Z a–z 0–9 _ . -`.
    DeviceId
}

impl DeviceId {
    /// Checks. Capitals count: it is the client's own name.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        if (1..=64).contains(&text.len()) && text.chars().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid("must be 1 to 64 of the characters A-Z, a-z, 0-9, '_', '.' and '-'"))
        }
    }
}

/// The most bytes of one public key or key package: room for those that withstand quantum computers. In base64 it ends
/// without padding, so that the longest text has the most bytes.
pub const MAX_PUBLIC_KEY_BYTES: usize = 8_190;

text_value! {
    /// A public key or key package of any scheme, 1–8,190 bytes as base64 (RFC 4648 section 4, padded). Kept as it was
    /// written.
    PublicKey
}

impl PublicKey {
    /// Checks the encoding and the length.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let most = MAX_PUBLIC_KEY_BYTES.div_ceil(3) * 4;
        let decoded = if text.len() <= most { BASE64_STANDARD.decode(text).ok() } else { None };
        match decoded {
            Some(bytes) if (1..=MAX_PUBLIC_KEY_BYTES).contains(&bytes.len()) => Ok(Self(text.to_owned())),
            Some(_) | None => Err(Invalid("must be 1 to 8190 bytes in base64, padded")),
        }
    }

    /// How many bytes it has, decoded.
    pub fn len(&self) -> usize {
        let padding = self.0.bytes().rev().take_while(|byte| *byte == b'=').count();
        (self.0.len() / 4 * 3).saturating_sub(padding)
    }

    /// Never, of one that was parsed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_has_a_name_that_fits_into_a_path() {
        for right in ["a", "phone-1", "MacBook_Pro.local"] {
            assert_eq!(DeviceId::parse(right).map(DeviceId::into_string), Ok(right.to_owned()));
        }
        for wrong in ["", "a b", "a/b", "ä", &"x".repeat(65)] {
            assert!(DeviceId::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_public_key_is_base64_of_bounded_length() {
        for (right, length) in [("AA==", 1), ("AAA=", 2), ("AAAA", 3), ("+/+/", 3)] {
            assert_eq!(PublicKey::parse(right).map(|key| key.len()), Ok(length), "{right}");
        }
        let longest = BASE64_STANDARD.encode(vec![7; MAX_PUBLIC_KEY_BYTES]);
        assert_eq!(PublicKey::parse(&longest).map(|key| key.len()), Ok(MAX_PUBLIC_KEY_BYTES));
        let too_long = BASE64_STANDARD.encode(vec![7; MAX_PUBLIC_KEY_BYTES + 1]);
        for wrong in ["", "AA", "AAA", "AB==", "A===", "-_-_", "AAAA ", "a key", too_long.as_str()] {
            assert!(PublicKey::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
