//! The writer's connection and what the writer knows of the log. Thrown away whole when a write fails: the next session
//! reads the truth from the file.

use std::{collections::HashMap, path::Path, sync::Arc};

use rusqlite::{Connection, OpenFlags, OptionalExtension};
use tidings_domain::StreamName;

use super::places::Places;
use crate::port::{CommandId, Position};

/// How many streams' versions are kept in memory: twice this at most.
const STREAMS_REMEMBERED: usize = 100_000;

/// A stream that is there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stream {
    pub(super) id: i64,
    pub(super) version: u64,
}

/// The streams written to lately. Two generations: when the young one is full it becomes the old one, and what was not
/// asked for since is forgotten.
#[derive(Debug, Default)]
struct Streams {
    young: HashMap<StreamName, Stream>,
    old: HashMap<StreamName, Stream>,
}

impl Streams {
    fn get(&mut self, name: &StreamName) -> Option<Stream> {
        if let Some(stream) = self.young.get(name) {
            return Some(*stream);
        }
        let stream = self.old.remove(name)?;
        self.put(name.clone(), stream);
        Some(stream)
    }

    fn put(&mut self, name: StreamName, stream: Stream) {
        if self.young.len() >= STREAMS_REMEMBERED {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(name, stream);
    }
}

#[derive(Debug)]
pub(super) struct Session {
    pub(super) connection: Connection,
    pub(super) places: Arc<Places>,
    /// Of the last event, that of the batch being judged included.
    pub(super) head: Position,
    last_stream: i64,
    streams: Streams,
    names: HashMap<&'static str, Arc<str>>,
}

impl Session {
    pub(super) fn open(path: &Path, places: Arc<Places>) -> rusqlite::Result<Self> {
        let connection = connect(path)?;
        let last = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        let head = last("SELECT coalesce(max(position), 0) FROM events")?;
        let last_stream = last("SELECT coalesce(max(id), 0) FROM streams")?;
        let head = Position::new(head.cast_unsigned());
        places.load(&connection, head)?;
        Ok(Self { connection, places, head, last_stream, streams: Streams::default(), names: HashMap::new() })
    }

    /// The stream as it will be after what was judged so far; `None` when it is not there.
    pub(super) fn stream(&mut self, name: &StreamName) -> rusqlite::Result<Option<Stream>> {
        if let Some(stream) = self.streams.get(name) {
            return Ok(Some(stream));
        }
        let mut statement = self.connection.prepare_cached(
            "SELECT id, (SELECT coalesce(max(version), 0) FROM places WHERE stream = streams.id) FROM streams
             WHERE name = ?1",
        )?;
        let found = statement
            .query_row([name.as_str()], |row| {
                let (id, placed) = (row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned());
                Ok(Stream { id, version: self.places.last_version(id).unwrap_or(placed) })
            })
            .optional()?;
        drop(statement);
        if let Some(stream) = found {
            self.streams.put(name.clone(), stream);
        }
        Ok(found)
    }

    /// Remembers what a stream is now.
    pub(super) fn remember(&mut self, name: StreamName, stream: Stream) {
        self.streams.put(name, stream);
    }

    /// An id for a stream that is about to be made.
    pub(super) const fn next_stream(&mut self) -> i64 {
        self.last_stream += 1;
        self.last_stream
    }

    /// The position after the head, which is the head from now on.
    pub(super) const fn next_position(&mut self) -> Position {
        self.head = Position::new(self.head.get() + 1);
        self.head
    }

    /// Whether a command of this id is in the log.
    pub(super) fn knows_command(&self, id: CommandId) -> rusqlite::Result<bool> {
        self.connection.prepare_cached("SELECT 1 FROM commands WHERE id = ?1")?.exists([id.0.as_slice()])
    }

    /// An event's name, held once.
    pub(super) fn name(&mut self, name: &'static str) -> Arc<str> {
        Arc::clone(self.names.entry(name).or_insert_with(|| name.into()))
    }
}

/// A connection that writes. WAL and full sync: what is committed survives the loss of power.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Checkpoints are the checkpointer's: in a commit they would make it slow.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "cache_size", -16 * 1024)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}
