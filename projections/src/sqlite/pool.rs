//! Connections for reading. A question runs where it is asked, without a change of thread, so there are never more
//! connections in use than threads that ask.

use std::sync::{
    Arc, Mutex, PoisonError, RwLock,
    atomic::{AtomicU64, Ordering},
};

use rusqlite::{Connection, OpenFlags};
use tidings_event_store::Connections;

use super::files::{GenerationFile, stable_plans};
use crate::{
    inboxes::{Inboxes, Source, Sources, Touched},
    queries::QueryError,
    runner::Projection,
};

/// The most connections kept for later.
const KEPT: usize = 16;

/// What serves now. Every change of it makes the connections to what served before useless.
#[derive(Default)]
pub(super) struct Pool {
    serving: RwLock<Serving>,
    epoch: AtomicU64,
    idle: Mutex<Vec<Reader>>,
    inboxes: Arc<Inboxes>,
}

#[derive(Default, Clone)]
struct Serving {
    directory: Option<Arc<GenerationFile>>,
    conversations: Option<Arc<GenerationFile>>,
    search: Option<Arc<GenerationFile>>,
}

/// A connection that sees the conversations as `main`, the people as `directory` and, where it serves, the search as `search`.
pub(super) struct Reader {
    // before the files: a connection is closed before its files may go
    db: Connection,
    epoch: u64,
    searches: bool,
    conversations: Arc<Touched>,
    directory: Arc<Touched>,
    _files: Serving,
}

impl Reader {
    /// What it reads.
    pub(super) const fn db(&self) -> &Connection {
        &self.db
    }

    /// From where and as of when it reads what it reads from now on.
    pub(super) fn sources(&self) -> Sources {
        Sources {
            epoch: self.epoch,
            conversations: Source::now(&self.conversations),
            directory: Source::now(&self.directory),
        }
    }
}

impl Pool {
    /// Lets a generation serve.
    pub(super) fn serve(&self, file: Arc<GenerationFile>) {
        file.kept_in(&self.inboxes);
        let mut serving = self.serving.write().unwrap_or_else(PoisonError::into_inner);
        match file.projection {
            Projection::Directory => serving.directory = Some(file),
            Projection::Conversations => serving.conversations = Some(file),
            Projection::Search => serving.search = Some(file),
        }
        let before = self.epoch.fetch_add(1, Ordering::AcqRel);
        self.inboxes.begin_epoch(before + 1);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Connections in use are not counted: a question runs on the thread that asks, and is over at once.
    pub(super) fn connections(&self) -> Connections {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).len();
        Connections { pool: "views", open: idle, idle, most: KEPT }
    }

    fn take(&self) -> Option<Reader> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn open(&self) -> Result<Reader, QueryError> {
        let (serving, epoch) = {
            let serving = self.serving.read().unwrap_or_else(PoisonError::into_inner);
            (serving.clone(), self.epoch.load(Ordering::Acquire))
        };
        let (Some(directory), Some(conversations)) = (&serving.directory, &serving.conversations) else {
            return Err(QueryError::NotReady);
        };
        // not read-only: the first reader after a crash has to recover the write-ahead log
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(&conversations.path, flags)?;
        db.set_prepared_statement_cache_capacity(128);
        stable_plans(&db)?;
        db.execute("ATTACH ? AS directory", [directory.path.to_string_lossy()])?;
        if let Some(search) = &serving.search {
            db.execute("ATTACH ? AS search", [search.path.to_string_lossy()])?;
        }
        db.execute_batch("PRAGMA query_only = ON; PRAGMA busy_timeout = 5000; PRAGMA cache_size = -2000;")?;
        let (conversations, directory) = (conversations.touched.clone(), directory.touched.clone());
        Ok(Reader { db, epoch, searches: serving.search.is_some(), conversations, directory, _files: serving })
    }

    /// Answers a question on a connection of its own, in one transaction.
    pub(super) fn read<T>(&self, question: impl FnOnce(&Connection) -> Result<T, QueryError>) -> Result<T, QueryError> {
        self.ask(|reader| question(&reader.db))
    }

    /// The same for one that needs the search view.
    pub(super) fn search<T>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, QueryError>,
    ) -> Result<T, QueryError> {
        self.ask(|reader| if reader.searches { question(&reader.db) } else { Err(QueryError::NotReady) })
    }

    /// The same for one that keeps what it reads.
    pub(super) fn with<T>(&self, question: impl FnOnce(&Reader) -> rusqlite::Result<T>) -> Result<T, QueryError> {
        self.ask(|reader| Ok(question(reader)?))
    }

    /// What is kept of what was read.
    pub(super) fn inboxes(&self) -> &Inboxes {
        &self.inboxes
    }

    fn ask<T>(&self, question: impl FnOnce(&Reader) -> Result<T, QueryError>) -> Result<T, QueryError> {
        let reader = match self.take() {
            Some(reader) => reader,
            None => self.open()?,
        };
        reader.db.prepare_cached("BEGIN")?.execute([])?;
        let answer = question(&reader);
        // a connection that cannot end its transaction is not used again
        let ended = reader.db.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([])).is_ok();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // looked at under the lock: what serves may change at any time, and then clears what is kept
        if ended && reader.epoch == self.epoch.load(Ordering::Acquire) && idle.len() < KEPT {
            idle.push(reader);
        }
        drop(idle);
        answer
    }
}
