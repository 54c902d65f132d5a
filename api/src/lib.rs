//! The server of Tidings: routes, authentication, live push, command line.
//!
//! - [`config`]: settings from flags, environment and file;
//! - [`transport`]: connections, HTTPS, slow clients; [`edge`]: what stands around every route;
//! - [`extract`]: what handlers take;
//! - [`app`]: what handlers share;
//! - [`attachments`]: uploads as they come, files as they are asked for;
//! - [`routes`]: the routes, one file for each subject;
//! - [`reply`]: answers to commands; [`problem`]: what is answered when something is not right, with every status in one
//!   file;
//! - [`idempotency`]: the same request again; [`consistency`]: reads that show what was written;
//! - [`live`]: live push;
//! - [`auth`]: access tokens; [`auditing`]: who may read the log over KurrentDB's protocol;
//! - [`openapi`]: the document of all this;
//! - [`mod@serve`]: the server itself; [`stores`]: the open stores;
//! - [`control`]: what operators do from the command line ([`cli`]);
//! - [`mod@backup`]: backups, and the restore of one;
//! - [`processes`]: what follows the log and acts; [`notary`]: what one of them has signed, and its proofs;
//! - [`watched`]: what those see who watch the server.

pub mod app;
pub mod attachments;
pub mod audit;
pub mod auditing;
pub mod auth;
pub mod backup;
pub mod cli;
pub mod clock;
pub mod config;
pub mod consistency;
pub mod control;
pub mod edge;
pub mod exports;
pub mod extract;
pub mod idempotency;
pub mod json;
pub mod live;
pub mod notary;
pub mod openapi;
pub mod problem;
pub mod processes;
pub mod reply;
pub mod routes;
pub mod serve;
pub mod stores;
pub mod transport;
pub mod watched;
pub mod webhooks;

pub use serve::{Running, serve};
