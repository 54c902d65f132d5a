//! What the index keeps of texts: numbers that say what may be found where, and not what was said.

use tidings_domain::ConversationId;

use super::{Kind, Piece, pieces};

/// Words of at least so many letters are found by how they begin.
pub(super) const PREFIX: usize = 3;
/// And by so many, which far fewer have in common.
const LONGER_PREFIX: usize = 5;

/// All fingerprints of a text in a conversation, each once, in order.
pub(crate) fn of_text<'a>(conversation: ConversationId, texts: impl IntoIterator<Item = &'a str>) -> Vec<i64> {
    let mut found: Vec<i64> = Vec::new();
    for piece in texts.into_iter().flat_map(pieces) {
        each_of(&piece, |part| found.push(fingerprint(conversation, part)));
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The fingerprints that a text in a conversation must have, to hold what is wanted; the most telling ones of each piece.
pub(crate) fn fingerprints(conversation: ConversationId, wanted: &[Piece]) -> Vec<i64> {
    let mut must: Vec<i64> = Vec::new();
    for piece in wanted {
        let chars = &piece.chars;
        match piece.kind {
            Kind::Word if chars.len() >= LONGER_PREFIX => must.push(fingerprint(conversation, &chars[..LONGER_PREFIX])),
            Kind::Word if chars.len() >= PREFIX => must.push(fingerprint(conversation, &chars[..PREFIX])),
            Kind::Run if chars.len() > 1 => must.extend(chars.windows(2).map(|two| fingerprint(conversation, two))),
            Kind::Word | Kind::Run | Kind::Symbol => must.push(fingerprint(conversation, chars)),
        }
    }
    must.sort_unstable();
    must.dedup();
    must
}

/// Whatever of a piece may be asked for.
fn each_of(piece: &Piece, mut part: impl FnMut(&[char])) {
    let chars = &piece.chars;
    match piece.kind {
        Kind::Word => {
            part(&chars[..chars.len().min(PREFIX)]);
            if chars.len() >= LONGER_PREFIX {
                part(&chars[..LONGER_PREFIX]);
            }
        }
        Kind::Run => {
            chars.chunks(1).for_each(&mut part);
            chars.windows(2).for_each(&mut part);
        }
        Kind::Symbol => part(chars),
    }
}

/// 47 bits, which SQLite keeps in six bytes. Two parts may share one: what is found is looked at before it is shown.
fn fingerprint(conversation: ConversationId, part: &[char]) -> i64 {
    let mut bytes = Vec::with_capacity(16 + 4 * part.len());
    bytes.extend_from_slice(conversation.as_bytes());
    bytes.extend(part.iter().flat_map(|c| u32::from(*c).to_le_bytes()));
    let hash = blake3::hash(&bytes);
    hash.as_bytes().iter().take(6).fold(0, |number, byte| number << 8 | i64::from(*byte)) & (i64::MAX >> 16)
}
