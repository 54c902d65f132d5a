//! Keeps views at the head of the log, rebuilds them beside the serving ones, and compares them with a fresh fold.
//!
//! Nothing here knows SQL, and nothing here has an effect outside the views: what is sent to people is sent by others,
//! who follow [`Views::applied`].

mod build;
mod feed;
mod following;
mod port;
mod standby;
mod state;
mod views;
mod worker;

pub use build::{Pace, replay, verify};
pub use feed::Log;
pub use port::{
    Applied, ApplyError, Batch, Generation, Lease, OnPoison, Opened, Pinned, Poison, Projection, Promotion, ViewStore,
    ViewsError, Visible, Watch,
};
pub use views::{Demand, NotYet, Options, Views};
