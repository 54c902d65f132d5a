//! The server of Tidings: routes, authentication, live push, command line.
//!
//! - [`config`]: settings from flags, environment and file;
//! - [`edge`]: what stands around every route;
//! - [`extract`]: what handlers take;
//! - [`problem`]: what they answer when something is not right, with every status in one file;
//! - [`auth`]: access tokens.

pub mod auth;
pub mod config;
pub mod edge;
pub mod extract;
pub mod problem;
