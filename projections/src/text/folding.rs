//! From a text to what is compared.

use std::{ops::Range, sync::LazyLock};

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

/// What takes the pieces of a text, in order.
trait Sink {
    /// What follows belongs to a piece of this kind: to the one that is open, unless that is another or a symbol.
    fn begin(&mut self, kind: Kind);

    /// A character of the piece, folded, and where in the text it comes from.
    fn push(&mut self, c: char, place: Range<u32>);

    /// No piece is open any more.
    fn end(&mut self);
}

/// The pieces of a text, in order.
pub(crate) fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Pieces { done: Vec::new(), open: None };
    split(text, &mut pieces);
    pieces.done
}

/// The same one by one, for whoever needs no more than their characters.
pub(super) fn each_piece(text: &str, take: impl FnMut(Kind, &[char])) {
    split(text, &mut Each { kind: None, chars: Vec::new(), take });
}

fn split(text: &str, into: &mut impl Sink) {
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if is_simple(c) && chars.peek().is_none_or(|(_, next)| is_simple(*next)) {
            take_simple(c, place(at, c.len_utf8()), into);
            continue;
        }
        // up to where two follow each other that are simple
        let (mut before, mut end) = (c, text.len());
        while let Some((next_at, next)) = chars.next_if(|(_, next)| !(is_simple(before) && is_simple(*next))) {
            (before, end) = (next, next_at + next.len_utf8());
        }
        for (offset, cluster) in text[at..end].grapheme_indices(true) {
            take_cluster(cluster, &place(at + offset, cluster.len()), into);
        }
    }
    into.end();
}

/// Whether readers take it for one character beside any others like it: nothing of this kind joins another.
const fn is_simple(c: char) -> bool {
    c.is_ascii()
        || matches!(c, FIRST_LETTER..='\u{24f}' | '\u{370}'..='\u{482}' | '\u{48a}'..=LAST_LETTER
            | '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' | '\u{4e00}'..='\u{9fff}')
}

/// Simple ones between these are of Latin, Greek or Cyrillic script; those after them are of runs, and folded to themselves.
const FIRST_LETTER: char = '\u{c0}';
const LAST_LETTER: char = '\u{52f}';

/// What letters are folded to, from the first one on.
static LETTERS: LazyLock<Vec<Box<[char]>>> = LazyLock::new(|| {
    (FIRST_LETTER..=LAST_LETTER).map(|letter| fold(letter.encode_utf8(&mut [0; 4])).collect()).collect()
});

/// The same as [`take_cluster`] for what is simple.
fn take_simple(c: char, place: Range<u32>, into: &mut impl Sink) {
    if c.is_ascii_alphanumeric() {
        into.begin(Kind::Word);
        into.push(c.to_ascii_lowercase(), place);
    } else if c > LAST_LETTER {
        into.begin(Kind::Run);
        into.push(c, place);
    } else {
        let nth = u32::from(c).checked_sub(u32::from(FIRST_LETTER)).and_then(|nth| usize::try_from(nth).ok());
        match nth.and_then(|nth| LETTERS.get(nth)).map(|letters| &**letters) {
            Some(letters @ [first, ..]) if first.is_alphanumeric() => {
                into.begin(Kind::Word);
                for letter in letters {
                    into.push(*letter, place.clone());
                }
            }
            Some([]) => {}
            Some([..]) | None => into.end(),
        }
    }
}

/// Texts are far shorter than four gigabytes.
fn place(at: usize, length: usize) -> Range<u32> {
    let at = u32::try_from(at).unwrap_or(u32::MAX);
    at..at.saturating_add(u32::try_from(length).unwrap_or(u32::MAX))
}

/// What a reader takes for one character.
fn take_cluster(cluster: &str, place: &Range<u32>, into: &mut impl Sink) {
    if !cluster.is_ascii()
        && !is_letter(cluster)
        && let Ok(emoji) = Emoji::parse(cluster)
    {
        into.begin(Kind::Symbol);
        return emoji.as_str().chars().for_each(|c| into.push(c, place.clone()));
    }
    let mut folded = fold(cluster);
    match folded.next() {
        // a mark by itself, or a joiner: the word goes on
        None => {}
        Some(first) if is_run(first) || first.is_alphanumeric() => {
            into.begin(if is_run(first) { Kind::Run } else { Kind::Word });
            into.push(first, place.clone());
            folded.for_each(|c| into.push(c, place.clone()));
        }
        Some(_) => into.end(),
    }
}

/// Whether it is one character from a range in which there are no emoji.
fn is_letter(cluster: &str) -> bool {
    let mut chars = cluster.chars();
    matches!(
        (chars.next(), chars.next()),
        (
            Some('\u{c0}'..='\u{1fff}' | '\u{3041}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}'),
            None,
        )
    )
}

struct Pieces {
    done: Vec<Piece>,
    open: Option<Piece>,
}

impl Sink for Pieces {
    fn begin(&mut self, kind: Kind) {
        if self.open.as_ref().is_none_or(|open| open.kind != kind || kind == Kind::Symbol) {
            self.end();
            self.open = Some(Piece::new(kind));
        }
    }

    fn push(&mut self, c: char, place: Range<u32>) {
        if let Some(open) = &mut self.open {
            open.push(c, place);
        }
    }

    fn end(&mut self) {
        self.done.extend(self.open.take());
    }
}

struct Each<F> {
    kind: Option<Kind>,
    chars: Vec<char>,
    take: F,
}

impl<F: FnMut(Kind, &[char])> Sink for Each<F> {
    fn begin(&mut self, kind: Kind) {
        if self.kind != Some(kind) || kind == Kind::Symbol {
            self.end();
            self.kind = Some(kind);
        }
    }

    fn push(&mut self, c: char, _place: Range<u32>) {
        self.chars.push(c);
    }

    fn end(&mut self) {
        if let Some(kind) = self.kind.take() {
            (self.take)(kind, &self.chars);
            self.chars.clear();
        }
    }
}

/// In lower case, compatibility forms as the plain ones, and without what is left out as often as it is written.
fn fold(cluster: &str) -> impl Iterator<Item = char> {
    let lower = cluster.chars().flat_map(char::to_lowercase);
    let kept = lower.nfkd().filter(|c| !is_left_out(*c)).map(|c| if c == 'ς' { 'σ' } else { c });
    kept.nfc()
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
mod tests;
