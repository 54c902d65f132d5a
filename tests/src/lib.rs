//! What the tests share.

pub mod app;
pub mod conformance;
pub mod postgres;
pub mod stand_in;
