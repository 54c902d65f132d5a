//! Which commands are in the log: an index of this node's own, filled by following the log. KurrentDB has none by content.
//!
//! Nothing is lost with the file: it is made again from the log.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rusqlite::{Connection, OptionalExtension, params};
use tidings_domain::StreamName;
use uuid::Uuid;

use super::stored::Stored;
use crate::port::{CommandId, CommandRecord, Fingerprint, Position, StoreError};

/// Changes when the tables do: an index of another version is made again.
const VERSION: i64 = 1;

/// The index is told where the follower is at least every so many events.
const NOTED_EVERY: usize = 1_000;

const TABLES: &str = "
CREATE TABLE commands (
    id BLOB PRIMARY KEY, stream TEXT NOT NULL, version INTEGER NOT NULL, position INTEGER NOT NULL, fingerprint BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE followed (position INTEGER NOT NULL, event BLOB NOT NULL) STRICT;
";

/// The reading side. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Reader(Arc<Mutex<Connection>>);

/// The writing side, of which there is one.
#[derive(Debug)]
pub(super) struct CommandIndex {
    connection: Arc<Mutex<Connection>>,
    place: Option<(Position, Uuid)>,
    unnoted: usize,
}

fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

impl CommandIndex {
    /// Opens the file, and makes it when it is not there. Only one process may have it.
    pub(super) fn open(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.execute_batch(
            "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;",
        )?;
        let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        let mut index = Self { connection: Arc::new(Mutex::new(connection)), place: None, unnoted: 0 };
        if version == VERSION {
            let read = "SELECT position, event FROM followed";
            let place = lock(&index.connection)
                .query_row(read, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, [u8; 16]>(1)?)))
                .optional()?;
            index.place = place.map(|(at, event)| (Position::new(at.cast_unsigned()), Uuid::from_bytes(event)));
        } else {
            index.clear()?;
        }
        Ok(index)
    }

    pub(super) fn reader(&self) -> Reader {
        Reader(self.connection.clone())
    }

    /// How far the log is indexed.
    pub(super) fn position(&self) -> Position {
        self.place.map_or(Position::START, |(position, _)| position)
    }

    /// The event at that position.
    pub(super) fn last_event(&self) -> Option<Uuid> {
        self.place.map(|(_, event)| event)
    }

    /// Begins anew.
    pub(super) fn clear(&mut self) -> rusqlite::Result<()> {
        self.place = None;
        let connection = lock(&self.connection);
        connection.execute_batch("DROP TABLE IF EXISTS commands; DROP TABLE IF EXISTS followed;")?;
        connection.execute_batch(TABLES)?;
        connection.pragma_update(None, "user_version", VERSION)
    }

    /// Adds what follows in the log.
    pub(super) fn add(&mut self, events: &[Stored]) -> rusqlite::Result<()> {
        let Some(last) = events.last() else { return Ok(()) };
        self.unnoted += events.len();
        if self.unnoted >= NOTED_EVERY || events.iter().any(|stored| stored.command.is_some()) {
            let mut connection = lock(&self.connection);
            let transaction = connection.transaction()?;
            insert(&transaction, events)?;
            transaction.execute("DELETE FROM followed", [])?;
            transaction
                .prepare_cached("INSERT INTO followed VALUES (?1, ?2)")?
                .execute(params![last.event.position.get().cast_signed(), last.event.id.as_bytes().as_slice()])?;
            transaction.commit()?;
            self.unnoted = 0;
        }
        self.place = Some((last.event.position, last.event.id));
        Ok(())
    }
}

fn insert(connection: &Connection, events: &[Stored]) -> rusqlite::Result<()> {
    // the first of a command is the one that counts
    let mut insert = connection.prepare_cached("INSERT OR IGNORE INTO commands VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for Stored { event, command } in events {
        if let Some(key) = command {
            insert.execute(params![
                key.id.0.as_slice(),
                event.stream.as_str(),
                event.version.cast_signed(),
                event.position.get().cast_signed(),
                key.fingerprint.0.as_slice()
            ])?;
        }
    }
    Ok(())
}

impl Reader {
    /// Where these commands stand, in the order asked, as far as the log is indexed.
    pub(super) fn find(&self, ids: &[CommandId]) -> Result<Vec<Option<CommandRecord>>, StoreError> {
        let connection = lock(&self.0);
        let find = || -> rusqlite::Result<Vec<Option<CommandRecord>>> {
            let sql = "SELECT stream, version, position, fingerprint FROM commands WHERE id = ?1";
            let mut find = connection.prepare_cached(sql)?;
            let record = |row: &rusqlite::Row<'_>| {
                Ok(CommandRecord {
                    stream: StreamName::stored(row.get::<_, String>(0)?),
                    version: row.get::<_, i64>(1)?.cast_unsigned(),
                    position: Position::new(row.get::<_, i64>(2)?.cast_unsigned()),
                    fingerprint: Fingerprint(row.get(3)?),
                })
            };
            ids.iter().map(|id| find.query_row([id.0.as_slice()], record).optional()).collect()
        };
        find().map_err(|error| StoreError::Unavailable(format!("the index of commands: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tidings_domain::Timestamp;

    use super::*;
    use crate::port::{CommandKey, RecordedEvent};

    fn stored(position: u64, command: Option<u8>) -> Stored {
        let event = RecordedEvent {
            position: Position::new(position),
            stream: StreamName::stored("user-1"),
            version: position,
            id: Uuid::from_u128(position.into()),
            name: "happened".into(),
            recorded_at: Timestamp::from_millis(0),
            data: Bytes::new(),
            metadata: Bytes::new(),
        };
        let key = |n| CommandKey { id: CommandId([n; 16]), fingerprint: Fingerprint([n; 16]) };
        Stored { event, command: command.map(key) }
    }

    #[test]
    fn what_was_indexed_is_there_after_reopening_and_one_process_has_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("commands.db");
        let mut index = CommandIndex::open(&path).unwrap();
        assert_eq!((index.position(), index.last_event()), (Position::START, None));
        index.add(&[stored(1, None), stored(2, Some(7)), stored(3, None)]).unwrap();
        assert!(CommandIndex::open(&path).is_err());
        drop(index);
        let mut index = CommandIndex::open(&path).unwrap();
        assert_eq!((index.position(), index.last_event()), (Position::new(3), Some(Uuid::from_u128(3))));
        let found = index.reader().find(&[CommandId([8; 16]), CommandId([7; 16])]).unwrap();
        assert_eq!(found[0], None);
        assert_eq!(found[1].as_ref().map(|record| (record.version, record.position.get())), Some((2, 2)));
        index.clear().unwrap();
        assert_eq!(index.position(), Position::START);
        assert_eq!(index.reader().find(&[CommandId([7; 16])]), Ok(vec![None]));
    }
}
