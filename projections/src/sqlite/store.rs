//! The data directory's views: which generation of each projection serves.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};
use tidings_event_store::Connections;

use super::{
    backend::SqliteBackend,
    compare::SqlitePinned,
    error::{blame, views_error},
    files::{APPLICATION_ID, Found, GenerationFile, Waits, fits, look_at, remove_database},
    pool::Pool,
    queries::SqliteQueries,
    room,
    schema::shape,
    trust,
};
use crate::{
    fold::{Blame, Fit, FoldError, Folding},
    queries::Queries,
    runner::{Generation, Opened, Pinned, Projection, Promotion, ViewStore, ViewsError, Wanted},
};

/// Views in a data directory: `views.db` and one file for each projection's generation.
pub struct SqliteViews {
    directory: PathBuf,
    index: Mutex<Connection>,
    pool: Arc<Pool>,
    open: Mutex<HashMap<(Projection, u32), Arc<GenerationFile>>>,
    waits: Waits,
}

impl SqliteViews {
    /// Opens the views of a data directory, or makes them. What an interrupted rebuild left is removed; a file that
    /// another program wrote is refused, and left as it is.
    pub fn open(directory: &Path) -> Result<Self, ViewsError> {
        let path = directory.join("views.db");
        let found = look_at(&path).map_err(|error| unavailable(&path, &error))?;
        match found {
            Found::Foreign => return Err(foreign(&path)),
            Found::Damaged => remove_database(&path).map_err(|error| unavailable(&path, &error))?,
            Found::Ours | Found::Nothing => {}
        }
        let index = match open_index(&path) {
            Err(error) if blame(&error) == Blame::File => {
                remove_database(&path).map_err(|error| unavailable(&path, &error))?;
                open_index(&path)
            }
            opened => opened,
        };
        let start = trust::this_start();
        let views = Self {
            directory: directory.to_owned(),
            index: Mutex::new(index.map_err(|error| views_error(&error))?),
            pool: Arc::new(Pool::default()),
            open: Mutex::default(),
            waits: if start.is_some() { Waits::Never } else { Waits::AtCheckpoints },
        };
        // first: where something foreign lies, nothing is changed
        views.remove_leftovers()?;
        if !views.begin(start.as_deref()).map_err(|error| views_error(&error))? {
            views.remove_leftovers()?;
        }
        Ok(views)
    }

    fn begin(&self, start: Option<&str>) -> rusqlite::Result<bool> {
        trust::begin(&mut self.index(), start)
    }

    fn index(&self) -> MutexGuard<'_, Connection> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One change: what serves anew was rebuilt.
    fn set_serving(&self, projection: Projection, number: u32) -> rusqlite::Result<()> {
        let mut index = self.index();
        let change = index.transaction()?;
        change.execute(
            "INSERT INTO serving VALUES (?1, ?2) ON CONFLICT (projection) DO UPDATE SET generation = ?2",
            params![projection.name(), number],
        )?;
        change.execute("DELETE FROM wanted WHERE projection = ?", [projection.name()])?;
        change.commit()
    }

    fn is_wanted(&self, projection: Projection) -> rusqlite::Result<bool> {
        let count = "SELECT count(*) FROM wanted WHERE projection = ?";
        self.index().query_row(count, [projection.name()], |row| row.get(0))
    }

    /// Whether what serves was filled by a release that fills it otherwise.
    fn is_of_an_older_release(&self, projection: Projection) -> Result<bool, ViewsError> {
        let Some(number) = self.serving(projection)? else { return Ok(false) };
        let db = self.file(projection, number).open().map_err(|error| views_error(&error))?;
        Ok(fits(&db, &shape(projection)).map_err(|error| views_error(&error))? == Fit::Filled)
    }

    /// The number of the serving generation, if there is one.
    fn serving(&self, projection: Projection) -> Result<Option<u32>, ViewsError> {
        self.index()
            .query_row("SELECT generation FROM serving WHERE projection = ?", [projection.name()], |row| row.get(0))
            .optional()
            .map_err(|error| views_error(&error))
    }

