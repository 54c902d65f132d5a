//! What an account is known and signed in by.

use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::{Invalid, text_value};

text_value! {
    /// 3–32 of `a–z 0–9 _ . -`, folded to lower case; never given out twice.
    Username
}

impl Username {
    /// Folds ASCII capitals and checks.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let folded = text.to_ascii_lowercase();
        let allowed = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '_' | '.' | '-');
        // `me` is too short to be a username, and no UUID fits in 32 characters with its hyphens: a path never doubts
        // whether it names an id or a username.
        if (3..=32).contains(&folded.len()) && folded.chars().all(allowed) {
            Ok(Self(folded))
        } else {
            Err(Invalid("must be 3 to 32 of the characters a-z, 0-9, '_', '.' and '-'"))
        }
    }
}

text_value! {
    /// An email address (RFC 5321 and 6531), at most 254 bytes, as it was written.
    Email
}

impl Email {
    /// Checks the syntax; whether mail arrives there is not known.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let options = email_address::Options::default().without_display_text().without_domain_literal();
        let text = text.trim();
        let valid = text.len() <= 254
            && !text.chars().any(char::is_control)
            && email_address::EmailAddress::parse_with_options(text, options).is_ok();
        if valid { Ok(Self(text.to_owned())) } else { Err(Invalid("must be an email address")) }
    }

    /// The form under which it is unique: domains, and in practice local parts, ignore case.
    pub fn canonical(&self) -> String {
        self.0.to_lowercase()
    }
}

text_value! {
    /// A phone number in E.164 form, `+` and at most 15 digits.
    PhoneNumber
}

impl PhoneNumber {
    /// Accepts the international form with spaces, dots, hyphens and brackets, and keeps the E.164 form. Whether the
    /// numbering plan of some country has such a number is not asked: plans change, and only a call would tell.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let wrong = Invalid("must be a phone number in international (E.164) form, such as +14155552671");
        let Some(written) = text.strip_prefix('+').filter(|written| written.len() < 40) else { return Err(wrong) };
        let allowed = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '.' | '-' | '(' | ')');
        let digits: String = written.chars().filter(char::is_ascii_digit).collect();
        if written.chars().all(allowed) && (7..=15).contains(&digits.len()) && !digits.starts_with('0') {
            Ok(Self(format!("+{digits}")))
        } else {
            Err(wrong)
        }
    }
}

/// A password somebody typed: 8–128 characters. Wiped from memory when dropped and never printed.
#[derive(Debug, Clone)]
pub struct Password(SecretString);

impl Password {
    /// Checks the length, which is all a rule about passwords can do well (NIST SP 800-63B).
    pub fn parse(text: String) -> Result<Self, Invalid> {
        let text = SecretString::from(text);
        let length = text.expose_secret().chars().take(129).count();
        if (8..=128).contains(&length) { Ok(Self(text)) } else { Err(Invalid("must be 8 to 128 characters")) }
    }

    /// The text, for hashing.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// What an account may do beyond messaging.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads the recorded history.
    Auditor,
    /// Runs the installation.
    Operator,
}

impl Role {
    /// As it stands in paths, tokens and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auditor => "auditor",
            Self::Operator => "operator",
        }
    }
}

impl FromStr for Role {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        [Self::Auditor, Self::Operator]
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(Invalid("must be one of: auditor, operator"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_username_is_folded_and_checked() {
        assert_eq!(Username::parse("Ada.Love-lace_1").map(Username::into_string), Ok("ada.love-lace_1".to_owned()));
        for wrong in ["", "me", "ab", "a b c", "ädä", "a/b/c", &"x".repeat(33)] {
            assert!(Username::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn an_email_address_keeps_its_spelling_and_is_unique_without_case() {
        let email = Email::parse(" Ada@Example.ORG ").unwrap();
        assert_eq!((email.as_str(), email.canonical().as_str()), ("Ada@Example.ORG", "ada@example.org"));
        for wrong in ["", "ada", "ada@", "@example.org", "Ada <ada@example.org>", "a@b\n.org", "ada@[127.0.0.1]"] {
            assert!(Email::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_phone_number_is_kept_as_e164() {
        assert_eq!(
            PhoneNumber::parse("+1 (415) 555-2671").map(PhoneNumber::into_string),
            Ok("+14155552671".to_owned())
        );
        for wrong in
            ["", "4155552671", "+1", "+123456", "+0123456789", "+1234567890123456", "+1 415 555 2671 ext 3", "+49abc"]
        {
            assert!(PhoneNumber::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_password_is_measured_in_characters_and_never_printed() {
        assert!(Password::parse("ß".repeat(7)).is_err());
        assert!(Password::parse("ß".repeat(8)).is_ok());
        assert!(Password::parse("x".repeat(129)).is_err());
        let password = Password::parse("correct horse".to_owned()).unwrap();
        assert!(!format!("{password:?}").contains("horse"));
    }
}
