//! Reading: bounded queries on read-only connections, run where they are called.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params_from_iter, types::Value};
use tidings_domain::{StreamName, Timestamp};
use uuid::Uuid;

use super::{
    error::{damaged_column, store_error},
    places::Places,
};
use crate::{
    Seldom,
    port::{
        CommandId, CommandRecord, Connections, Filter, Fingerprint, Page, Position, RecordedEvent, Snapshot, StoreError,
    },
};

/// Connections kept for the next reader. Queries block their thread, so there are never more than threads that read.
const MAX_IDLE: usize = 16;

/// Read-only connections.
#[derive(Debug)]
pub(super) struct Reads {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Reads {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::new(Vec::new()) }
    }

    /// Connections in use are not counted: a query runs on the thread that asks, and is over at once.
    pub(super) fn connections(&self) -> Connections {
        let idle = self.idle().len();
        Connections { pool: "log", open: idle, idle, most: MAX_IDLE }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads on a connection of its own. One that failed is not used again.
    pub(super) fn with<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let kept = self.idle().pop();
        let outcome = match kept {
            Some(connection) => Ok(connection),
            None => self.connect(),
        }
        .and_then(|connection| Ok((read(&connection)?, connection)));
        match outcome {
            Ok((value, connection)) => {
                let mut idle = self.idle();
                if idle.len() < MAX_IDLE {
                    idle.push(connection);
                }
                Ok(value)
            }
            Err(error) => {
                static SAID: Seldom = Seldom::new();
                if let Some(left_out) = SAID.due() {
                    tracing::error!(%error, left_out, "the event store could not be read");
                }
                Err(store_error(&error))
            }
        }
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.set_prepared_statement_cache_capacity(32);
        connection.pragma_update(None, "cache_size", -2 * 1024)?;
        Ok(connection)
    }
}

/// What an event is read from, in the order that [`Rows::event`] expects.
pub(super) const COLUMNS: &str =
    "e.position, e.stream, e.version, e.id, e.name, e.recorded_at, e.data, e.metadata, s.name";

/// Reads rows, holding each name once.
#[derive(Default)]
pub(super) struct Rows {
    streams: HashMap<i64, StreamName>,
    names: Vec<Arc<str>>,
}

impl Rows {
    pub(super) fn event(&mut self, row: &Row<'_>) -> rusqlite::Result<Arc<RecordedEvent>> {
        let stream = match self.streams.get(&row.get(1)?) {
            Some(stream) => stream.clone(),
            None => self.stream(row)?,
        };
        let name = row.get_ref(4)?.as_str()?;
        let known = self.names.iter().find(|known| &***known == name).map(Arc::clone);
        let name = known.unwrap_or_else(|| {
            let name: Arc<str> = name.into();
            self.names.push(Arc::clone(&name));
            name
        });
        Ok(Arc::new(RecordedEvent {
            position: Position::new(unsigned(row, 0)?),
            stream,
            version: unsigned(row, 2)?,
            id: Uuid::from_slice(row.get_ref(3)?.as_blob()?).map_err(|_| damaged_column(3, "no event id"))?,
            name,
            recorded_at: Timestamp::from_millis(row.get(5)?),
            data: Bytes::copy_from_slice(row.get_ref(6)?.as_blob()?),
            metadata: Bytes::copy_from_slice(row.get_ref(7)?.as_blob()?),
        }))
    }

    fn stream(&mut self, row: &Row<'_>) -> rusqlite::Result<StreamName> {
        let Some(name) = row.get_ref(8)?.as_str_or_null()? else {
            return Err(damaged_column(8, "an event of a stream that is not there"));
        };
        let name = StreamName::stored(name);
        self.streams.insert(row.get(1)?, name.clone());
        Ok(name)
    }
}

fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    u64::try_from(row.get::<_, i64>(column)?).map_err(|_| damaged_column(column, "a negative number"))
}

/// A number as SQLite takes it. None of ours is above its range; what is asked for may be.
pub(super) fn bounded(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The log after a position, at most `limit` positions and none above the head. Positions are gapless here.
pub(super) fn log(
    (connection, places): (&Connection, &Places),
    after: Position,
    head: Position,
    filter: &Filter,
    limit: usize,
) -> rusqlite::Result<Page> {
    let last = after.get().saturating_add(limit as u64).min(head.get());
    let mut parameters: Vec<Value> = vec![bounded(after.get()).into(), bounded(last).into()];
    let admitted = match filter {
        Filter::All => String::new(),
        Filter::Categories(categories) => {
            parameters.extend(categories.iter().map(|category| Value::from((*category).to_owned())));
            // An event without its stream is let through to be told as damage. It also keeps SQLite from beginning with
            // the streams, of which there may be millions.
            format!(" AND (s.category IS NULL OR s.category IN ({}))", vec!["?"; categories.len()].join(","))
        }
        // those are found by their names
        Filter::Streams(choices) => return super::streams::page((connection, places), after, head, choices, limit),
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM events e LEFT JOIN streams s ON s.id = e.stream
         WHERE e.position > ?1 AND e.position <= ?2{admitted} ORDER BY e.position"
    ))?;
    let mut found = statement.query(params_from_iter(parameters))?;
    let mut rows = Rows::default();
    let mut page = Page { events: Vec::new(), scanned_to: Position::new(last) };
    while let Some(row) = found.next()? {
        page.events.push(rows.event(row)?);
    }
    if *filter == Filter::All && page.events.len() as u64 != last - after.get() {
        return Err(damaged_column(0, "positions are missing"));
    }
    Ok(page)
}

/// The log after a position, whatever is missing from it.
pub(super) fn whatever_is_there(
    connection: &Connection,
    after: Position,
    limit: usize,
) -> rusqlite::Result<Vec<Arc<RecordedEvent>>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM events e LEFT JOIN streams s ON s.id = e.stream
         WHERE e.position > ?1 ORDER BY e.position LIMIT ?2"
    ))?;
    let mut found = statement.query((bounded(after.get()), i64::try_from(limit).unwrap_or(i64::MAX)))?;
    let (mut rows, mut events) = (Rows::default(), Vec::new());
    while let Some(row) = found.next()? {
        events.push(rows.event(row)?);
    }
    Ok(events)
}

pub(super) fn command(
    connection: &Connection,
    id: CommandId,
    head: Position,
) -> rusqlite::Result<Option<CommandRecord>> {
    connection
        .prepare_cached(
            "SELECT s.name, e.version, c.position, c.fingerprint FROM commands c
             LEFT JOIN events e ON e.position = c.position LEFT JOIN streams s ON s.id = e.stream
             WHERE c.id = ?1 AND c.position <= ?2",
        )?
        .query_row((id.0.as_slice(), bounded(head.get())), |row| {
            let fingerprint = row.get_ref(3)?.as_blob()?.try_into();
            Ok(CommandRecord {
                stream: StreamName::stored(row.get_ref(0)?.as_str()?),
                version: unsigned(row, 1)?,
                position: Position::new(unsigned(row, 2)?),
                fingerprint: Fingerprint(fingerprint.map_err(|_| damaged_column(3, "no fingerprint"))?),
            })
        })
        .optional()
}

pub(super) fn snapshot(connection: &Connection, stream: &StreamName) -> rusqlite::Result<Option<Snapshot>> {
    connection
        .prepare_cached("SELECT version, format, data FROM snapshots WHERE stream = ?1")?
        .query_row([stream.as_str()], |row| {
            Ok(Snapshot { version: unsigned(row, 0)?, format: row.get(1)?, data: row.get::<_, Vec<u8>>(2)?.into() })
        })
        .optional()
}