    fn remove_leftovers(&self) -> Result<(), ViewsError> {
        let mut serving = Vec::new();
        for projection in Projection::ALL {
            serving.extend(self.serving(projection)?.map(|number| (projection, number)));
        }
        let entries = fs::read_dir(&self.directory).map_err(|error| unavailable(&self.directory, &error))?;
        for entry in entries {
            let path = entry.map_err(|error| unavailable(&self.directory, &error))?.path();
            let Some(generation) = path.file_name().and_then(|name| name.to_str()).and_then(parse_name) else {
                continue;
            };
            match look_at(&path).map_err(|error| unavailable(&path, &error))? {
                Found::Foreign => return Err(foreign(&path)),
                Found::Ours | Found::Nothing | Found::Damaged if !serving.contains(&generation) => {
                    tracing::info!(path = %path.display(), "removing a view that does not serve");
                    remove_database(&path).map_err(|error| unavailable(&path, &error))?;
                }
                Found::Ours | Found::Nothing | Found::Damaged => {}
            }
        }
        Ok(())
    }

    fn file(&self, projection: Projection, number: u32) -> Arc<GenerationFile> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let file = || Arc::new(GenerationFile::new(&self.directory, projection, number, self.waits));
        open.entry((projection, number)).or_insert_with(file).clone()
    }

    fn forget(&self, projection: Projection, number: u32) -> Option<Arc<GenerationFile>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&(projection, number))
    }

    /// A generation whose file is there; none when this release shapes it otherwise.
    async fn reopen(&self, projection: Projection, number: u32) -> Result<Option<Folding<SqliteBackend>>, FoldError> {
        let file = self.file(projection, number);
        let db = file.open()?;
        match fits(&db, &shape(projection))? {
            Fit::Whole | Fit::Filled => opened(file, db, false).await.map(Some),
            Fit::No => Ok(None),
        }
    }
}

#[async_trait]
impl ViewStore for SqliteViews {
    async fn open(&self, projection: Projection) -> Result<Opened, ViewsError> {
        let Some(number) = self.serving(projection)? else {
            return Ok(Opened::Build("there is none yet"));
        };
        let path = self.file(projection, number).path.clone();
        match look_at(&path).map_err(|error| unavailable(&path, &error))? {
            Found::Nothing => return Ok(Opened::Build("its file is gone")),
            Found::Damaged => return Ok(Opened::Build("its file is damaged")),
            Found::Foreign => return Err(foreign(&path)),
            Found::Ours => {}
        }
        match self.reopen(projection, number).await {
            Ok(Some(generation)) => {
                self.pool.serve(generation.backend.file.clone());
                Ok(Opened::Serving(Box::new(generation)))
            }
            Ok(None) => Ok(Opened::Build("this release shapes it otherwise")),
            Err(error @ FoldError::Store { blame: Blame::Machine, .. }) => Err(error.into()),
            Err(_) => Ok(Opened::Build("its file is damaged")),
        }
    }

    async fn begin(&self, projection: Projection) -> Result<Box<dyn Generation>, ViewsError> {
        let serving = self.serving(projection)?.unwrap_or(0);
        let newest = {
            let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            open.keys().filter(|(of, _)| *of == projection).map(|(_, number)| *number).max().unwrap_or(0)
        };
        let file = self.file(projection, serving.max(newest) + 1);
        let db = file.create(&shape(projection)).map_err(|error| views_error(&error))?;
        Ok(Box::new(opened(file, db, true).await?))
    }

    async fn promote(&self, projection: Projection, number: u32, _forced: bool) -> Result<Promotion, ViewsError> {
        let before = self.serving(projection)?;
        self.set_serving(projection, number).map_err(|error| views_error(&error))?;
        self.pool.serve(self.file(projection, number));
        if let Some(before) = before.filter(|before| *before != number) {
            let file = self.file(projection, before);
            self.forget(projection, before);
            file.doom();
        }
        Ok(Promotion::Serves)
    }

