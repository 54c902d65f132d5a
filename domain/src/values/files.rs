//! What files are called.

use super::{Invalid, text_value};

/// The longest name of a file, in characters.
const MAX_CHARS: usize = 200;

text_value! {
    /// The name of an uploaded file, harmless wherever it is stored: 1–200 characters, no directories, nothing invisible that
    /// changes how it reads.
    FileName
}

impl FileName {
    /// Takes the last part of a path, leaves out what cannot be seen, and puts `_` for what some system takes for more than
    /// a letter. A name that is too long loses its middle and keeps its ending.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let last = text.rsplit(['/', '\\']).next().unwrap_or_default();
        let shown: String = last.chars().filter(|c| !is_invisible(*c)).map(harmless).collect();
        // a dot at the front hides a file, one at the end is dropped by some systems
        let trimmed = shown.trim_matches(|c: char| c.is_whitespace() || c == '.');
        if trimmed.is_empty() { Err(Invalid("must be the name of a file")) } else { Ok(Self(shortened(trimmed))) }
    }
}

/// Control characters, and those of Unicode that turn the reading direction or have no width.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

const fn harmless(c: char) -> char {
    match c {
        '<' | '>' | ':' | '"' | '|' | '?' | '*' => '_',
        other => other,
    }
}

fn shortened(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    if chars.len() <= MAX_CHARS {
        return name.to_owned();
    }
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let kept = if ending.len() <= 16 { ending.chars().count() + 1 } else { 0 };
    let (front, back) = (&chars[..MAX_CHARS - kept], &chars[chars.len() - kept..]);
    front.iter().chain(back).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Option<String> {
        FileName::parse(text).ok().map(FileName::into_string)
    }

    #[test]
    fn a_file_name_keeps_what_people_wrote() {
        for name in ["cat.gif", "Jahresbericht 2026 (final).pdf", "猫.png", "a.b.c", "it's \u{1f408}.webp"] {
            assert_eq!(named(name).as_deref(), Some(name));
        }
    }

    #[test]
    fn a_path_is_only_its_last_part() {
        assert_eq!(named("../../etc/passwd").as_deref(), Some("passwd"));
        assert_eq!(named("C:\\Users\\ada\\cat.gif").as_deref(), Some("cat.gif"));
        assert_eq!(named("/").as_deref(), None);
        assert_eq!(named("..").as_deref(), None);
        assert_eq!(named(".htaccess").as_deref(), Some("htaccess"));
    }

    #[test]
    fn a_file_name_has_nothing_in_it_that_deceives() {
        assert_eq!(named("photo\u{202e}gpj.exe").as_deref(), Some("photogpj.exe"));
        assert_eq!(named("a\r\nb\0.txt").as_deref(), Some("ab.txt"));
        assert_eq!(named("a\"; filename=b.exe").as_deref(), Some("a_; filename=b.exe"));
        assert_eq!(named(" . \u{feff}"), None);
    }

    #[test]
    fn a_long_name_keeps_its_ending() {
        let name = named(&format!("{}.jpeg", "ä".repeat(500))).unwrap();
        assert_eq!((name.chars().count(), name.ends_with("ä.jpeg")), (200, true));
        assert_eq!(named(&"x".repeat(500)).unwrap().len(), 200);
        assert_eq!(FileName::parse(&name).unwrap().as_str(), name);
    }
}
