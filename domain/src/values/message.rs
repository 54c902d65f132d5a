//! What a message is made of.

use super::{Invalid, text_value};

/// The longest body, in bytes of UTF-8.
pub const MAX_BODY_BYTES: usize = 65_536;

text_value! {
    /// The text of a message: 1–65,536 bytes, any characters but U+0000 (which PostgreSQL cannot keep in text).
    /// End-to-end encrypted bodies are base64 and pass through untouched.
    Body
}

impl Body {
    /// Checks the length in bytes.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.is_empty() || text.len() > MAX_BODY_BYTES {
            return Err(Invalid("must be 1 to 65536 bytes"));
        }
        if text.contains('\0') {
            return Err(Invalid("must not contain U+0000"));
        }
        Ok(Self(text.to_owned()))
    }
}

text_value! {
    /// What a message is about: 1–255 characters on one line.
    Subject
}

impl Subject {
    /// Trims and checks.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        super::one_line(text, 255, "must be 1 to 255 characters on one line").map(Self)
    }
}

text_value! {
    /// The media type of a body (RFC 9110 section 8.3), at most 255 characters.
    ContentType
}

impl ContentType {
    /// Checks the syntax and folds it to lower case outside parameters' values.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let wrong = Invalid("must be a media type such as text/plain");
        if text.len() > 255 || text.contains('*') {
            return Err(wrong);
        }
        match text.parse::<mime::Mime>() {
            Ok(mime) if !mime.subtype().as_str().is_empty() => Ok(Self(mime.to_string())),
            _ => Err(wrong),
        }
    }

    /// What a body is unless it says otherwise.
    pub fn plain_text() -> Self {
        Self("text/plain".to_owned())
    }

    /// Whether the server may read the body as text, to find mentions in it.
    pub fn is_text(&self) -> bool {
        self.0.starts_with("text/")
    }
}

text_value! {
    /// Exactly one emoji, in its fully qualified form (Unicode UTS #51).
    Emoji
}

impl Emoji {
    /// Accepts any recommended sequence, also without its variation selector; `👍` and a bare heart are each one emoji.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        // digits, `#` and `*` are the unqualified forms of keycaps, but nobody means those by them
        if text.is_ascii() {
            return Err(Invalid("must be exactly one emoji"));
        }
        let known = emojis::get(text).or_else(|| emojis::get(&format!("{text}\u{fe0f}")));
        known.map(|emoji| Self(emoji.as_str().to_owned())).ok_or(Invalid("must be exactly one emoji"))
    }

    /// Every emoji there is, in its fully qualified form, without skin tones.
    pub fn all() -> impl Iterator<Item = &'static str> {
        emojis::iter().map(emojis::Emoji::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_measured_in_bytes() {
        assert!(Body::parse(&"x".repeat(MAX_BODY_BYTES)).is_ok());
        assert!(Body::parse(&"ß".repeat(MAX_BODY_BYTES / 2 + 1)).is_err());
        assert!(Body::parse("").is_err());
        assert!(Body::parse("a\0b").is_err());
        assert_eq!(Body::parse(" spaces stay ").unwrap().as_str(), " spaces stay ");
    }

    #[test]
    fn a_content_type_is_a_media_type() {
        assert_eq!(ContentType::parse("Text/Plain; charset=UTF-8").unwrap().as_str(), "text/plain; charset=utf-8");
        assert!(ContentType::parse("application/mls-message").is_ok());
        for wrong in ["", "text", "text/", "text/*", "*/*", "a b/c"] {
            assert!(ContentType::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_reaction_is_one_emoji_in_one_spelling() {
        for (written, kept) in [
            ("👍", "👍"),
            ("👍🏽", "👍🏽"),
            ("❤", "❤️"),
            ("❤️", "❤️"),
            ("🇪🇺", "🇪🇺"),
            ("1️⃣", "1️⃣"),
            ("👩‍👩‍👧‍👦", "👩‍👩‍👧‍👦"),
            ("🏴‍☠️", "🏴‍☠️"),
        ] {
            assert_eq!(Emoji::parse(written).map(Emoji::into_string), Ok(kept.to_owned()), "{written}");
        }
        assert!(Emoji::all().all(|emoji| Emoji::parse(emoji).is_ok_and(|parsed| parsed.as_str() == emoji)));
        for wrong in ["", "a", "1", "👍👍", "👍 ", "🇪", ":+1:", "\u{fe0f}"] {
            assert!(Emoji::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
