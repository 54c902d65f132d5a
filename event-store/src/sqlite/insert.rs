//! A batch into the file: one transaction, many rows a statement.

use rusqlite::{Statement, Transaction, TransactionBehavior};
use tidings_domain::StreamName;

use super::{batch::Batch, places::Placing, session::Session};
use crate::port::Snapshot;

/// Rows a statement inserts. Large ones save about a sixth of an insert's time; the commit's pages cost more.
const CHUNKS: [usize; 3] = [32, 8, 1];

/// The statements that fill one table.
#[derive(Debug)]
struct Inserts {
    columns: usize,
    sql: [String; CHUNKS.len()],
}

impl Inserts {
    fn new(insert: &str, columns: usize) -> Self {
        let row = format!("({})", vec!["?"; columns].join(","));
        let sql = CHUNKS.map(|rows| format!("{insert} VALUES {}", vec![row.as_str(); rows].join(",")));
        Self { columns, sql }
    }

    /// Inserts all rows; `bind` sets the parameters of one of them, the first of which has the given number.
    fn run<R>(
        &self,
        transaction: &Transaction<'_>,
        mut rows: &[R],
        bind: impl Fn(&mut Statement<'_>, usize, &R) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        for (size, sql) in CHUNKS.into_iter().zip(&self.sql) {
            if rows.len() < size {
                continue;
            }
            let mut statement = transaction.prepare_cached(sql)?;
            while let Some((chunk, rest)) = rows.split_at_checked(size) {
                for (nth, row) in chunk.iter().enumerate() {
                    bind(&mut statement, nth * self.columns + 1, row)?;
                }
                statement.raw_execute()?;
                rows = rest;
                if rows.is_empty() {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// The statements of the writer.
#[derive(Debug)]
pub(super) struct Tables {
    streams: Inserts,
    events: Inserts,
    places: Inserts,
    commands: Inserts,
}

impl Tables {
    pub(super) fn new() -> Self {
        Self {
            streams: Inserts::new("INSERT INTO streams (id, name, category)", 3),
            events: Inserts::new(
                "INSERT INTO events (position, stream, version, id, name, recorded_at, data, metadata)",
                8,
            ),
            places: Inserts::new("INSERT OR REPLACE INTO places (stream, version, position)", 3),
            commands: Inserts::new("INSERT INTO commands (id, position, fingerprint)", 3),
        }
    }

    /// Writes everything and commits. When it returns well, all of it is durable; else nothing may be said.
    pub(super) fn write(
        &self,
        session: &mut Session,
        batch: &Batch,
        snapshots: &[(StreamName, Snapshot)],
    ) -> rusqlite::Result<()> {
        let placing = session.places.next(batch.rows.len());
        let transaction = session.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        self.streams.run(&transaction, &batch.new_streams, |statement, at, (id, name)| {
            statement.raw_bind_parameter(at, id)?;
            statement.raw_bind_parameter(at + 1, name.as_str())?;
            statement.raw_bind_parameter(at + 2, name.category())
        })?;
        self.events.run(&transaction, &batch.rows, |statement, at, row| {
            let event = &row.event;
            statement.raw_bind_parameter(at, event.position.get().cast_signed())?;
            statement.raw_bind_parameter(at + 1, row.stream)?;
            statement.raw_bind_parameter(at + 2, event.version.cast_signed())?;
            statement.raw_bind_parameter(at + 3, event.id.as_bytes().as_slice())?;
            statement.raw_bind_parameter(at + 4, &*event.name)?;
            statement.raw_bind_parameter(at + 5, event.recorded_at.millis())?;
            statement.raw_bind_parameter(at + 6, &*event.data)?;
            statement.raw_bind_parameter(at + 7, &*event.metadata)
        })?;
        self.commands.run(&transaction, &batch.commands, |statement, at, (command, position)| {
            statement.raw_bind_parameter(at, command.id.0.as_slice())?;
            statement.raw_bind_parameter(at + 1, position.get().cast_signed())?;
            statement.raw_bind_parameter(at + 2, command.fingerprint.0.as_slice())
        })?;
        for (stream, snapshot) in snapshots {
            keep(&transaction, stream, snapshot)?;
        }
        self.place(&transaction, &placing)?;
        transaction.commit()?;
        session.places.settle(&batch.rows, &placing);
        Ok(())
    }

    /// Writes where all events are that wait for it. Whoever opens the file next has nothing to look for.
    pub(super) fn settle(&self, session: &mut Session) -> rusqlite::Result<()> {
        let placing = session.places.rest();
        if placing.all_to.is_some() {
            let transaction = session.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            self.place(&transaction, &placing)?;
            transaction.commit()?;
            session.places.settle(&[], &placing);
        }
        Ok(())
    }

    fn place(&self, transaction: &Transaction<'_>, placing: &Placing) -> rusqlite::Result<()> {
        self.places.run(transaction, &placing.places, |statement, at, place| {
            statement.raw_bind_parameter(at, place.stream)?;
            statement.raw_bind_parameter(at + 1, place.version.cast_signed())?;
            statement.raw_bind_parameter(at + 2, place.position.get().cast_signed())
        })?;
        if let Some(all_to) = placing.all_to {
            transaction.prepare_cached("UPDATE placed SET position = ?1")?.execute([all_to.get().cast_signed()])?;
        }
        Ok(())
    }
}

/// A snapshot that another node took later stays, unless it is in a format of another program.
fn keep(transaction: &Transaction<'_>, stream: &StreamName, snapshot: &Snapshot) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO snapshots (stream, version, format, data) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (stream) DO UPDATE
             SET version = excluded.version, format = excluded.format, data = excluded.data
             WHERE excluded.version >= snapshots.version OR excluded.format <> snapshots.format",
        )?
        .execute((stream.as_str(), snapshot.version.cast_signed(), &snapshot.format, &*snapshot.data))
        .map(drop)
}
