//! The key store of several nodes: blocks in a PostgreSQL database, which may be another than the log's.
//!
//! Each node takes whole blocks for itself: their numbers come from a sequence, which gives none out twice. What one node
//! destroys is gone for all; a node that holds the block in memory learns of it from the log, which every node follows
//! (`Keyring::destroy` of a key that is destroyed already reads the block again).

use async_trait::async_trait;
use sqlx::{Connection, PgConnection, postgres::PgPool};

use super::{KeyBlocks, KeyError, WrappedBlock, blocks::Wrapper, secret::InstallationSecret};
use crate::{
    Connections,
    database::{self, DatabaseUrl, Schema, Step},
};

/// The tables of the keys.
pub const SCHEMA: Schema = Schema {
    part: "key store",
    name: "tidings_keys",
    steps: &[Step {
        version: 20_261_120_150_000,
        name: "create key blocks",
        sql: include_str!("../../../migrations/postgres/keys/20261120150000_create_key_blocks.sql"),
    }],
};

/// Connections of each node: blocks are few and stay in memory.
const CONNECTIONS: u32 = 4;
/// How often something is begun whose connection turns out to be dead: all of the pool are after a restart of the server.
const TRIES: u32 = CONNECTIONS + 1;

const INSERT: &str =
    "INSERT INTO tidings_keys.key_blocks (id, wrapped) SELECT * FROM unnest($1::bigint[], $2::bytea[])";

/// Blocks in PostgreSQL.
#[derive(Debug, Clone)]
pub struct PostgresKeyBlocks(PgPool);

fn unavailable(error: impl std::fmt::Display) -> KeyError {
    KeyError::Unavailable(error.to_string())
}

