//! The log over KurrentDB's protocol, so that its ecosystem's clients read, follow and audit it, whatever the log is kept in.
//!
//! Served are `Streams.Read` (a stream or all, forwards or backwards, filtered, once or as a subscription), `Gossip.Read`
//! and `ServerFeatures`. Who may read is the [`Gatekeeper`]'s business. Everything is read as far as the client takes it
//! and no further: an answer holds one page of events at most.
//!
//! A call goes: `streams` (what is asked, who asks) → `reading` (pages of the log, backwards and forwards; subscriptions)
//! → `reveal` (sealed parts, for those who may) → `wire` (the protocol's form).

mod acknowledging;
#[cfg_attr(not(feature = "append"), path = "read_only.rs")]
mod append;
mod filter;
pub mod gate;
mod info;
mod reading;
mod request;
mod reveal;
mod server;
mod status;
mod streams;
mod wire;

/// What prost and tonic make of `proto/`.
#[expect(
    unreachable_pub,
    unused_qualifications,
    clippy::pedantic,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::enum_variant_names,
    clippy::large_enum_variant,
    reason = "generated"
)]
mod proto {
    include!(concat!(env!("OUT_DIR"), "/protocol.rs"));
}

pub use gate::{Credentials, Denied, Gatekeeper, Pass};
pub use server::{LogServer, ServeError};

/// Events in one page: the most that an answer holds in memory.
const PAGE: usize = 256;
