//! The read side of Tidings: views folded from the log, and the questions they answer.
//!
//! - [`queries`]: what can be asked, as a port that each backend of views implements;
//! - [`model`]: what the answers are made of;
//! - [`runner`]: keeps views at the head of the log, rebuilds and verifies them. It knows no SQL;
//! - [`past`]: views as they stood at any position;
//! - [`sqlite`]: the embedded backend; [`postgres`]: the one that several nodes share.
//!
//! A view holds nothing but functions of the log: no clock, no chance, nothing that depends on how events came in
//! batches. That is what makes "drop it and rebuild it" and "compare it with a fresh replay" exact.

mod fold;
mod inboxes;
mod measuring;
pub mod model;
pub mod past;
pub mod postgres;
pub mod queries;
pub mod runner;
pub mod sqlite;
pub mod text;
mod viewing;

pub use past::{Past, PastError, PastLimits, PastViews};
pub use postgres::PostgresViews;
pub use queries::{Answer, Queries, QueryError};
pub use runner::{ApplyError, Demand, Options, Projection, Views, ViewsError};
pub use sqlite::SqliteViews;
