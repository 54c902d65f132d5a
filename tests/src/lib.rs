//! What the tests share.

pub mod app;
pub mod authority;
pub mod collector;
pub mod conformance;
pub mod front;
mod port;
pub mod postgres;
pub mod s3;
pub mod stand_in;
