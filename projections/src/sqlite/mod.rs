//! Views in SQLite files: the embedded backend.

mod backend;
mod compare;
mod contacts;
mod conversations;
mod devices;
mod directory;
mod error;
mod files;
mod ids;
mod many;
mod parked;
mod past;
mod pool;
mod postings;
mod queries;
mod room;
mod schema;
mod search;
mod store;
mod trust;
mod webhooks;

pub use past::PastQueries;
pub use store::SqliteViews;
