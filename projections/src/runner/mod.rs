//! Keeps views at the head of the log, rebuilds them beside the serving ones, and compares them with a fresh fold.
//!
//! Nothing here knows SQL, and nothing here has an effect outside the views: what is sent to people is sent by others,
//! who follow [`Views::applied`].

mod build;
mod comparing;
mod feed;
mod following;
mod gathering;
mod opening;
mod pace;
mod port;
mod rebuilding;
mod sample;
mod serving;
mod standby;
mod state;
mod views;
mod worker;

pub use build::replay;
pub use comparing::{Extent, verify};
pub use feed::Log;
pub use pace::{Pace, Share};
pub use port::{Applied, ApplyError, Batch, Generation, OnPoison, Opened, Poison, Projection, ViewStore, ViewsError};
pub use sample::{Sample, Unit};
pub use serving::{Lease, Pinned, Promotion, Visible, Wanted, Watch};
pub use views::{Demand, NotYet, Options, Views};
