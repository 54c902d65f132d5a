//! The bare replay: parse every line of the log and fill fresh views, each with what Tidings' view of that name cannot do without.
//!
//! Rows go in fifty at a time, ten thousand events a transaction. Nothing is synced before the end: a rebuild that is cut
//! short begins again.

use super::{Record, log, rows};
use crate::error::BenchError;
use clap::ValueEnum;
use rusqlite::{Connection, Transaction, params};
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

const EVENTS_IN_ONE_TRANSACTION: usize = 10_000;
const ROWS_IN_ONE_STATEMENT: usize = 50;
const COLUMNS: usize = 6;

/// What is built anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum View {
    /// A row for each message, numbered within its conversation
    Conversations,
    /// A row for each person
    Directory,
    /// A full-text index (FTS5) of what was said
    Search,
}

/// All of them.
pub(crate) const VIEWS: [View; 3] = [View::Conversations, View::Directory, View::Search];

impl View {
    /// As on the command line of either program.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Conversations => "conversations",
            Self::Directory => "directory",
            Self::Search => "search",
        }
    }

    /// The name of its replay's rate, and of the memory it took.
    pub(crate) const fn replay(self) -> [&'static str; 2] {
        match self {
            Self::Conversations => ["replay, conversations", "replay memory, conversations"],
            Self::Directory => ["replay, directory", "replay memory, directory"],
            Self::Search => ["replay, search", "replay memory, search"],
        }
    }
}

/// Fills one view from the log in `dir`, or all, one after the other; answers the number of events.
pub(crate) fn run(dir: &Path, view: Option<View>) -> Result<u64, BenchError> {
    let mut events = 0;
    for view in view.map_or_else(|| VIEWS.to_vec(), |view| vec![view]) {
        events = fill(dir, view)?;
    }
    Ok(events)
}

fn fill(dir: &Path, view: View) -> Result<u64, BenchError> {
    let path = dir.join(format!("replayed-{}.db", view.name()));
    if path.exists() {
        std::fs::remove_file(&path)?;
    }
    let mut connection = Connection::open(&path)?;
    connection.pragma_update(None, "journal_mode", "OFF")?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.set_prepared_statement_cache_capacity(ROWS_IN_ONE_STATEMENT + 1);
    rows::make_tables(&connection)?;
    let mut fold = Fold { view, last: HashMap::new(), people: HashSet::new() };
    let mut batch = Vec::with_capacity(EVENTS_IN_ONE_TRANSACTION);
    let mut events = 0;
    let mut log = BufReader::with_capacity(1 << 20, File::open(log::path(dir))?);
    let mut line = Vec::new();
    while log.read_until(b'\n', &mut line)? > 0 {
        batch.push(serde_json::from_slice(&line)?);
        line.clear();
        events += 1;
        if batch.len() == EVENTS_IN_ONE_TRANSACTION {
            fold.apply(&mut connection, &mut batch)?;
        }
    }
    fold.apply(&mut connection, &mut batch)?;
    connection.close().map_err(|(_, error)| error)?;
    File::open(&path)?.sync_all()?;
    Ok(events)
}

/// What is known while a log is read.
struct Fold {
    view: View,
    /// The number of the newest message of each conversation.
    last: HashMap<u32, u32>,
    people: HashSet<u32>,
}

impl Fold {
    fn apply(&mut self, connection: &mut Connection, batch: &mut Vec<Record>) -> Result<(), BenchError> {
        let transaction = connection.transaction()?;
        match self.view {
            View::Conversations => self.messages(&transaction, batch)?,
            View::Directory => self.people(&transaction, batch)?,
            View::Search => self.texts(&transaction, batch)?,
        }
        transaction.commit()?;
        batch.clear();
        Ok(())
    }

    fn seq(&mut self, conversation: u32) -> u32 {
        let seq = self.last.entry(conversation).or_default();
        *seq += 1;
        *seq
    }

    fn messages(&mut self, transaction: &Transaction<'_>, batch: &[Record]) -> Result<(), BenchError> {
        for records in batch.chunks(ROWS_IN_ONE_STATEMENT) {
            let sql = format!("INSERT INTO message VALUES (?,?,?,?,?,?){}", ",(?,?,?,?,?,?)".repeat(records.len() - 1));
            let mut statement = transaction.prepare_cached(&sql)?;
            for (row, Record { conversation, sender, at, body }) in records.iter().enumerate() {
                let (first, seq) = (row * COLUMNS + 1, self.seq(*conversation));
                statement.raw_bind_parameter(first, conversation)?;
                statement.raw_bind_parameter(first + 1, seq)?;
                statement.raw_bind_parameter(first + 2, rows::id(*conversation, seq))?;
                statement.raw_bind_parameter(first + 3, format!("user{sender:02}"))?;
                statement.raw_bind_parameter(first + 4, body)?;
                statement.raw_bind_parameter(first + 5, i64::try_from(*at).unwrap_or(i64::MAX))?;
            }
            statement.raw_execute()?;
        }
        Ok(())
    }

    fn people(&mut self, transaction: &Transaction<'_>, batch: &[Record]) -> Result<(), BenchError> {
        let mut insert = transaction.prepare_cached("INSERT INTO person VALUES (?1, ?2)")?;
        for Record { sender, .. } in batch {
            if self.people.insert(*sender) {
                insert.execute(params![sender, format!("user{sender:02}")])?;
            }
        }
        Ok(())
    }

    fn texts(&mut self, transaction: &Transaction<'_>, batch: &[Record]) -> Result<(), BenchError> {
        let mut insert = transaction.prepare_cached(rows::INSERT_TEXT)?;
        for Record { conversation, body, .. } in batch {
            insert.execute(params![body, conversation, self.seq(*conversation)])?;
        }
        Ok(())
    }
}
