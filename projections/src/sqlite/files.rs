//! The files of the views: `views.db` names the serving generation of each projection; each generation has its own.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use rusqlite::{Connection, OpenFlags, OptionalExtension, config::DbConfig};

use tidings_event_store::sqlite::Checkpointer;

use crate::{
    fold::{Fit, Shape},
    inboxes::{Inboxes, Touched},
    runner::Projection,
};

/// Marks the files of the views as ours ("TDGV"), in the header field that SQLite keeps for this.
pub(super) const APPLICATION_ID: u32 = 0x5444_4756;

/// What lies at a path where a view should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing, or an empty file.
    Nothing,
    /// A database of ours, by its header.
    Ours,
    /// No database at all: ours, but damaged.
    Damaged,
    /// Somebody else's database.
    Foreign,
}

/// Looks at the header only, and changes nothing.
pub(super) fn look_at(path: &Path) -> io::Result<Found> {
    let mut header = Vec::with_capacity(100);
    match File::open(path) {
        Ok(file) => file.take(100).read_to_end(&mut header)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(error),
    };
    Ok(match header.get(68..72) {
        None if header.is_empty() => Found::Nothing,
        Some(id) if header.starts_with(b"SQLite format 3\0") => {
            match u32::from_be_bytes([id[0], id[1], id[2], id[3]]) {
                APPLICATION_ID => Found::Ours,
                _ => Found::Foreign,
            }
        }
        Some(_) | None => Found::Damaged,
    })
}

/// The file of one generation. Goes away with its last user, once it is doomed.
pub(super) struct GenerationFile {
    pub(super) projection: Projection,
    pub(super) number: u32,
    pub(super) path: PathBuf,
    pub(super) waits: Waits,
    /// What was changed since when, while it serves.
    pub(super) touched: Arc<Touched>,
    inboxes: OnceLock<Arc<Inboxes>>,
    doomed: AtomicBool,
}

impl GenerationFile {
    pub(super) fn new(directory: &Path, projection: Projection, number: u32, waits: Waits) -> Self {
        let path = directory.join(format!("views-{}-{number}.db", projection.name()));
        let (touched, inboxes) = (Arc::default(), OnceLock::new());
        Self { projection, number, path, waits, touched, inboxes, doomed: AtomicBool::new(false) }
    }

    /// What is read from it is kept there.
    pub(super) fn kept_in(&self, inboxes: &Arc<Inboxes>) {
        self.inboxes.get_or_init(|| inboxes.clone());
    }

    /// A transaction of who folds has ended, stored or not.
    pub(super) fn ended(&self) {
        if self.touched.end()
            && let Some(inboxes) = self.inboxes.get()
        {
            inboxes.forget();
        }
    }

    /// To be removed when nobody has it open any more.
    pub(super) fn doom(&self) {
        self.doomed.store(true, Ordering::Release);
    }

    /// Makes an empty generation, for fast filling: no journal, no waiting for the disk. A crash leaves nothing usable,
    /// and nothing here counts until [`GenerationFile::finish`].
    pub(super) fn create(&self, schema: &Shape) -> rusqlite::Result<Connection> {
        remove_database(&self.path).map_err(|error| to_sqlite(&error))?;
        let db = Connection::open(&self.path)?;
        db.execute_batch(&format!(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;
             PRAGMA page_size = 4096; PRAGMA auto_vacuum = NONE; PRAGMA application_id = {APPLICATION_ID};
             PRAGMA secure_delete = ON; PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY; BEGIN;"
        ))?;
        for statements in schema.tables {
            db.execute_batch(statements)?;
        }
        db.execute("INSERT INTO about VALUES ('projection', ?)", [self.projection.name()])?;
        db.execute("INSERT INTO about VALUES ('fingerprint', ?)", [schema.fingerprint()])?;
        db.execute_batch("COMMIT")?;
        Ok(db)
    }

