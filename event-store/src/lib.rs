//! The event store of Tidings: the port [`EventStore`], its backends, and what makes an immutable log able to forget.
//!
//! - [`port`]: what a store can do, in terms that every backend can keep;
//! - [`sqlite`]: the embedded backend, one writer with group commit;
//! - [`postgres`]: the backend of several nodes, one statement for a batch;
//! - [`kurrentdb`]: KurrentDB, for several nodes;
//! - [`refill`]: an empty log, filled with what another had;
//! - [`tail`]: the end of the log in memory, for backends with a writer of their own;
//! - [`database`]: how PostgreSQL is talked to;
//! - [`keys`]: the key store, apart from the log;
//! - [`codec`]: events to stored form and back, sealing and upcasting on the way.

pub mod codec;
pub mod database;
mod filter;
pub mod keys;
pub mod kurrentdb;
pub mod port;
pub mod postgres;
mod queue;
pub mod refill;
mod seldom;
pub mod sqlite;
pub mod tail;
mod ticket;
mod worker;

pub use codec::{Codec, CodecError, DecodedEvent, SealError};
pub use keys::{InstallationSecret, KeyError, Keyring, PostgresKeyBlocks, SqliteKeyBlocks};
pub use kurrentdb::KurrentEventStore;
pub use port::{
    AppendError, AppendTicket, Appended, CommandId, CommandKey, CommandRecord, Connections, EventStore, Filter,
    Fingerprint, MOST_STREAMS, Metadata, NewEvent, Page, Position, RecordedEvent, Snapshot, StoreError, StreamAppend,
    Streams,
};
pub use postgres::PostgresEventStore;
pub use seldom::Seldom;
pub use sqlite::{OpenError, SqliteEventStore};
