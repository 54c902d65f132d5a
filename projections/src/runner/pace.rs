//! How fast the log is gone through: with all the machine gives, or beside traffic that needs it more.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// How fast a view is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// At most so many events are looked at for one transaction.
    pub page: usize,
    /// What of the time may be worked, by threads that give way to all others. None: as fast as it goes.
    pub share: Option<Share>,
}

impl Default for Pace {
    fn default() -> Self {
        Self { page: 10_000, share: None }
    }
}

impl Pace {
    /// Beside traffic: for this share of the time, in small pieces.
    pub fn beside_traffic(share: Share) -> Self {
        Self { share: Some(share), ..Self::default() }
    }
}

/// A part of the time, in thousandths: 1 to 1,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share(u32);

impl Share {
    /// Half of the time.
    pub const HALF: Self = Self(500);

    /// From a part of 1, which is above 0 and at most 1; finer than a thousandth there is none.
    pub fn of_one(part: f64) -> Option<Self> {
        (1..=1_000).find(|thousandths| part > 0.0 && part <= f64::from(*thousandths) / 1_000.0).map(Self)
    }

    /// How long to rest after so much work.
    fn rest(self, work: Duration) -> Duration {
        work * (1_000 - self.0) / self.0
    }
}

/// So long should a piece of work take: who waits for the processor or the disk behind it waits no longer.
const PIECE: Duration = Duration::from_millis(10);
/// The smallest pieces, and the first ones.
const SMALLEST: usize = 100;
const FIRST: usize = 1_000;

/// Keeps a filling to its pace.
#[derive(Debug, Clone)]
pub(super) struct Throttle {
    share: Option<Share>,
    most: usize,
    /// How much the next piece holds.
    page: Arc<AtomicUsize>,
}

impl Throttle {
    pub(super) fn new(pace: Pace) -> Self {
        let first = if pace.share.is_some() { FIRST.min(pace.page) } else { pace.page };
        Self { share: pace.share, most: pace.page, page: Arc::new(AtomicUsize::new(first)) }
    }

    /// Whether there is anybody to leave room for.
    pub(super) const fn rests(&self) -> bool {
        self.share.is_some()
    }

    /// How many events to look at for the next transaction.
    pub(super) fn page(&self) -> usize {
        self.page.load(Ordering::Relaxed)
    }

    /// What the work of one piece earns: how long to rest. The next pieces are larger or smaller for it.
    pub(super) fn rest_after(&self, work: Duration) -> Duration {
        let Some(share) = self.share else { return Duration::ZERO };
        let page = self.page();
        let next = if work > PIECE * 2 {
            page / 2
        } else if work < PIECE / 2 {
            page * 2
        } else {
            page
        };
        self.page.store(next.clamp(SMALLEST.min(self.most), self.most), Ordering::Relaxed);
        // what takes much longer was spent in waiting for those it gives way to
        share.rest(work.min(PIECE * 5))
    }

    /// Makes this thread give way to all others, where the filling is to leave them room. It stays so until it ends.
    pub(super) fn give_way(&self) {
        if self.share.is_some()
            && let Err(error) = rustix::process::setpriority_process(None, LOW)
        {
            tracing::debug!(%error, "a thread that rebuilds keeps its priority");
        }
    }
}

/// As `nice -n 10` would set it; on Linux that of the calling thread alone.
const LOW: i32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rest_and_work_are_in_proportion() {
        let work = Duration::from_millis(8);
        assert_eq!(Share::of_one(0.5).map(|share| share.rest(work)), Some(work));
        assert_eq!(Share::of_one(0.2).map(|share| share.rest(work)), Some(work * 4));
        assert_eq!(Share::of_one(1.0).map(|share| share.rest(work)), Some(Duration::ZERO));
        assert!(Share::of_one(0.000_1).is_some_and(|share| share.rest(work) > work * 900));
        for part in [0.0, -1.0, 1.1, f64::NAN, f64::INFINITY] {
            assert_eq!(Share::of_one(part), None, "{part}");
        }
    }

    #[test]
    fn pieces_grow_and_shrink_to_what_takes_as_long_as_it_should() {
        let throttle = Throttle::new(Pace { page: 4_000, share: Some(Share::HALF) });
        assert_eq!(throttle.page(), FIRST);
        for (work, page) in [(1, 2_000), (1, 4_000), (1, 4_000), (10, 4_000), (50, 2_000), (50, 1_000)] {
            throttle.rest_after(Duration::from_millis(work));
            assert_eq!(throttle.page(), page);
        }
        for _ in 0..10 {
            throttle.rest_after(Duration::from_secs(1));
        }
        assert_eq!(throttle.page(), SMALLEST);
    }

    #[test]
    fn what_has_the_machine_to_itself_never_rests() {
        let throttle = Throttle::new(Pace::default());
        assert_eq!(throttle.rest_after(Duration::from_secs(1)), Duration::ZERO);
        assert_eq!(throttle.page(), Pace::default().page);
    }
}
