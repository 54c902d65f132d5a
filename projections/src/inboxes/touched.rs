//! What of a generation was changed since when: so that what was read from it before is known to hold still.
//!
//! Each transaction of who folds has a number. Before it ends, it leaves its number at the places of all that it changes. What was
//! read when transaction n was the last one done holds as long as no place that it depends on has a higher number.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering},
};

use tidings_domain::UserId;

/// Things share places by their hash: a collision costs a look, and never shows what is past.
const PLACES: u64 = 1 << 16;
/// Spreads what differs in few bits (2^64 divided by the golden ratio).
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// Where something leaves a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark(u32);

impl Mark {
    /// A conversation: its row and its messages.
    pub(crate) fn conversation(number: i64) -> Self {
        Self::at(number.cast_unsigned())
    }

    /// How somebody stands in a conversation: their row, and the messages that they see otherwise.
    pub(crate) fn place(number: i64, user: UserId) -> Self {
        Self::hashed(fold(user) ^ number.cast_unsigned().wrapping_mul(SPREAD).rotate_left(32))
    }

    /// A person: in which conversations they are, or how they are named.
    pub(crate) fn person(user: UserId) -> Self {
        Self::hashed(fold(user))
    }

    fn hashed(bits: u64) -> Self {
        Self::at(bits.wrapping_mul(SPREAD) >> 32)
    }

    const fn at(place: u64) -> Self {
        Self((place % PLACES) as u32)
    }
}

/// Ids are random in most of their bits.
fn fold(user: UserId) -> u64 {
    let (high, low) = user.uuid().as_u64_pair();
    high.rotate_left(17) ^ low
}

/// A moment of a generation: the last transaction that was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(u64);

/// Which transaction touched what last. One thread folds, and marks; any may look.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    places: OnceLock<Box<[AtomicU64]>>,
    begun: AtomicU64,
    done: AtomicU64,
    everything: AtomicU64,
    erased: AtomicU64,
}

impl Touched {
    /// A transaction begins.
    pub(crate) fn begin(&self) {
        self.begun.fetch_add(1, Ordering::SeqCst);
    }

    /// The transaction changes this. To be said before it ends.
    pub(crate) fn mark(&self, mark: Mark) {
        let places = self.places.get_or_init(|| (0..PLACES).map(|_| AtomicU64::new(0)).collect());
        if let Some(place) = places.get(mark.0 as usize) {
            place.store(self.begun.load(Ordering::SeqCst), Ordering::SeqCst);
        }
    }

    /// The transaction changes something of which is not known who shows it.
    pub(crate) fn mark_all(&self) {
        self.everything.store(self.begun.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    /// The transaction takes away what nobody may keep.
    pub(crate) fn erases(&self) {
        self.erased.store(self.begun.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    /// The transaction has ended, whether it was kept or not. Whether it has erased anything.
    pub(crate) fn end(&self) -> bool {
        let begun = self.begun.load(Ordering::SeqCst);
        self.done.store(begun, Ordering::SeqCst);
        self.erased.load(Ordering::SeqCst) == begun && begun > 0
    }

    /// To be asked before anything is read: what is read then is at least as new.
    pub(crate) fn moment(&self) -> Moment {
        Moment(self.done.load(Ordering::SeqCst))
    }

    /// Whether no transaction has begun since a moment.
    pub(crate) fn rests_since(&self, moment: Moment) -> bool {
        self.begun.load(Ordering::SeqCst) == moment.0
    }

    /// Whether no transaction that may be seen has touched any of this since a moment.
    pub(crate) fn untouched_since(&self, moment: Moment, marks: &[Mark]) -> bool {
        if self.everything.load(Ordering::SeqCst) > moment.0 {
            return false;
        }
        let Some(places) = self.places.get() else { return true };
        let at = |mark: &Mark| places.get(mark.0 as usize);
        marks.iter().filter_map(at).all(|place| place.load(Ordering::SeqCst) <= moment.0)
    }

    /// Whether anything was erased since a moment.
    pub(crate) fn erased_since(&self, moment: Moment) -> bool {
        self.erased.load(Ordering::SeqCst) > moment.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_transaction_marks_is_touched_before_it_ends_and_after() {
        let touched = Touched::default();
        let (one, other) = (Mark::conversation(1), Mark::conversation(2));
        let before = touched.moment();
        assert!(touched.untouched_since(before, &[one, other]));
        touched.begin();
        touched.mark(one);
        assert!(!touched.untouched_since(before, &[one]));
        assert_eq!(touched.moment(), before);
        assert!(!touched.end());
        assert!(!touched.untouched_since(before, &[other, one]));
        assert!(touched.untouched_since(before, &[other]));
        assert!(touched.untouched_since(touched.moment(), &[one]));
    }

    #[test]
    fn a_transaction_may_touch_everything() {
        let touched = Touched::default();
        let before = touched.moment();
        touched.begin();
        touched.mark_all();
        assert!(!touched.untouched_since(before, &[]));
        touched.end();
        assert!(!touched.untouched_since(before, &[]));
        assert!(touched.untouched_since(touched.moment(), &[Mark::conversation(1)]));
    }

    #[test]
    fn only_the_transaction_that_erases_says_so() {
        let touched = Touched::default();
        let before = touched.moment();
        touched.begin();
        touched.erases();
        assert!(touched.end());
        assert!(touched.erased_since(before));
        touched.begin();
        assert!(!touched.end());
        assert!(!touched.erased_since(touched.moment()));
    }

    #[test]
    fn places_differ_by_person_and_by_conversation() {
        let user = |n: u128| UserId::new(uuid::Uuid::from_u128(n));
        let marks = [Mark::place(1, user(1)), Mark::place(2, user(1)), Mark::place(1, user(2)), Mark::person(user(1))];
        for (nth, mark) in marks.iter().enumerate() {
            assert!(!marks[nth + 1..].contains(mark), "{nth}");
        }
    }
}
