//! What a message is made of.

use std::{collections::HashMap, sync::LazyLock};

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

/// No emoji takes more: the longest have some 40 bytes.
const MAX_EMOJI_BYTES: usize = 128;

/// The emoji that have variation selectors, by what they are without them.
static QUALIFIED: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let toned = |emoji: &'static emojis::Emoji| emoji.skin_tones().into_iter().flatten();
    let all = emojis::iter().flat_map(|emoji| std::iter::once(emoji).chain(toned(emoji)));
    let written = all.map(emojis::Emoji::as_str);
    written.filter(|emoji| emoji.contains(VS16)).map(|emoji| (without_selectors(emoji), emoji)).collect()
});

/// Asks for the coloured picture rather than the black sign.
const VS16: char = '\u{fe0f}';

fn without_selectors(text: &str) -> String {
    text.chars().filter(|c| *c != VS16).collect()
}

impl Emoji {
    /// Accepts any sequence that Unicode recommends for interchange: with skin tones, flags, keycaps, joined ones. Variation
    /// selectors (VS16) may be missing or too many: however an emoji is written, it is the same reaction.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        const WRONG: Invalid = Invalid("must be exactly one emoji");
        if text.len() > MAX_EMOJI_BYTES {
            return Err(WRONG);
        }
        let bare = without_selectors(text);
        // digits, `#` and `*` are the unqualified forms of keycaps, but nobody means those by them
        if bare.is_ascii() {
            return Err(WRONG);
        }
        let known = QUALIFIED.get(bare.as_str()).copied().or_else(|| emojis::get(&bare).map(emojis::Emoji::as_str));
        known.map(|emoji| Self(emoji.to_owned())).ok_or(WRONG)
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
            // without some or all of the selectors, and with one too many
            ("\u{1f3f4}\u{200d}\u{2620}", "🏴‍☠️"),
            ("1\u{20e3}", "1️⃣"),
            ("❤\u{200d}🔥", "❤️‍🔥"),
            ("👁\u{200d}🗨", "👁️‍🗨️"),
            ("👁\u{fe0f}\u{200d}🗨", "👁️‍🗨️"),
            ("👍\u{fe0f}", "👍"),
            ("☝\u{fe0f}\u{1f3fd}", "☝🏽"),
            ("🏳\u{200d}🌈", "🏳️‍🌈"),
            // modifiers in joined sequences, a subdivision's flag, the longest family
            ("👩🏽‍🚀", "👩🏽‍🚀"),
            ("🧑🏻‍❤‍💋‍🧑🏿", "🧑🏻‍❤️‍💋‍🧑🏿"),
            ("🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"),
            ("#\u{fe0f}\u{20e3}", "#️⃣"),
            ("©", "©️"),
        ] {
            assert_eq!(Emoji::parse(written).map(Emoji::into_string), Ok(kept.to_owned()), "{written}");
        }
        assert!(Emoji::all().all(|emoji| Emoji::parse(emoji).is_ok_and(|parsed| parsed.as_str() == emoji)));
        let endless = "👍\u{200d}".repeat(1_000);
        for wrong in [
            "",
            "a",
            "1",
            "1\u{fe0f}",
            "👍👍",
            "👍 ",
            " 👍",
            "🇪",
            "🇪🇪🇪",
            ":+1:",
            "\u{fe0f}",
            "\u{200d}",
            "❤\u{fe0e}",
            "\u{1f3fd}",
            "👍\u{200d}",
            "👍🏽🏽",
            "🏴\u{e0067}",
            &endless,
        ] {
            assert!(Emoji::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn every_emoji_is_itself_with_and_without_selectors() {
        let toned = |emoji: &'static emojis::Emoji| emoji.skin_tones().into_iter().flatten();
        for emoji in emojis::iter().flat_map(|emoji| std::iter::once(emoji).chain(toned(emoji))) {
            let (emoji, bare) = (emoji.as_str(), without_selectors(emoji.as_str()));
            assert_eq!(Emoji::parse(emoji).map(Emoji::into_string).as_deref(), Ok(emoji));
            if !bare.is_ascii() {
                assert_eq!(Emoji::parse(&bare).map(Emoji::into_string).as_deref(), Ok(emoji));
            }
        }
    }
}
