//! The server of Tidings: routes, authentication, live push, command line.
//!
//! - [`config`]: settings from flags, environment and file;
//! - [`edge`]: what stands around every route;
//! - [`extract`]: what handlers take;
//! - [`problem`]: what they answer when something is not right, with every status in one file;
//! - [`auth`]: access tokens;
//! - [`stores`]: the open stores;
//! - [`control`]: what operators do from the command line;
//! - [`processes`]: what follows the log and acts.

pub mod auth;
pub mod clock;
pub mod config;
pub mod control;
pub mod edge;
pub mod extract;
pub mod problem;
pub mod processes;
pub mod stores;
