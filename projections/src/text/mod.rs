//! Texts as a search reads them, whatever the script and whatever the database.
//!
//! A text falls into pieces: words, runs of a script that puts no spaces between words, and single emoji. Case, width, diacritics and
//! vowel points do not tell pieces apart. What the index keeps of a piece are fingerprints; what is really found is decided on the
//! text itself ([`Wanted`]).

mod fingerprints;
mod folding;
mod wanted;

pub(crate) use fingerprints::{base, fingerprints, of_text};
pub(crate) use folding::{Kind, Piece, pieces};
pub use wanted::{NothingToFind, Snippet, Wanted};
