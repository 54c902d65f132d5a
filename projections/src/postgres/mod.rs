//! Views in PostgreSQL: for several nodes.
//!
//! Each generation lies in a PostgreSQL schema of its own; `tidings_views` says which one serves. One node at a time folds a
//! projection, by a lease; whoever folds without it is stopped by the compare-and-set of the checkpoint.

mod backend;
mod compare;
mod contacts;
mod conversations;
mod devices;
mod directory;
mod dropping;
mod error;
mod generations;
mod lease;
mod queries;
mod reading;
mod schema;
mod search;
mod shown;
mod store;
mod watching;
mod webhooks;

pub use store::PostgresViews;
