//! What the index keeps of texts: numbers that say what may be found where, and not what was said.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;
use tidings_domain::ConversationId;

use super::{Kind, Piece, folding::each_piece};

/// Words of at least so many letters are found by how they begin.
pub(super) const PREFIX: usize = 3;
/// And by so many, which far fewer have in common.
const LONGER_PREFIX: usize = 5;

/// Makes the fingerprints of one conversation. Those of a conversation begin with the same 31 bits, so that an index keeps them side by
/// side; 32 bits more are the part's. Two parts may share one: what is found is looked at before it is shown.
#[derive(Clone, Copy)]
struct Within(SipHasher13);

impl Within {
    fn new(conversation: ConversationId) -> Self {
        Self(SipHasher13::new_with_key(conversation.as_bytes()))
    }

    fn base(self) -> i64 {
        i64::from(u32::MAX >> 1 & low_half(self.0.finish())) << 32
    }

    fn part(self, base: i64, part: &[char]) -> i64 {
        // most are as short as this
        let mut bytes = [0; 4 * LONGER_PREFIX];
        let hash = if let Some(bytes) = bytes.get_mut(..4 * part.len()) {
            for (bytes, c) in bytes.as_chunks_mut().0.iter_mut().zip(part) {
                *bytes = u32::from(*c).to_le_bytes();
            }
            self.0.hash(bytes)
        } else {
            let mut hasher = self.0;
            for c in part {
                hasher.write(&u32::from(*c).to_le_bytes());
            }
            hasher.finish()
        };
        base | i64::from(low_half(hash))
    }
}

/// What all fingerprints of a conversation begin with; the lower 32 bits are none.
pub(crate) fn base(conversation: ConversationId) -> i64 {
    Within::new(conversation).base()
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is asked for")]
const fn low_half(number: u64) -> u32 {
    number as u32
}

/// All fingerprints of a text in a conversation, each once, in order.
pub(crate) fn of_text<'a>(conversation: ConversationId, texts: impl IntoIterator<Item = &'a str>) -> Vec<i64> {
    let within = Within::new(conversation);
    let base = within.base();
    let mut found: Vec<i64> = Vec::with_capacity(32);
    for text in texts {
        each_piece(text, |kind, chars| each_of(kind, chars, |part| found.push(within.part(base, part))));
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The fingerprints that a text in a conversation must have, to hold what is wanted; the most telling ones of each piece.
pub(crate) fn fingerprints(conversation: ConversationId, wanted: &[Piece]) -> Vec<i64> {
    let within = Within::new(conversation);
    let base = within.base();
    let mut must: Vec<i64> = Vec::new();
    let mut add = |part: &[char]| must.push(within.part(base, part));
    for piece in wanted {
        let chars = &piece.chars;
        match piece.kind {
            Kind::Word if chars.len() >= LONGER_PREFIX => add(&chars[..LONGER_PREFIX]),
            Kind::Word if chars.len() >= PREFIX => add(&chars[..PREFIX]),
            Kind::Run if chars.len() > 1 => chars.windows(2).for_each(&mut add),
            Kind::Word | Kind::Run | Kind::Symbol => add(chars),
        }
    }
    must.sort_unstable();
    must.dedup();
    must
}

/// Whatever of a piece may be asked for.
fn each_of(kind: Kind, chars: &[char], mut part: impl FnMut(&[char])) {
    match kind {
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

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn fingerprints_never_change() {
        let conversation = ConversationId::new(Uuid::from_u128(1));
        let found = of_text(conversation, ["Hello to 你好"]);
        assert!(found.iter().all(|fingerprint| fingerprint >> 32 == base(conversation) >> 32 && *fingerprint > 0));
        // they are stored: others would be another revision of the view
        let parts: Vec<i64> = found.iter().map(|fingerprint| fingerprint & 0xffff_ffff).collect();
        assert_eq!(
            (base(conversation) >> 32, parts),
            (
                1_438_969_041,
                vec![1_002_961_257, 1_175_345_601, 1_397_043_202, 1_846_651_963, 2_800_836_218, 2_965_416_108]
            )
        );
        assert!(
            of_text(ConversationId::new(Uuid::from_u128(2)), ["Hello to 你好"]).iter().all(|of| !found.contains(of))
        );
    }
}
