//! How views are looked after while they serve.

use std::time::Duration;

use tidings_projections::runner::{Pace, Share};

use super::{ConfigError, Merged, invalid};

/// The most conversations and people of a sample.
pub const LARGEST_SAMPLE: u32 = 500;

/// Rebuilds and comparisons of a server.
#[derive(Debug, Clone, Copy)]
pub struct ViewsConfig {
    /// Of what goes through the log while the server serves.
    pub pace: Pace,
    /// How often a sample of each view is compared with the log; never when not given.
    pub verify_every: Option<Duration>,
    /// How many conversations and people a sample has.
    pub sample: usize,
}

pub(super) const fn rebuild_share() -> f64 {
    0.5
}

pub(super) const fn verify_hours() -> f64 {
    24.0
}

pub(super) const fn verify_sample() -> u32 {
    100
}

impl ViewsConfig {
    pub(super) fn check(merged: &Merged) -> Result<Self, ConfigError> {
        let share = Share::of_one(merged.rebuild_share);
        let share = share.ok_or_else(|| invalid("TIDINGS_REBUILD_SHARE", "must be above 0, and 1 at most"))?;
        let every = Duration::try_from_secs_f64(merged.verify_hours * 3_600.0);
        let every = every.map_err(|_| invalid("TIDINGS_VERIFY_HOURS", "must be a number of hours, or 0 for never"))?;
        if !(1..=LARGEST_SAMPLE).contains(&merged.verify_sample) {
            return Err(invalid("TIDINGS_VERIFY_SAMPLE", format!("must be 1 to {LARGEST_SAMPLE}")));
        }
        Ok(Self {
            pace: Pace::beside_traffic(share),
            verify_every: Some(every).filter(|every| !every.is_zero()),
            sample: usize::try_from(merged.verify_sample).unwrap_or(usize::MAX),
        })
    }
}
