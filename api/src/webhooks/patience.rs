//! How long to wait before trying again, and when to give up.

use std::time::Duration;

use tidings_domain::{Timestamp, webhook::PausedBecause};

use super::sending::Failed;

const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_hours(1);
/// A receiver that fails for so long is given up, in milliseconds: three days.
const GIVE_UP_AFTER: i64 = 3 * 24 * 3_600_000;
/// Failures before they are noted in the log: a hiccup is not worth an event.
const NOTED_FROM: u32 = 3;
/// Gone, and not coming back (RFC 9110).
const GONE: u16 = 410;

/// A row of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Streak {
    /// When the first of them was.
    pub(super) since: Timestamp,
    /// How many there are, as far as this process has seen.
    pub(super) attempts: u32,
}

impl Streak {
    pub(super) const fn begin(since: Timestamp) -> Self {
        Self { since, attempts: 0 }
    }

    /// Why this receiver is given up now, if it is.
    pub(super) fn gives_up(&self, failed: &Failed, now: Timestamp) -> Option<PausedBecause> {
        if failed.status == Some(GONE) {
            return Some(PausedBecause::Gone);
        }
        (self.since.plus_millis(GIVE_UP_AFTER) <= now).then_some(PausedBecause::Failing)
    }

    pub(super) const fn is_worth_noting(&self) -> bool {
        self.attempts >= NOTED_FROM
    }

    /// Twice as long each time, less up to a half by chance (`luck`, of 256), so that those who failed together do not come
    /// back together; never before the receiver wants it.
    pub(super) fn wait(&self, failed: &Failed, luck: u8) -> Duration {
        let doubled = FIRST_WAIT.saturating_mul(1_u32.checked_shl(self.attempts.saturating_sub(1)).unwrap_or(u32::MAX));
        let longest = doubled.min(LONGEST_WAIT);
        let wait = longest.saturating_sub(longest / 2 * u32::from(luck) / 256);
        failed.retry_after.map_or(wait, |wanted| wait.max(wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(status: Option<u16>, retry_after: Option<u64>) -> Failed {
        let retry_after = retry_after.map(Duration::from_secs);
        Failed { status, reason: String::new(), retry_after }
    }

    fn streak(attempts: u32) -> Streak {
        Streak { since: Timestamp::from_millis(0), attempts }
    }

    #[test]
    fn the_wait_doubles_up_to_an_hour_and_chance_takes_up_to_half_of_it() {
        let wait = |attempts, luck| streak(attempts).wait(&failed(Some(500), None), luck);
        assert_eq!([1, 2, 3].map(|attempts| wait(attempts, 0)), [1, 2, 4].map(Duration::from_secs));
        assert_eq!([13, 40, u32::MAX].map(|attempts| wait(attempts, 0)), [LONGEST_WAIT; 3]);
        for luck in 0..=255 {
            assert!((Duration::from_secs(4)..=Duration::from_secs(8)).contains(&wait(4, luck)), "{luck}");
        }
    }

    #[test]
    fn a_receiver_is_not_asked_before_it_wants_to_be() {
        assert_eq!(streak(1).wait(&failed(Some(429), Some(90)), 200), Duration::from_secs(90));
        assert_eq!(streak(10).wait(&failed(Some(503), Some(1)), 0), Duration::from_secs(512));
    }

    #[test]
    fn who_is_gone_or_fails_for_days_is_given_up() {
        let day = |days: i64| Timestamp::from_millis(days * 24 * 3_600_000);
        assert_eq!(streak(1).gives_up(&failed(Some(410), None), day(0)), Some(PausedBecause::Gone));
        assert_eq!(streak(99).gives_up(&failed(Some(500), None), day(2)), None);
        assert_eq!(streak(99).gives_up(&failed(None, None), day(3)), Some(PausedBecause::Failing));
    }
}
