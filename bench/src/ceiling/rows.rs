//! A page of 50 rows and a sum, from SQLite through rusqlite, on the thread that asks.

use crate::error::BenchError;
use crate::random::Random;
use rusqlite::{Connection, OpenFlags, params};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Conversations in the table, and how many of them each person has: as in the data set on the other side.
pub(crate) const CONVERSATIONS: u32 = 512;
const OF_ONE_PERSON: u32 = 50;
const PERSONS: u32 = 64;

const SCHEMA: &str = "
    CREATE TABLE message (conversation INTEGER, seq INTEGER, id TEXT, sender TEXT, text TEXT, at INTEGER,
        PRIMARY KEY (conversation, seq)) WITHOUT ROWID;
    CREATE TABLE reader (person INTEGER, conversation INTEGER, last INTEGER, mark INTEGER,
        PRIMARY KEY (person, conversation)) WITHOUT ROWID;
    CREATE TABLE person (number INTEGER PRIMARY KEY, name TEXT);
    CREATE VIRTUAL TABLE said USING fts5(text, conversation UNINDEXED, seq UNINDEXED);";
pub(crate) const INSERT_TEXT: &str = "INSERT INTO said VALUES (?1, ?2, ?3)";
const PAGE: &str = "SELECT id, seq, sender, text, at FROM message WHERE conversation = ?1 ORDER BY seq DESC LIMIT 50";
/// The newest of what one may see that has all of the words in it.
const SEARCH: &str = "SELECT conversation, seq, snippet(said, 0, '<mark>', '</mark>', '…', 16) FROM said
    WHERE said MATCH ?1 AND conversation IN (SELECT conversation FROM reader WHERE person = ?2)
    ORDER BY rowid DESC LIMIT 20";
const UNREAD: &str = "SELECT sum(last - mark) FROM reader WHERE person = ?1";

/// Makes the schema of the views; the replay fills it too.
pub(crate) fn make_tables(connection: &Connection) -> Result<(), BenchError> {
    Ok(connection.execute_batch(SCHEMA)?)
}

/// The id of a message.
pub(crate) fn id(conversation: u32, seq: u32) -> String {
    format!("{conversation:032x}-{seq}")
}

#[derive(Serialize)]
pub(crate) struct Row {
    id: String,
    seq: u32,
    sender: String,
    text: String,
    at: i64,
}

#[derive(Serialize)]
pub(crate) struct Hit {
    id: String,
    snippet: String,
}

/// Read connections, as many as threads ever asked at once.
pub(crate) struct Rows {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Rows {
    /// Opens the file of before, or fills a new one with `rows` messages for each conversation.
    pub(crate) fn open(dir: &Path, rows: u32) -> Result<Self, BenchError> {
        let path = dir.join("rows.db");
        if !path.exists() {
            Self::fill(&path, rows)?;
        }
        Ok(Self { path, idle: Mutex::default() })
    }

    fn fill(path: &Path, rows: u32) -> Result<(), BenchError> {
        let mut connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        make_tables(&connection)?;
        let mut random = Random::new(1);
        let transaction = connection.transaction()?;
        {
            let mut insert = transaction.prepare("INSERT INTO message VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
            for conversation in 0..CONVERSATIONS {
                for seq in 1..=rows {
                    let sender = format!("user{:02}", random.below(PERSONS as usize));
                    let at = 1_700_000_000_000 + i64::from(seq);
                    let text = random.text(80);
                    insert.execute(params![conversation, seq, id(conversation, seq), sender, text, at])?;
                }
            }
            let mut insert = transaction.prepare(INSERT_TEXT)?;
            // as people talk: the newest of all conversations stand together
            for seq in 1..=rows {
                for conversation in 0..CONVERSATIONS {
                    insert.execute(params![random.text(80), conversation, seq])?;
                }
            }
            let mut insert = transaction.prepare("INSERT INTO reader VALUES (?1, ?2, ?3, ?4)")?;
            for person in 0..PERSONS {
                for conversation in 0..OF_ONE_PERSON {
                    insert.execute(params![person, conversation, rows, rows / 2])?;
                }
            }
        }
        transaction.commit()?;
        Ok(())
    }

    pub(crate) fn page(&self, conversation: u32) -> Result<Vec<Row>, BenchError> {
        self.with(|connection| {
            let mut page = connection.prepare_cached(PAGE)?;
            let rows = page.query_map([conversation], |row| {
                let (id, seq) = (row.get(0)?, row.get(1)?);
                Ok(Row { id, seq, sender: row.get(2)?, text: row.get(3)?, at: row.get(4)? })
            })?;
            rows.collect()
        })
    }

    /// The words as FTS5 takes them.
    pub(crate) fn search(&self, person: u32, words: &str) -> Result<Vec<Hit>, BenchError> {
        self.with(|connection| {
            let mut search = connection.prepare_cached(SEARCH)?;
            let hits = search.query_map(params![words, person % PERSONS], |row| {
                Ok(Hit { id: id(row.get(0)?, row.get(1)?), snippet: row.get(2)? })
            })?;
            hits.collect()
        })
    }

    pub(crate) fn unread(&self, person: u32) -> Result<i64, BenchError> {
        self.with(|connection| connection.prepare_cached(UNREAD)?.query_row([person % PERSONS], |row| row.get(0)))
    }

    fn with<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, BenchError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = if let Some(connection) = idle {
            connection
        } else {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(&self.path, flags)?;
            // the table fits: what is measured is SQLite's work, not copies from the kernel's cache
            connection.pragma_update(None, "cache_size", -64_000)?;
            connection
        };
        let read = read(&connection);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        Ok(read?)
    }
}
