//! What the tests share.

pub mod app;
pub mod conformance;
pub mod stand_in;
