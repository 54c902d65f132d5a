//! Legal holds: what must not be erased for now, however much its people or a rule want it.
//!
//! All holds of an installation are one stream. There are few of them, and whoever destroys a key must know of every one:
//! a single version says whether they do.

mod decide;
mod events;
#[cfg(test)]
mod tests;

pub use decide::{Hold, HoldCommand, HoldDecider, HoldRefusal, Holds, MAX_HOLDS};
pub use events::{HoldEvent, HoldPlaced, HoldReleased, HoldTarget};
