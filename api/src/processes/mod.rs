//! Processes: what follows the log and acts on it, each step of which may be done again without harm.
//!
//! They are not views: a rebuild never starts one.

mod collecting;
mod forgetting;
mod notarizing;
mod observing;
mod scheduling;
mod verifying;
mod witness;

pub use collecting::Collecting;
pub(crate) use forgetting::{ERASING_CATEGORIES, erasing_name, is_erasing};
pub use forgetting::{Forgetting, ForgettingError};
pub use notarizing::{KEY as NOTARY_KEY, Notarizing};
pub use observing::observe;
pub use scheduling::Scheduling;
pub use verifying::Verifying;
pub use witness::witness;
