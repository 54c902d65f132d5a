//! What goes wrong again and again is said once a second, and not for every request.

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// How long nothing more is said.
const QUIET_MILLIS: u64 = 1_000;

/// Says when a line may be written: the first time, then at most once a second.
///
/// ```
/// # use tidings_event_store::Seldom;
/// static SAID: Seldom = Seldom::new();
/// if let Some(left_out) = SAID.due() {
///     tracing::error!(left_out, "the database is gone");
/// }
/// ```
#[derive(Debug)]
pub struct Seldom {
    /// When something may be said again, in milliseconds.
    due: AtomicU64,
    left_out: AtomicU64,
}

impl Default for Seldom {
    fn default() -> Self {
        Self::new()
    }
}

impl Seldom {
    /// Nothing was said yet.
    pub const fn new() -> Self {
        Self { due: AtomicU64::new(0), left_out: AtomicU64::new(0) }
    }

    /// Whether to say it now, and how often it was not said since it last was.
    pub fn due(&self) -> Option<u64> {
        self.due_at(u64::try_from(BEGUN.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    fn due_at(&self, now: u64) -> Option<u64> {
        let due = self.due.load(Ordering::Acquire);
        let mine = now >= due
            && self.due.compare_exchange(due, now + QUIET_MILLIS, Ordering::AcqRel, Ordering::Acquire).is_ok();
        if mine {
            return Some(self.left_out.swap(0, Ordering::AcqRel));
        }
        self.left_out.fetch_add(1, Ordering::AcqRel);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_said_once_a_second_with_a_count() {
        let said = Seldom::new();
        let lines: Vec<_> = (0..3_000).filter_map(|millis| said.due_at(millis)).collect();
        assert_eq!(lines, [0, 999, 999]);
        assert_eq!(said.due_at(10_000), Some(999));
        assert_eq!(said.due_at(20_000), Some(0));
    }
}
