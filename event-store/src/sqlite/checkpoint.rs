//! Moving the write-ahead log into the database file, beside the writer instead of inside its commits.
//!
//! A helper thread copies most of it (a passive checkpoint stops nobody). While it copies, the writer goes on, so the
//! helper alone would never reach the end and the log would grow for ever. Therefore the writer itself copies the small
//! rest between two batches; from then on SQLite writes the log from its start again, into blocks that are there already.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, SyncSender},
    },
    thread::{self, JoinHandle},
};

use rusqlite::Connection;

/// Pages in the log from which on it is worth copying (4 KiB each).
const WORTH_COPYING: i64 = 8 * 1024;
/// Uncopied pages that the writer copies itself.
const SMALL_REST: i64 = 1024;
/// Pages from which on the writer copies whatever is left, so that the log stays bounded under any load.
const TOO_MANY: i64 = 64 * 1024;

/// Looks after one database's write-ahead log. The writer's own connection has `wal_autocheckpoint = 0`.
#[derive(Debug)]
pub struct Checkpointer {
    wake: Option<SyncSender<()>>,
    busy: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Pages in the write-ahead log, and how many of them are in the database file as well.
#[derive(Debug, Clone, Copy)]
struct Wal {
    pages: i64,
    copied: i64,
}

impl Checkpointer {
    /// Starts the helper thread, of this name. `connect` gives it a connection of its own when there is something to copy.
    pub fn start(
        thread_name: String,
        path: PathBuf,
        connect: fn(&Path) -> rusqlite::Result<Connection>,
    ) -> std::io::Result<Self> {
        let (wake, woken) = mpsc::sync_channel::<()>(1);
        let busy = Arc::new(AtomicBool::new(false));
        let working = Arc::clone(&busy);
        let thread = thread::Builder::new().name(thread_name).spawn(move || {
            let mut connection = None;
            while woken.recv().is_ok() {
                copy_most(&path, connect, &mut connection);
                working.store(false, Ordering::Release);
            }
        })?;
        Ok(Self { wake: Some(wake), busy, thread: Some(thread) })
    }

    /// Looks how long the log is and has it copied when that is due. To be called between two batches.
    pub fn look(&self, writer: &Connection) -> rusqlite::Result<()> {
        let wal = checkpoint(writer, "NOOP")?;
        if wal.pages < WORTH_COPYING || self.busy.load(Ordering::Acquire) && wal.pages < TOO_MANY {
            return Ok(());
        }
        if wal.pages - wal.copied <= SMALL_REST || wal.pages >= TOO_MANY {
            return checkpoint(writer, "PASSIVE").map(drop);
        }
        self.busy.store(true, Ordering::Release);
        if let Some(wake) = &self.wake {
            // It is idle, so there is room; were it gone, the writer would copy at TOO_MANY.
            wake.try_send(()).ok();
        }
        Ok(())
    }

    /// Ends the helper and copies everything.
    pub fn finish(mut self, writer: &Connection) -> rusqlite::Result<()> {
        self.stop();
        checkpoint(writer, "TRUNCATE").map(drop)
    }

    fn stop(&mut self) {
        drop(self.wake.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the checkpoint thread panicked");
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn copy_most(path: &Path, connect: fn(&Path) -> rusqlite::Result<Connection>, kept: &mut Option<Connection>) {
    let copied = match kept.take() {
        Some(connection) => Ok(connection),
        None => connect(path),
    }
    .and_then(|connection| {
        checkpoint(&connection, "PASSIVE")?;
        Ok(connection)
    });
    match copied {
        Ok(connection) => *kept = Some(connection),
        Err(error) => tracing::warn!(%error, "the write-ahead log could not be copied, it will be tried again"),
    }
}

fn checkpoint(connection: &Connection, mode: &str) -> rusqlite::Result<Wal> {
    connection
        .prepare_cached(&format!("PRAGMA wal_checkpoint({mode})"))?
        .query_row([], |row| Ok(Wal { pages: row.get(1)?, copied: row.get(2)? }))
}