    async fn want(&self, projection: Projection, wanted: bool) -> Result<(), ViewsError> {
        let statement =
            if wanted { "INSERT OR IGNORE INTO wanted VALUES (?)" } else { "DELETE FROM wanted WHERE projection = ?" };
        let done = self.index().execute(statement, [projection.name()]);
        done.map(drop).map_err(|error| views_error(&error))
    }

    async fn wanted(&self) -> Result<Vec<Wanted>, ViewsError> {
        let mut wanted = Vec::new();
        for projection in Projection::ALL {
            let noted = self.is_wanted(projection).map_err(|error| views_error(&error))?;
            if noted || self.is_of_an_older_release(projection)? {
                wanted.push(Wanted { projection, noted });
            }
        }
        Ok(wanted)
    }

    async fn room(&self, projection: Projection) -> Result<(), ViewsError> {
        let Some(number) = self.serving(projection)? else { return Ok(()) };
        room::check(&self.file(projection, number).path)
    }

    async fn discard(&self, projection: Projection, generation: Box<dyn Generation>) -> Result<(), ViewsError> {
        if let Some(file) = self.forget(projection, generation.number()) {
            file.doom();
        }
        drop(generation);
        Ok(())
    }

    async fn pin(&self, projection: Projection) -> Result<Box<dyn Pinned>, ViewsError> {
        let number = self.serving(projection)?.ok_or_else(|| ViewsError::Unavailable("no view serves".to_owned()))?;
        let file = self.file(projection, number);
        let pinned = SqlitePinned::open(file, self.directory.clone()).map_err(|error| views_error(&error))?;
        Ok(Box::new(pinned))
    }

    async fn close(&self) -> Result<(), ViewsError> {
        for projection in Projection::ALL {
            if let Some(number) = self.serving(projection)? {
                let file = self.file(projection, number);
                file.sync().map_err(|error| unavailable(&file.path, &error))?;
            }
        }
        trust::end(&self.index()).map_err(|error| views_error(&error))
    }

    fn connections(&self) -> Vec<Connections> {
        vec![self.pool.connections()]
    }

    fn queries(&self) -> Arc<dyn Queries> {
        Arc::new(SqliteQueries::new(self.pool.clone()))
    }
}

async fn opened(file: Arc<GenerationFile>, db: Connection, filling: bool) -> Result<Folding<SqliteBackend>, FoldError> {
    let backend = SqliteBackend::new(file, db, filling)?;
    let stored = backend.checkpoint()?;
    Folding::open(backend, stored, filling).await
}

fn open_index(path: &Path) -> rusqlite::Result<Connection> {
    let db = Connection::open(path)?;
    // as rare as it is, the swap must not be lost: the older generation goes after it
    db.execute_batch("PRAGMA synchronous = FULL")?;
    let there = db.table_exists(None, "serving")?;
    // in one change, for each waits for the disk; nothing is written where all is there
    let create = db.unchecked_transaction()?;
    if !there {
        create.pragma_update(None, "application_id", APPLICATION_ID)?;
        create.execute_batch(include_str!("../../../migrations/sqlite/views/20261120110000_create_serving.sql"))?;
    }
    create.execute_batch(include_str!("../../../migrations/sqlite/views/20261120160000_create_unsynced.sql"))?;
    create.execute_batch(include_str!("../../../migrations/sqlite/views/20261120220000_create_wanted.sql"))?;
    create.commit()?;
    Ok(db)
}

/// `views-{projection}-{number}.db`
fn parse_name(name: &str) -> Option<(Projection, u32)> {
    let (projection, number) = name.strip_prefix("views-")?.strip_suffix(".db")?.rsplit_once('-')?;
    Some((Projection::named(projection)?, number.parse().ok()?))
}

fn foreign(path: &Path) -> ViewsError {
    ViewsError::Foreign(format!(
        "{} is a database that Tidings did not write: move it away, or choose another data directory",
        path.display()
    ))
}

fn unavailable(path: &Path, error: &io::Error) -> ViewsError {
    ViewsError::Unavailable(format!("{}: {error}", path.display()))
}
