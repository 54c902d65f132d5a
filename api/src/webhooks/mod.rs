//! Webhooks: what their owners may see live, posted to addresses of theirs.
//!
//! One node of an installation delivers for all: it holds a lease (`delivering`). It follows the log behind the views, as the
//! live hub does but beside it, and finds out for whom an event may be (`index`); a worker for each such webhook (`worker`)
//! then reads the log by itself from where its webhook has come to, sees what its owner may see, and posts it
//! (`sending`), one after the other. What waits is a position, never a queue. How far a webhook has come is noted in its own
//! stream, so that any other node can go on from there.
//!
//! A rebuild of the views starts nothing: deliveries follow positions in the log.

mod address;
mod delivering;
mod index;
mod leading;
mod patience;
mod sending;
mod worker;

pub use delivering::{Deliveries, Parts};
pub(crate) use delivering::{Delivering, DeliveryError};
pub use sending::Sender;

/// How many webhooks one person may have.
pub const MOST_WEBHOOKS: usize = 20;
