//! Who has asked how much lately: a table of fixed size, however many callers come.
//!
//! The measure is the generic cell rate algorithm (ITU-T I.371): for each caller one time, at which everything it has asked
//! would have been asked at the allowed rate. A request moves it on by one interval, and is refused when that would take it
//! further ahead of now than a burst.

use std::{
    array,
    hash::{BuildHasher, Hash, RandomState},
    sync::{Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

/// Pages of the table, which take memory once a caller falls into them: a server that nobody asks holds none.
const PAGES: usize = 500;
/// Sets of slots in a page; each has a lock of its own, so callers hardly ever wait for each other.
const SETS: usize = 25;
/// Callers in a set.
const WAYS: usize = 8;

type Page = Box<[Mutex<[Slot; WAYS]>; SETS]>;

/// A caller, by a hash whose key nobody knows.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    tag: u64,
    /// When all it has asked is due, in nanoseconds since the table was made. In the past: as if it had never asked.
    due: u64,
}

/// What callers have left. Knows the last 100,000 of them.
#[derive(Debug)]
pub(super) struct Budgets {
    pages: Box<[OnceLock<Page>]>,
    hasher: RandomState,
    begun: Instant,
    /// Nanoseconds in which one request comes back.
    interval: u64,
    /// Nanoseconds in which a whole burst comes back.
    depth: u64,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verdict {
    /// When to come back, of a request that is refused.
    pub refused_for: Option<Duration>,
    /// How many more would pass at once.
    pub left: u64,
    /// When a whole burst would.
    pub whole_in: Duration,
}

impl Budgets {
    /// One request in this time and a burst of so many, at least one.
    pub(super) fn new(interval: Duration, burst: u32) -> Self {
        let interval = nanoseconds(interval).max(1);
        Self {
            pages: (0..PAGES).map(|_| OnceLock::new()).collect(),
            hasher: RandomState::new(),
            begun: Instant::now(),
            interval,
            depth: interval.saturating_mul(u64::from(burst.max(1))),
        }
    }

    /// The time in which a whole burst comes back.
    pub(super) const fn window(&self) -> Duration {
        Duration::from_nanos(self.depth)
    }

    /// Takes one request of this caller, if it has one left.
    pub(super) fn take(&self, caller: impl Hash, at: Instant) -> Verdict {
        let now = nanoseconds(at.saturating_duration_since(self.begun));
        let tag = self.hasher.hash_one(caller);
        let mut slots = self.set(tag).lock().unwrap_or_else(PoisonError::into_inner);
        let slot = match slots.iter().position(|slot| slot.tag == tag) {
            Some(known) => &mut slots[known],
            // A newcomer takes the place of whoever has most left: who is over the limit is not forgotten for strangers.
            None => match slots.iter_mut().min_by_key(|slot| slot.due) {
                Some(slot) => {
                    *slot = Slot { tag, due: 0 };
                    slot
                }
                None => return self.verdict(now, now, None),
            },
        };
        let due = slot.due.max(now);
        let next = due.saturating_add(self.interval);
        let most = now.saturating_add(self.depth);
        if next > most {
            return self.verdict(now, due, Some(Duration::from_nanos(next - most)));
        }
        slot.due = next;
        self.verdict(now, next, None)
    }

    /// Where a caller is, or would be.
    fn set(&self, tag: u64) -> &Mutex<[Slot; WAYS]> {
        // the remainder is below the number of sets
        let set = usize::try_from(tag % (PAGES * SETS) as u64).unwrap_or_default();
        let page = self.pages[set / SETS].get_or_init(|| Box::new(array::from_fn(|_| Mutex::default())));
        &page[set % SETS]
    }

    fn verdict(&self, now: u64, due: u64, refused_for: Option<Duration>) -> Verdict {
        let ahead = due - now;
        Verdict {
            refused_for,
            left: self.depth.saturating_sub(ahead) / self.interval,
            whole_in: Duration::from_nanos(ahead),
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENTH: Duration = Duration::from_millis(100);

    fn passed(verdict: Verdict) -> bool {
        verdict.refused_for.is_none()
    }

    #[test]
    fn a_burst_passes_then_one_request_an_interval() {
        let budgets = Budgets::new(TENTH, 5);
        let begun = budgets.begun;
        for left in (0..5).rev() {
            let verdict = budgets.take("ada", begun);
            assert_eq!((passed(verdict), verdict.left), (true, left));
        }
        let refused = budgets.take("ada", begun);
        assert_eq!(refused, Verdict { refused_for: Some(TENTH), left: 0, whole_in: 5 * TENTH });
        // being refused costs nothing
        assert_eq!(budgets.take("ada", begun), refused);
        assert!(passed(budgets.take("ada", begun + TENTH)));
        assert!(!passed(budgets.take("ada", begun + TENTH)));
        // a long rest gives back a burst and no more
        let rested = begun + 1000 * TENTH;
        assert_eq!((0..9).filter(|_| passed(budgets.take("ada", rested))).count(), 5);
    }

    #[test]
    fn callers_do_not_touch_each_other() {
        let budgets = Budgets::new(TENTH, 1);
        let at = budgets.begun;
        assert!(passed(budgets.take("ada", at)) && !passed(budgets.take("ada", at)));
        assert!(passed(budgets.take("bob", at)));
    }

    #[test]
    fn a_million_random_callers_take_no_memory_and_do_not_pardon_who_is_over_the_limit() {
        let budgets = Budgets::new(TENTH, 50);
        let at = budgets.begun;
        while passed(budgets.take("flooder", at)) {}
        for stranger in 0..1_000_000_u32 {
            assert!(passed(budgets.take(stranger, at)));
        }
        assert!(!passed(budgets.take("flooder", at)));
        let pages = budgets.pages.iter().filter(|page| page.get().is_some()).count();
        assert_eq!((pages * SETS * WAYS, size_of::<Slot>()), (100_000, 16));
    }

    #[test]
    fn what_nobody_falls_into_takes_no_memory() {
        let budgets = Budgets::new(TENTH, 1);
        assert!(budgets.pages.iter().all(|page| page.get().is_none()));
        budgets.take("ada", budgets.begun);
        assert_eq!(budgets.pages.iter().filter(|page| page.get().is_some()).count(), 1);
    }

    #[test]
    fn the_largest_burst_at_the_slowest_rate_does_not_overflow() {
        let budgets = Budgets::new(Duration::from_secs(20), u32::MAX / 20);
        let verdict = budgets.take("ada", budgets.begun + Duration::from_hours(24 * 365 * 50));
        assert_eq!((passed(verdict), verdict.left), (true, u64::from(u32::MAX / 20) - 1));
    }
}