fn id(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Does something that may be done twice, again while it meets dead connections.
macro_rules! again {
    ($pool:expr, $connection:ident => $work:expr) => {{
        let mut left = TRIES;
        loop {
            left -= 1;
            let outcome = match $pool.acquire().await {
                Ok(mut held) => {
                    let $connection = &mut *held;
                    let outcome: sqlx::Result<_> = $work.await;
                    if outcome.as_ref().is_err_and(database::is_lost) {
                        held.close_on_drop();
                    }
                    outcome
                }
                Err(error) => Err(error),
            };
            match outcome {
                Err(error) if left > 0 && database::is_lost(&error) => {}
                outcome => break outcome.map_err(unavailable),
            }
        }
    }};
}

impl PostgresKeyBlocks {
    /// Whether it could be opened, changing nothing.
    pub async fn check(url: &DatabaseUrl) -> Result<(), database::DatabaseError> {
        SCHEMA.check(url).await
    }

    /// Opens the key store in this database, and makes its tables when they are not there. Notices a secret other than the
    /// one its keys were made under.
    pub async fn open(url: &DatabaseUrl, secret: &InstallationSecret) -> Result<Self, KeyError> {
        let refused = |error: database::DatabaseError| KeyError::Refused(error.to_string());
        SCHEMA.migrate(url).await.map_err(refused)?;
        let mut connection = url.connect().await.map_err(refused)?;
        check_secret(&mut connection, secret).await?;
        connection.close().await.map_err(unavailable)?;
        Ok(Self(url.pool(CONNECTIONS)))
    }
}

async fn check_secret(connection: &mut PgConnection, secret: &InstallationSecret) -> Result<(), KeyError> {
    let wrapper = Wrapper::new(&secret.derive("tidings 2026 key check"));
    let kept = "SELECT wrapped FROM tidings_keys.key_check";
    let mut check: Option<Vec<u8>> =
        sqlx::query_scalar(kept).fetch_optional(&mut *connection).await.map_err(unavailable)?;
    if check.is_none() {
        // nodes that start together agree on what the first of them wrote
        sqlx::query("INSERT INTO tidings_keys.key_check (id, wrapped) VALUES (0, $1) ON CONFLICT DO NOTHING")
            .bind(wrapper.wrap(0, b"tidings")?.0)
            .execute(&mut *connection)
            .await
            .map_err(unavailable)?;
        check = sqlx::query_scalar(kept).fetch_optional(connection).await.map_err(unavailable)?;
    }
    let check = WrappedBlock(check.ok_or_else(|| unavailable("the key check is not there"))?);
    wrapper.unwrap(0, &check).map(drop).map_err(|_| KeyError::WrongSecret)
}

#[async_trait]
impl KeyBlocks for PostgresKeyBlocks {
    async fn add(
        &self,
        count: usize,
        wrap: &(dyn for<'a> Fn(u64) -> Result<WrappedBlock, KeyError> + Send + Sync),
    ) -> Result<Vec<u64>, KeyError> {
        let many = id(count as u64);
        // numbers that are never used do no harm
        let numbers: Vec<i64> = again!(self.0, connection => {
            sqlx::query_scalar("SELECT nextval('tidings_keys.block_numbers') FROM generate_series(1, $1)")
                .bind(many)
                .fetch_all(connection)
        })?;
        let blocks = numbers.iter().map(|number| Ok(wrap(number.cast_unsigned())?.0)).collect::<Result<Vec<_>, _>>()?;
        // not again: an answer that was lost leaves blocks that nobody has
        sqlx::query(INSERT).bind(&numbers).bind(&blocks).execute(&self.0).await.map_err(unavailable)?;
        Ok(numbers.into_iter().map(i64::cast_unsigned).collect())
    }

    async fn load(&self, blocks: &[u64]) -> Result<Vec<Option<WrappedBlock>>, KeyError> {
        let asked: Vec<i64> = blocks.iter().copied().map(id).collect();
        let found: Vec<Option<Vec<u8>>> = again!(self.0, connection => {
            sqlx::query_scalar(
                "SELECT (SELECT b.wrapped FROM tidings_keys.key_blocks b WHERE b.id = asked.id)
                 FROM unnest($1::bigint[]) WITH ORDINALITY asked(id, nth) ORDER BY asked.nth",
            )
            .bind(&asked)
            .fetch_all(connection)
        })?;
        Ok(found.into_iter().map(|wrapped| wrapped.map(WrappedBlock)).collect())
    }

    async fn list(&self, after: u64, limit: usize) -> Result<Vec<(u64, WrappedBlock)>, KeyError> {
        let found: Vec<(i64, Vec<u8>)> = again!(self.0, connection => {
            sqlx::query_as("SELECT id, wrapped FROM tidings_keys.key_blocks WHERE id > $1 ORDER BY id LIMIT $2")
                .bind(id(after))
                .bind(id(limit as u64))
                .fetch_all(connection)
        })?;
        Ok(found.into_iter().map(|(number, wrapped)| (number.cast_unsigned(), WrappedBlock(wrapped))).collect())
    }

    async fn put_back(&self, blocks: Vec<(u64, WrappedBlock)>) -> Result<(), KeyError> {
        let (numbers, wrapped): (Vec<i64>, Vec<Vec<u8>>) =
            blocks.into_iter().map(|(number, block)| (id(number), block.0)).unzip();
        let Some(highest) = numbers.iter().max() else { return Ok(()) };
        let mut transaction = self.0.begin().await.map_err(unavailable)?;
        sqlx::query(INSERT).bind(&numbers).bind(&wrapped).execute(&mut *transaction).await.map_err(unavailable)?;
        sqlx::query(
            "SELECT setval('tidings_keys.block_numbers', greatest($1, (SELECT last_value FROM tidings_keys.block_numbers)))",
        )
        .bind(highest)
        .execute(&mut *transaction)
        .await
        .map_err(unavailable)?;
        transaction.commit().await.map_err(unavailable)
    }

    async fn erased_to(&self) -> Result<u64, KeyError> {
        let position: i64 = again!(self.0, connection => {
            sqlx::query_scalar("SELECT position FROM tidings_keys.erased_to").fetch_one(connection)
        })?;
        Ok(position.cast_unsigned())
    }

    async fn set_erased_to(&self, position: u64) -> Result<(), KeyError> {
        again!(self.0, connection => {
            sqlx::query("UPDATE tidings_keys.erased_to SET position = $1 WHERE position < $1")
                .bind(id(position))
                .execute(connection)
        })?;
        Ok(())
    }

    fn connections(&self) -> Vec<Connections> {
        vec![database::connections("keys", &self.0)]
    }

    async fn replace(&self, block: u64, old: &WrappedBlock, new: WrappedBlock) -> Result<bool, KeyError> {
        // done twice, it finds the block changed, and the caller reads it again
        let replaced = again!(self.0, connection => {
            sqlx::query("UPDATE tidings_keys.key_blocks SET wrapped = $1 WHERE id = $2 AND wrapped = $3")
                .bind(&new.0)
                .bind(id(block))
                .bind(&old.0)
                .execute(connection)
        })?;
        // The old row is still in its page. Where this login does not own the table, or somebody is at it already,
        // PostgreSQL's own vacuum comes later.
        let swept = sqlx::query("VACUUM (SKIP_LOCKED, TRUNCATE FALSE) tidings_keys.key_blocks").execute(&self.0).await;
        if let Err(error) = swept {
            tracing::warn!(%error, "the key store was not swept after a key was destroyed");
        }
        Ok(replaced.rows_affected() == 1)
    }
}
