//! The bare replay: parse every line of the log, number the messages of each conversation, fill a fresh view.
//!
//! Rows go in fifty at a time, ten thousand events a transaction. Nothing is synced before the end: a rebuild that is cut
//! short begins again.

use super::{Record, log, rows};
use crate::error::BenchError;
use rusqlite::Connection;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

const EVENTS_IN_ONE_TRANSACTION: usize = 10_000;
const ROWS_IN_ONE_STATEMENT: usize = 50;
const COLUMNS: usize = 6;

struct Message {
    seq: u32,
    sender: String,
    record: Record,
}

/// Fills a view from the log in `dir`; answers the number of events.
pub(crate) fn run(dir: &Path) -> Result<u64, BenchError> {
    let path = dir.join("replayed.db");
    if path.exists() {
        std::fs::remove_file(&path)?;
    }
    let mut connection = Connection::open(&path)?;
    connection.pragma_update(None, "journal_mode", "OFF")?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.set_prepared_statement_cache_capacity(ROWS_IN_ONE_STATEMENT + 1);
    rows::make_tables(&connection)?;
    let mut last: HashMap<u32, u32> = HashMap::new();
    let mut batch = Vec::with_capacity(EVENTS_IN_ONE_TRANSACTION);
    let mut events = 0;
    let mut log = BufReader::with_capacity(1 << 20, File::open(log::path(dir))?);
    let mut line = Vec::new();
    while log.read_until(b'\n', &mut line)? > 0 {
        let record: Record = serde_json::from_slice(&line)?;
        line.clear();
        let seq = last.entry(record.conversation).or_default();
        *seq += 1;
        batch.push(Message { seq: *seq, sender: format!("user{:02}", record.sender), record });
        events += 1;
        if batch.len() == EVENTS_IN_ONE_TRANSACTION {
            insert(&mut connection, &mut batch)?;
        }
    }
    insert(&mut connection, &mut batch)?;
    connection.close().map_err(|(_, error)| error)?;
    File::open(&path)?.sync_all()?;
    Ok(events)
}

fn insert(connection: &mut Connection, batch: &mut Vec<Message>) -> Result<(), BenchError> {
    let transaction = connection.transaction()?;
    for messages in batch.chunks(ROWS_IN_ONE_STATEMENT) {
        let sql = format!("INSERT INTO message VALUES (?,?,?,?,?,?){}", ",(?,?,?,?,?,?)".repeat(messages.len() - 1));
        let mut statement = transaction.prepare_cached(&sql)?;
        for (row, message) in messages.iter().enumerate() {
            let Record { conversation, at, body, .. } = &message.record;
            let first = row * COLUMNS + 1;
            statement.raw_bind_parameter(first, conversation)?;
            statement.raw_bind_parameter(first + 1, message.seq)?;
            statement.raw_bind_parameter(first + 2, rows::id(*conversation, message.seq))?;
            statement.raw_bind_parameter(first + 3, &message.sender)?;
            statement.raw_bind_parameter(first + 4, body)?;
            statement.raw_bind_parameter(first + 5, i64::try_from(*at).unwrap_or(i64::MAX))?;
        }
        statement.raw_execute()?;
    }
    transaction.commit()?;
    batch.clear();
    Ok(())
}
