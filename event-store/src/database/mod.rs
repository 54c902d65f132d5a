//! The one place that knows how PostgreSQL is talked to: connection strings, pools, schemas, and what its errors mean.
//!
//! Log, keys and views each have a [`Schema`] of their own, so they may share a database or live in three.
//!
//! ```no_run
//! # use tidings_event_store::database::{DatabaseError, DatabaseUrl, Schema, Step};
//! const SCHEMA: Schema = Schema {
//!     part: "event store",
//!     name: "tidings_events",
//!     steps: &[Step { version: 20_261_120_120_000, name: "create events", sql: "CREATE TABLE …" }],
//! };
//! # async fn open(text: &str) -> Result<(), DatabaseError> {
//! let url = DatabaseUrl::parse("TIDINGS_EVENT_STORE", text)?;
//! SCHEMA.migrate(&url).await?;
//! let pool = url.pool(16);
//! # Ok(())
//! # }
//! ```

mod error;
mod schema;
mod url;

pub use error::{DatabaseError, is_lost, is_rolled_back, is_transient};
pub use schema::{Schema, Step};
pub use url::{DatabaseUrl, Place, connections};
