//! Processes: what follows the log and acts on it, each step of which may be done again without harm.
//!
//! They are not views: a rebuild never starts one.

mod collecting;
mod forgetting;
mod observing;
mod scheduling;

pub use collecting::Collecting;
pub use forgetting::{Forgetting, ForgettingError};
pub use observing::observe;
pub use scheduling::Scheduling;
