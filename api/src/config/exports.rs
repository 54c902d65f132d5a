//! Exports: how large they may be, and how long they are kept.

use std::time::Duration;

use super::{ConfigError, Merged, invalid};

/// The exports of a server.
#[derive(Debug, Clone, Copy)]
pub struct ExportConfig {
    /// How large each may be, in bytes.
    pub max_bytes: u64,
    /// How long it is there.
    pub kept: Duration,
}

pub(super) const fn max_mib() -> u32 {
    4096
}

pub(super) const fn hours() -> u32 {
    24
}

impl ExportConfig {
    pub(super) fn check(merged: &Merged) -> Result<Self, ConfigError> {
        if merged.exports_hours == 0 {
            return Err(invalid("TIDINGS_EXPORTS_HOURS", "must be at least 1"));
        }
        if merged.exports_max_mib == 0 {
            return Err(invalid("TIDINGS_EXPORTS_MAX_MIB", "must be at least 1"));
        }
        Ok(Self {
            max_bytes: u64::from(merged.exports_max_mib) * 1024 * 1024,
            kept: Duration::from_secs(u64::from(merged.exports_hours) * 3_600),
        })
    }
}
