//! How long messages are kept, and why something must not be erased yet.

use serde::{Deserialize, Serialize};

use super::{Invalid, text_value};
use crate::Timestamp;

/// A hundred years of 365 days.
const MOST_SECONDS: u64 = 100 * 365 * SECONDS_OF_A_DAY;
const SECONDS_OF_A_DAY: u64 = 86_400;
/// Characters of a reason.
const MOST_CHARACTERS: usize = 1_000;

/// How long messages are kept, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Retention(u64);

impl Retention {
    /// 1 second to 100 years.
    pub const fn of_seconds(seconds: u64) -> Result<Self, Invalid> {
        match seconds {
            1..=MOST_SECONDS => Ok(Self(seconds)),
            _ => Err(Invalid("must be 1 second to 100 years")),
        }
    }

    /// 1 day to 100 years.
    pub const fn of_days(days: u64) -> Result<Self, Invalid> {
        Self::of_seconds(days.saturating_mul(SECONDS_OF_A_DAY))
    }

    /// How long, in seconds.
    pub const fn seconds(self) -> u64 {
        self.0
    }

    /// What was sent at this time or before is not kept any more.
    pub const fn ended(self, now: Timestamp) -> Timestamp {
        // far from the end of either number
        Timestamp::from_millis(now.millis().saturating_sub((self.0 * 1_000).cast_signed()))
    }
}

text_value! {
    /// Why something is held.
    HoldReason
}

impl HoldReason {
    /// 1 to 1,000 characters, not all of them blank.
    pub fn parse(text: impl Into<String>) -> Result<Self, Invalid> {
        let text = text.into();
        let length = text.trim().chars().take(MOST_CHARACTERS + 1).count();
        if !(1..=MOST_CHARACTERS).contains(&length) {
            return Err(Invalid("must have 1 to 1,000 characters"));
        }
        Ok(Self(text.trim().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_kept_for_a_second_at_least_and_a_hundred_years_at_most() {
        assert_eq!(Retention::of_days(7).map(Retention::seconds), Ok(604_800));
        for seconds in [1, MOST_SECONDS] {
            assert_eq!(Retention::of_seconds(seconds).map(Retention::seconds), Ok(seconds));
        }
        for seconds in [0, MOST_SECONDS + 1, u64::MAX] {
            assert!(Retention::of_seconds(seconds).is_err(), "{seconds}");
        }
        assert!(Retention::of_days(0).is_err() && Retention::of_days(u64::MAX).is_err());
    }

    #[test]
    fn what_was_sent_a_moment_later_is_kept_a_moment_longer() {
        let kept = Retention::of_seconds(10).unwrap();
        assert_eq!(kept.ended(Timestamp::from_millis(25_000)), Timestamp::from_millis(15_000));
    }

    #[test]
    fn a_reason_says_something() {
        assert_eq!(HoldReason::parse("  case 12/2026\n").unwrap().as_str(), "case 12/2026");
        for wrong in ["", " \n", &"x".repeat(1_001)] {
            assert!(HoldReason::parse(wrong).is_err(), "{wrong:?}");
        }
        assert!(HoldReason::parse("ä".repeat(1_000)).is_ok());
    }
}
