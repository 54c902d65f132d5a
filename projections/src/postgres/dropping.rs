//! Removing the tables of generations, in nobody's way.

use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Executor, PgConnection};
use tidings_event_store::database::is_rolled_back;

use super::{error::is_locked, schema::schema_of};
use crate::runner::Projection;

/// How long who still reads an old generation is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
const TRY_EVERY: Duration = Duration::from_millis(5);

/// Removes the tables of a generation that nobody is to read any more. Who reads them now is waited for, not for long.
pub(super) async fn drop_tables(db: &mut PgConnection, projection: Projection, generation: u32) {
    let schema = schema_of(projection, generation);
    if let Err(error) = dropped(db, &schema).await {
        tracing::warn!(%error, schema, "an old view could not be removed; the next projector tries again");
    }
}

/// Never waits for one lock while it holds another: a reader in the middle of several questions holds some of these tables and
/// comes for others, and one of the two would be thrown out of the deadlock.
async fn dropped(db: &mut PgConnection, schema: &str) -> sqlx::Result<()> {
    let begun = Instant::now();
    loop {
        match drop_at_once(db, schema).await {
            Err(error) if is_locked(&error) || is_rolled_back(&error) => db.execute("ROLLBACK").await?,
            Err(error) => {
                db.execute("ROLLBACK").await?;
                return Err(error);
            }
            Ok(()) => return Ok(()),
        };
        if begun.elapsed() > PATIENCE {
            // what holds it may be no reader: an automatic vacuum gives way to somebody who waits
            let drop = format!("SET lock_timeout = '5s'; DROP SCHEMA IF EXISTS {schema} CASCADE");
            return db.execute(AssertSqlSafe(drop)).await.map(|_| ());
        }
        tokio::time::sleep(TRY_EVERY).await;
    }
}

/// Removes a schema if all of its tables can be had at once.
async fn drop_at_once(db: &mut PgConnection, schema: &str) -> sqlx::Result<()> {
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = $1")
            .bind(schema)
            .fetch_all(&mut *db)
            .await?;
    let lock = match tables.join(", ") {
        none if none.is_empty() => none,
        all => format!("LOCK TABLE {all} IN ACCESS EXCLUSIVE MODE NOWAIT;"),
    };
    let statements = format!("BEGIN; {lock} DROP SCHEMA IF EXISTS {schema} CASCADE; COMMIT");
    db.execute(AssertSqlSafe(statements)).await.map(|_| ())
}
