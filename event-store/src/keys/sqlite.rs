//! The key store of the embedded backend: `keys.db`, apart from the log.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};
use rusqlite_migration::{M, Migrations};

use super::{KeyBlocks, KeyError, WrappedBlock, blocks::Wrapper, secret::InstallationSecret};
use crate::sqlite::file::{FileKind, HeldFile};

const MIGRATIONS: &[M<'static>] =
    &[M::up(include_str!("../../../migrations/sqlite/keys/20261120120000_create_key_blocks.sql"))];

/// "TidK": tells `keys.db` from every other SQLite file.
const APPLICATION_ID: i32 = 0x5469_644b;

const KIND: FileKind = FileKind {
    name: "key store",
    application_id: APPLICATION_ID,
    schema: MIGRATIONS.len(),
    probe: "SELECT count(*) FROM key_check, erased_to, (SELECT 1 FROM key_blocks LIMIT 1)",
};

/// Blocks in a SQLite file of their own, `synchronous=FULL`, `secure_delete` on, the WAL truncated after each erasure.
#[derive(Clone)]
pub struct SqliteKeyBlocks(Arc<Held>);

struct Held {
    connection: Mutex<Connection>,
    // dropped after the connection: nobody else may come in before
    _file: HeldFile,
}

impl Held {
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unavailable(error: impl std::fmt::Display) -> KeyError {
    KeyError::Unavailable(error.to_string())
}

fn id(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl SqliteKeyBlocks {
    /// Opens or makes the file. Notices a secret other than the one its keys were made under.
    pub fn open(path: &Path, secret: &InstallationSecret) -> Result<Self, KeyError> {
        let file = HeldFile::take(path, KIND).map_err(|error| KeyError::Refused(error.to_string()))?;
        let mut connection = Connection::open(path).map_err(unavailable)?;
        connection.pragma_update(None, "application_id", APPLICATION_ID).map_err(unavailable)?;
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;
                 PRAGMA busy_timeout = 5000;",
            )
            .map_err(unavailable)?;
        Migrations::from_slice(MIGRATIONS).to_latest(&mut connection).map_err(unavailable)?;
        check_secret(&connection, secret)?;
        Ok(Self(Arc::new(Held { connection: Mutex::new(connection), _file: file })))
    }

    /// Key blocks are small and read by primary key; the work runs on the caller's thread but for what syncs.
    fn with<T>(&self, work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T, KeyError> {
        work(&mut self.0.lock()).map_err(unavailable)
    }

    async fn syncing<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, KeyError> + Send + 'static,
    ) -> Result<T, KeyError> {
        let shared = self.0.clone();
        let work = move || work(&mut shared.lock());
        tokio::task::spawn_blocking(work).await.map_err(unavailable)?
    }
}

fn check_secret(connection: &Connection, secret: &InstallationSecret) -> Result<(), KeyError> {
    let wrapper = Wrapper::new(&secret.derive("tidings 2026 key check"));
    let kept: Option<Vec<u8>> =
        connection.query_row("SELECT wrapped FROM key_check", [], |row| row.get(0)).optional().map_err(unavailable)?;
    if let Some(kept) = kept {
        return wrapper.unwrap(0, &WrappedBlock(kept)).map(drop).map_err(|_| KeyError::WrongSecret);
    }
    let check = wrapper.wrap(0, b"tidings")?;
    connection.execute("INSERT INTO key_check (id, wrapped) VALUES (0, ?)", params![check.0]).map_err(unavailable)?;
    Ok(())
}

#[async_trait]
impl KeyBlocks for SqliteKeyBlocks {
    async fn add(
        &self,
        count: usize,
        wrap: &(dyn for<'a> Fn(u64) -> Result<WrappedBlock, KeyError> + Send + Sync),
    ) -> Result<Vec<u64>, KeyError> {
        let highest: u64 = self
            .with(|connection| {
                connection.query_row("SELECT coalesce(max(id), 0) FROM key_blocks", [], |row| row.get::<_, i64>(0))
            })?
            .unsigned_abs();
        // one process holds the data directory, and the keyring adds one batch at a time
        let numbers: Vec<u64> = (highest + 1..).take(count).collect();
        let blocks =
            numbers.iter().map(|number| Ok((*number, wrap(*number)?))).collect::<Result<Vec<_>, KeyError>>()?;
        self.put_back(blocks).await?;
        Ok(numbers)
    }

    async fn list(&self, after: u64, limit: usize) -> Result<Vec<(u64, WrappedBlock)>, KeyError> {
        self.with(|connection| {
            let mut select =
                connection.prepare_cached("SELECT id, wrapped FROM key_blocks WHERE id > ? ORDER BY id LIMIT ?")?;
            let rows = select.query_map([id(after), id(limit as u64)], |row| {
                Ok((row.get::<_, i64>(0)?.unsigned_abs(), WrappedBlock(row.get(1)?)))
            })?;
            rows.collect()
        })
    }

    async fn put_back(&self, blocks: Vec<(u64, WrappedBlock)>) -> Result<(), KeyError> {
        self.syncing(move |connection| {
            let transaction = connection.transaction().map_err(unavailable)?;
            for (number, block) in blocks {
                transaction
                    .prepare_cached("INSERT INTO key_blocks (id, wrapped) VALUES (?, ?)")
                    .and_then(|mut insert| insert.execute(params![id(number), block.0]))
                    .map_err(unavailable)?;
            }
            transaction.commit().map_err(unavailable)
        })
        .await
    }

    async fn load(&self, blocks: &[u64]) -> Result<Vec<Option<WrappedBlock>>, KeyError> {
        self.with(|connection| {
            let mut select = connection.prepare_cached("SELECT wrapped FROM key_blocks WHERE id = ?")?;
            blocks
                .iter()
                .map(|block| select.query_row([id(*block)], |row| row.get(0).map(WrappedBlock)).optional())
                .collect()
        })
    }

    async fn erased_to(&self) -> Result<u64, KeyError> {
        self.with(|connection| connection.query_row("SELECT position FROM erased_to", [], |row| row.get::<_, i64>(0)))
            .map(i64::unsigned_abs)
    }

    async fn set_erased_to(&self, position: u64) -> Result<(), KeyError> {
        self.syncing(move |connection| {
            connection
                .execute("UPDATE erased_to SET position = max(position, ?)", [id(position)])
                .map(drop)
                .map_err(unavailable)
        })
        .await
    }

    async fn replace(&self, block: u64, old: &WrappedBlock, new: WrappedBlock) -> Result<bool, KeyError> {
        let old = old.0.clone();
        self.syncing(move |connection| {
            let replaced = connection
                .execute(
                    "UPDATE key_blocks SET wrapped = ? WHERE id = ? AND wrapped = ?",
                    params![new.0, id(block), old],
                )
                .map_err(unavailable)?;
            connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").map_err(unavailable)?;
            Ok(replaced == 1)
        })
        .await
    }
}
