//! An account's second factor: codes by time (RFC 6238), and recovery codes that serve once each.
//!
//! A code serves once: the step it stands for is remembered, and no step up to it is taken again (section 5.2). The stream's
//! version decides between two who show the same code at once, on whatever nodes.

mod decide;
mod events;
#[cfg(test)]
mod tests;

pub use decide::{Factor, FactorCommand, FactorDecider, FactorRefusal, RECOVERY_CODES, Shown};
pub use events::{FactorEvent, RecoveryCodeUsed, TotpCodeUsed, TotpDisabled, TotpEnabled, TotpOffered};
