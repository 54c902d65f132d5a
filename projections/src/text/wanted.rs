//! What somebody looks for, and what of a text shows that it is there.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::{Kind, Piece, fingerprints::PREFIX, pieces};

/// The most pieces of a query.
const MOST_PIECES: usize = 16;
/// About how much of a text is shown, in characters as readers count them; and how much of it before what was found.
const SHOWN: usize = 160;
const BEFORE: usize = 40;

/// What is looked for. Every piece of it must be there: a word where one begins with it (a word of one or two letters only as a
/// whole), characters of scripts without spaces wherever they stand together, an emoji as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pieces: Vec<Piece>,
}

/// Nothing that could be looked for, or too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to {MOST_PIECES} words, or characters or emoji to look for")]
pub struct NothingToFind;

/// Why a message was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet {
    /// A part of its body, or of its subject where only that holds anything wanted.
    pub text: String,
    /// What was wanted in it: ranges of bytes, in order, none touching another.
    pub marks: Vec<Range<usize>>,
}

impl Wanted {
    /// What a query asks for.
    pub fn parse(query: &str) -> Result<Self, NothingToFind> {
        let pieces = pieces(query);
        if (1..=MOST_PIECES).contains(&pieces.len()) { Ok(Self { pieces }) } else { Err(NothingToFind) }
    }

    pub(crate) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Why these texts hold all that is wanted; none when they do not. The first with anything of it is shown.
    pub(crate) fn find<'a>(&self, texts: impl IntoIterator<Item = &'a str>) -> Option<Snippet> {
        let mut missing = vec![true; self.pieces.len()];
        let mut shown: Option<(&str, Vec<Range<usize>>)> = None;
        for text in texts {
            let marks = self.marks(text, &mut missing);
            if shown.is_none() && !marks.is_empty() {
                shown = Some((text, marks));
            }
        }
        let (text, marks) = shown.filter(|_| !missing.contains(&true))?;
        Some(snippet(text, &marks))
    }

    fn marks(&self, text: &str, missing: &mut [bool]) -> Vec<Range<usize>> {
        let mut marks = Vec::new();
        for piece in pieces(text) {
            for (wanted, missing) in self.pieces.iter().zip(&mut *missing) {
                let before = marks.len();
                holds(&piece, wanted, |of| marks.push(piece.place(of)));
                *missing &= marks.len() == before;
            }
        }
        marks.sort_unstable_by_key(|mark| (mark.start, mark.end));
        joined(marks)
    }
}

/// Says where a piece of a text holds a wanted one.
fn holds(piece: &Piece, wanted: &Piece, mut found: impl FnMut(Range<usize>)) {
    let (chars, sought) = (&piece.chars, &wanted.chars);
    if piece.kind != wanted.kind {
        return;
    }
    match piece.kind {
        Kind::Word if sought.len() < PREFIX && chars != sought => {}
        Kind::Word if chars.starts_with(sought) => found(0..sought.len()),
        Kind::Symbol if chars == sought => found(0..sought.len()),
        Kind::Word | Kind::Symbol => {}
        Kind::Run => {
            let places = chars.windows(sought.len()).enumerate().filter(|(_, part)| part == sought);
            places.for_each(|(at, _)| found(at..at + sought.len()));
        }
    }
}

fn joined(marks: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut joined: Vec<Range<usize>> = Vec::with_capacity(marks.len());
    for mark in marks {
        match joined.last_mut() {
            Some(last) if mark.start <= last.end => last.end = last.end.max(mark.end),
            Some(_) | None => joined.push(mark),
        }
    }
    joined
}

/// What stands around the first mark, with all marks in it.
fn snippet(text: &str, marks: &[Range<usize>]) -> Snippet {
    let first = marks.first().map_or(0, |mark| mark.start);
    let start = text[..first].grapheme_indices(true).rev().nth(BEFORE - 1).map_or(0, |(at, _)| at);
    let end = text[start..].grapheme_indices(true).nth(SHOWN).map_or(text.len(), |(at, _)| start + at);
    let (before, after) = (if start > 0 { "…" } else { "" }, if end < text.len() { "…" } else { "" });
    let within = |at: usize| at.clamp(start, end) - start + before.len();
    let marks = marks.iter().map(|mark| within(mark.start)..within(mark.end)).filter(|mark| !mark.is_empty());
    Snippet { marks: marks.collect(), text: format!("{before}{}{after}", &text[start..end]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(query: &str, text: &str) -> Option<String> {
        let Snippet { text, marks } = Wanted::parse(query).unwrap().find([text])?;
        let mut shown = String::new();
        let mut at = 0;
        for mark in marks {
            shown.extend([&text[at..mark.start], "[", &text[mark.clone()], "]"]);
            at = mark.end;
        }
        Some(shown + &text[at..])
    }

    #[test]
    fn words_are_found_by_how_they_begin() {
        assert_eq!(found("hel", "Oh, Hello there").as_deref(), Some("Oh, [Hel]lo there"));
        assert_eq!(found("creme BRU", "Crème brûlée?").as_deref(), Some("[Crème] [brû]lée?"));
        assert_eq!(found("llo", "hello"), None);
        assert_eq!(found("hello world", "hello"), None);
        assert_eq!(found("to", "today"), None, "so short a word is a whole one");
        assert_eq!(found("to", "go to bed").as_deref(), Some("go [to] bed"));
    }

    #[test]
    fn any_part_of_a_text_without_spaces_is_found() {
        assert_eq!(found("京", "東京都に行く").as_deref(), Some("東[京]都に行く"));
        assert_eq!(found("京都 行", "東京都に行く").as_deref(), Some("東[京都]に[行]く"));
        assert_eq!(found("京行", "東京都に行く"), None);
        assert_eq!(found("학교", "우리학교에서").as_deref(), Some("우리[학교]에서"));
        assert_eq!(found("สวัสดี", "สวัสดีครับ").as_deref(), Some("[สวัสดี]ครับ"));
    }

    #[test]
    fn an_emoji_is_found_as_it_is() {
        assert_eq!(found("🎉", "well done 🎉🎉!").as_deref(), Some("well done [🎉🎉]!"));
        assert_eq!(found("👍", "👍🏽"), None);
    }

    #[test]
    fn a_snippet_is_a_part_of_a_long_text() {
        let text = format!("{} needle {}", "hay ".repeat(100), "stack ".repeat(100));
        let shown = found("needle", &text).unwrap();
        assert!(shown.starts_with('…') && shown.ends_with('…') && shown.contains(" [needle] "), "{shown}");
        assert!(shown.chars().count() < 170);
    }

    #[test]
    fn what_is_wanted_may_be_parted_between_subject_and_body() {
        let wanted = Wanted::parse("engine room").unwrap();
        let snippet = wanted.find(["It is hot in the room.", "Engines"]).unwrap();
        assert_eq!(snippet.text, "It is hot in the room.");
        assert!(wanted.find(["It is hot.", "Engines"]).is_none());
    }

    #[test]
    fn nothing_to_look_for_is_no_query() {
        for query in ["", "  ", "?!", "a b c d e f g h i j k l m n o p q"] {
            assert_eq!(Wanted::parse(query), Err(NothingToFind), "{query:?}");
        }
    }
}
