//! What people and conversations are called.

use super::{Invalid, one_line, text_value};

text_value! {
    /// A first or last name: 1–100 characters on one line.
    PersonName
}

impl PersonName {
    /// Trims and checks.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        one_line(text, 100, "must be 1 to 100 characters on one line").map(Self)
    }

    /// Takes a name from a history exactly as it was written there, spaces at its ends included: two people may be told
    /// apart by nothing else.
    pub fn as_written(text: &str) -> Result<Self, Invalid> {
        Self::parse(text).map(|_| Self(text.to_owned()))
    }
}

text_value! {
    /// The name of a group: 1–255 characters on one line.
    ConversationName
}

impl ConversationName {
    /// Trims and checks.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        one_line(text, 255, "must be 1 to 255 characters on one line").map(Self)
    }
}

text_value! {
    /// What a person calls the device a session runs on: 1–100 characters on one line.
    DeviceName
}

impl DeviceName {
    /// Trims and checks.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        one_line(text, 100, "must be 1 to 100 characters on one line").map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed_and_stays_on_one_line() {
        assert_eq!(PersonName::parse("  Ada \t").map(PersonName::into_string), Ok("Ada".to_owned()));
        assert_eq!(PersonName::parse("|trey|").map(PersonName::into_string), Ok("|trey|".to_owned()));
        assert_eq!(PersonName::as_written("zcat[1] ").map(PersonName::into_string), Ok("zcat[1] ".to_owned()));
        for wrong in ["", "  ", "a\nb", "a\0b", "a\u{2028}b", &"x".repeat(101)] {
            assert!(PersonName::parse(wrong).is_err(), "{wrong:?}");
        }
        assert!(ConversationName::parse(&"ß".repeat(255)).is_ok());
        assert!(ConversationName::parse(&"ß".repeat(256)).is_err());
    }
}
