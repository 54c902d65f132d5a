//! From a text to what is compared.

use std::ops::Range;

use tidings_domain::values::Emoji;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
use unicode_script::{Script, UnicodeScript};
use unicode_segmentation::UnicodeSegmentation;

/// What a piece of a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Letters and digits between spaces.
    Word,
    /// Characters of a script that puts no spaces between words, or whose words change by what is attached to them.
    Run,
    /// One emoji.
    Symbol,
}

/// A piece of a text, folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) kind: Kind,
    /// Its characters, folded.
    pub(crate) chars: Vec<char>,
    /// Where in the text each of them comes from, in bytes.
    places: Vec<Range<u32>>,
}

impl Piece {
    const fn new(kind: Kind) -> Self {
        Self { kind, chars: Vec::new(), places: Vec::new() }
    }

    fn push(&mut self, c: char, place: Range<u32>) {
        self.chars.push(c);
        self.places.push(place);
    }

    /// Where in the text these of its characters come from, in bytes.
    pub(crate) fn place(&self, of: Range<usize>) -> Range<usize> {
        match (self.places.get(of.start), of.end.checked_sub(1).and_then(|last| self.places.get(last))) {
            (Some(first), Some(last)) => first.start as usize..last.end as usize,
            _ => 0..0,
        }
    }
}

/// The pieces of a text, in order.
pub(crate) fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Pieces { done: Vec::new(), open: None };
    if text.is_ascii() {
        for (at, c) in text.char_indices() {
            if c.is_ascii_alphanumeric() {
                pieces.add(Kind::Word, std::iter::once(c.to_ascii_lowercase()), place(at, 1));
            } else {
                pieces.end();
            }
        }
    } else {
        for (at, cluster) in text.grapheme_indices(true) {
            pieces.cluster(cluster, place(at, cluster.len()));
        }
    }
    pieces.end();
    pieces.done
}

/// Texts are far shorter than four gigabytes.
fn place(at: usize, length: usize) -> Range<u32> {
    let at = u32::try_from(at).unwrap_or(u32::MAX);
    at..at.saturating_add(u32::try_from(length).unwrap_or(u32::MAX))
}

struct Pieces {
    done: Vec<Piece>,
    open: Option<Piece>,
}

impl Pieces {
    fn end(&mut self) {
        self.done.extend(self.open.take());
    }

    fn add(&mut self, kind: Kind, chars: impl Iterator<Item = char>, place: Range<u32>) {
        if self.open.as_ref().is_none_or(|open| open.kind != kind || kind == Kind::Symbol) {
            self.end();
        }
        let open = self.open.get_or_insert_with(|| Piece::new(kind));
        chars.for_each(|c| open.push(c, place.clone()));
    }

    /// What a reader takes for one character.
    fn cluster(&mut self, cluster: &str, place: Range<u32>) {
        if !cluster.is_ascii()
            && let Ok(emoji) = Emoji::parse(cluster)
        {
            return self.add(Kind::Symbol, emoji.as_str().chars(), place);
        }
        let folded = fold(cluster);
        match folded.first() {
            // a mark by itself, or a joiner: the word goes on
            None => {}
            Some(first) if is_run(*first) => self.add(Kind::Run, folded.into_iter(), place),
            Some(first) if first.is_alphanumeric() => self.add(Kind::Word, folded.into_iter(), place),
            Some(_) => self.end(),
        }
    }
}

/// In lower case, compatibility forms as the plain ones, and without what is left out as often as it is written.
fn fold(cluster: &str) -> Vec<char> {
    let lower = cluster.chars().flat_map(char::to_lowercase);
    let kept = lower.nfkd().filter(|c| !is_left_out(*c)).map(|c| if c == 'ς' { 'σ' } else { c });
    kept.nfc().collect()
}

/// Diacritics of Latin, Greek and Cyrillic, points of Hebrew and Arabic, and what is not seen at all. Marks of other scripts are
/// vowels and tones, which make another word.
const fn is_left_out(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}'
        | '\u{670}' | '\u{6d6}'..='\u{6ed}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}')
}

fn is_run(c: char) -> bool {
    if c.is_ascii() || is_combining_mark(c) {
        return false;
    }
    // the sign that lengthens a vowel is of no script in particular
    c == 'ー'
        || matches!(
            c.script(),
            Script::Han
                | Script::Hiragana
                | Script::Katakana
                | Script::Hangul
                | Script::Bopomofo
                | Script::Yi
                | Script::Thai
                | Script::Lao
                | Script::Khmer
                | Script::Myanmar
                | Script::Tibetan
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Vec<(Kind, String)> {
        pieces(text).into_iter().map(|piece| (piece.kind, piece.chars.into_iter().collect())).collect()
    }

    fn words(text: &str) -> Vec<String> {
        seen(text).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn case_and_diacritics_do_not_tell_words_apart() {
        assert_eq!(words("Crème BRÛLÉE, Ёлка Ὀδυσσεύς"), ["creme", "brulee", "елка", "οδυσσευσ"]);
        assert_eq!(words("ﬁne Ｆｕｌｌ １２"), ["fine", "full", "12"]);
    }

    #[test]
    fn vowel_points_and_joiners_are_left_out() {
        assert_eq!(words("مُحَمَّد محـمد أحمد"), ["محمد", "محمد", "احمد"]);
        assert_eq!(words("שָׁלוֹם"), ["שלום"]);
    }

    #[test]
    fn scripts_without_spaces_are_runs_and_emoji_stand_alone() {
        assert_eq!(
            seen("iPhoneで東京🎉🎉 ラーメン"),
            [
                (Kind::Word, "iphone".to_owned()),
                (Kind::Run, "で東京".to_owned()),
                (Kind::Symbol, "🎉".to_owned()),
                (Kind::Symbol, "🎉".to_owned()),
                (Kind::Run, "ラーメン".to_owned()),
            ]
        );
        assert_eq!(seen("👩‍👩‍👧‍👦❤"), [(Kind::Symbol, "👩‍👩‍👧‍👦".to_owned()), (Kind::Symbol, "❤️".to_owned())]);
        assert_eq!(words("ｶﾞｲﾄﾞ 한국어"), ["ガイド", "한국어"]);
        assert!(pieces("… ?! —").is_empty());
    }

    #[test]
    fn a_piece_knows_where_it_came_from() {
        let text = "Ein Straßencafé!";
        let piece = &pieces(text)[1];
        assert_eq!(&text[piece.place(0..piece.chars.len())], "Straßencafé");
        assert_eq!(&text[piece.place(7..11)], "café".get(0..).unwrap());
    }
}
