//! Chance that falls the same way every time.

use tidings_commands::history::key_of;
use tidings_event_store::CommandKey;

/// Everything that is drawn for a seed, and the key of every step.
pub(super) struct Dice {
    seed: String,
    drawn: blake3::OutputReader,
    steps: u64,
}

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        let drawn = blake3::Hasher::new_derive_key("tidings 2026 demonstration data")
            .update(&seed.to_le_bytes())
            .finalize_xof();
        Self { seed: seed.to_string(), drawn, steps: 0 }
    }

    /// A number below `sides`, which is at least 1.
    pub(super) fn roll(&mut self, sides: usize) -> usize {
        let mut bytes = [0; 8];
        self.drawn.fill(&mut bytes);
        // a remainder of 64 bits is as even as any demonstration needs
        usize::try_from(u64::from_le_bytes(bytes) % sides.max(1) as u64).unwrap_or_default()
    }

    /// Whether something happens that does once in `times`.
    pub(super) fn once_in(&mut self, times: usize) -> bool {
        self.roll(times) == 0
    }

    /// One of them.
    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())]
    }

    /// Some of them, in their order, `at_least` so many.
    pub(super) fn some<T: Copy>(&mut self, from: &[T], at_least: usize) -> Vec<T> {
        let mut left = at_least.min(from.len()) + self.roll((from.len() + 1).saturating_sub(at_least));
        let mut chosen = Vec::with_capacity(left);
        for (nth, one) in from.iter().enumerate() {
            if self.roll(from.len() - nth) < left {
                chosen.push(*one);
                left -= 1;
            }
        }
        chosen
    }

    /// The key of the next step: the same seed again does nothing twice.
    pub(super) fn key(&mut self) -> CommandKey {
        self.steps += 1;
        key_of("seed", &[&self.seed, &self.steps.to_string()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_falls_the_same_way_and_another_does_not() {
        let drawn = |seed| {
            let mut dice = Dice::new(seed);
            (0..50).map(|_| dice.roll(1_000)).collect::<Vec<_>>()
        };
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
        assert_eq!(Dice::new(1).key(), Dice::new(1).key());
        assert_ne!(Dice::new(1).key(), Dice::new(2).key());
    }

    #[test]
    fn some_are_at_least_so_many_and_in_order() {
        let mut dice = Dice::new(7);
        for _ in 0..200 {
            let some = dice.some(&[1, 2, 3, 4, 5], 2);
            assert!(some.len() >= 2 && some.is_sorted(), "{some:?}");
        }
        assert_eq!(dice.some(&[1], 3), [1]);
    }
}