    /// Ends the fast filling: the indexes, the settings for serving, and all of it to the disk where what serves is kept there
    /// (ADR 0009).
    pub(super) fn finish(&self, db: &Connection, schema: &Shape) -> rusqlite::Result<()> {
        db.execute_batch("BEGIN")?;
        for statements in schema.indexes {
            db.execute_batch(statements)?;
        }
        db.execute("INSERT INTO about VALUES ('complete', 'yes')", [])?;
        db.execute_batch("COMMIT")?;
        // leaving the exclusive lock takes an access of the file; the journal mode's change is one
        db.execute_batch("PRAGMA locking_mode = NORMAL; PRAGMA journal_mode = DELETE; SELECT count(*) FROM about;")?;
        if self.waits == Waits::AtCheckpoints {
            sync_file(&self.path).map_err(|error| to_sqlite(&error))?;
        }
        serve(db, self.waits)
    }

    /// Opens a finished generation for folding on.
    pub(super) fn open(&self) -> rusqlite::Result<Connection> {
        connect(&self.path, self.waits)
    }

    /// All of it to the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        // what a reader keeps in the write-ahead log is read from there again
        let copied = self.open().and_then(|db| db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())));
        copied.map_err(io::Error::other)?;
        for suffix in ["-wal", ""] {
            let mut name = self.path.as_os_str().to_owned();
            name.push(suffix);
            match sync_file(Path::new(&name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// Begins to move the write-ahead log into the file, beside the folding.
    pub(super) fn start_checkpoints(&self) -> rusqlite::Result<Checkpointer> {
        let name = format!("copy-{}", self.projection.name());
        let connect = match self.waits {
            Waits::Never => |path: &Path| connect(path, Waits::Never),
            Waits::AtCheckpoints => |path: &Path| connect(path, Waits::AtCheckpoints),
        };
        Checkpointer::start(name, self.path.clone(), connect).map_err(|error| to_sqlite(&error))
    }
}

/// Whether a generation was finished, and can be read and folded on by this release.
pub(super) fn fits(db: &Connection, schema: &Shape) -> rusqlite::Result<Fit> {
    let about = |name: &str| {
        let value = db.query_row("SELECT value FROM about WHERE name = ?", [name], |row| row.get::<_, String>(0));
        value.optional()
    };
    let complete = about("complete")?.is_some();
    let fingerprint = about("fingerprint")?.filter(|_| complete);
    Ok(fingerprint.map_or(Fit::No, |fingerprint| schema.fits(&fingerprint)))
}

impl Drop for GenerationFile {
    fn drop(&mut self) {
        if *self.doomed.get_mut()
            && let Err(error) = remove_database(&self.path)
        {
            tracing::warn!(%error, path = %self.path.display(), "an old view could not be removed");
        }
    }
}

fn connect(path: &Path, waits: Waits) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    serve(&db, waits)?;
    Ok(db)
}

/// When the writing of a view waits for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waits {
    /// Not before it is closed: see [`super::trust`].
    Never,
    /// When the write-ahead log is copied: what a power cut takes is folded again.
    AtCheckpoints,
}

/// Serving: readers beside one writer, erased text overwritten.
fn serve(db: &Connection, waits: Waits) -> rusqlite::Result<()> {
    let synchronous = match waits {
        Waits::Never => "OFF",
        Waits::AtCheckpoints => "NORMAL",
    };
    db.execute_batch(&format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; PRAGMA secure_delete = ON;
         PRAGMA cache_size = -32768; PRAGMA busy_timeout = 5000; PRAGMA journal_size_limit = 67108864;
         PRAGMA wal_autocheckpoint = 0;",
    ))
}

/// Keeps a statement's plan whatever is bound to it. Otherwise a statement that might use a partial index is compiled
/// again for every new value, which takes longer than running it.
pub(super) fn stable_plans(db: &Connection) -> rusqlite::Result<()> {
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// Removes a database with what stands beside it.
pub(super) fn remove_database(path: &Path) -> io::Result<()> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match fs::remove_file(PathBuf::from(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// A file and its name to the disk.
pub(super) fn sync_file(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()?;
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

fn to_sqlite(error: &io::Error) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR), Some(error.to_string()))
}
