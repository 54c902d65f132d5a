//! Which generations there are: made, promoted, dropped.

use sqlx::{AssertSqlSafe, Executor, PgConnection};
use tidings_event_store::Position;

use super::{
    backend::number,
    dropping::drop_tables,
    schema::{VIEWS, schema_of, shape, tables},
};
use crate::{
    fold::{Fit, FoldError, unsigned},
    runner::{Projection, ViewsError, Wanted},
};

/// The advisory locks of the views, by class: who folds, and who fills.
pub(super) const FOLDS: i32 = 0x5444_4756;
const FILLS: i32 = 0x5444_4757;
/// Added to a projection's number: the right to rebuild it.
pub(super) const REBUILDS: i32 = 0x2000;

/// A generation that serves.
pub(super) struct Serving {
    pub(super) number: u32,
    pub(super) position: Position,
    pub(super) moves: i64,
}

/// What there is to serve.
pub(super) enum Found {
    Serving(Serving),
    /// Nothing that this release can use. Says why.
    Unusable(&'static str),
}

/// Beside the numbers of projections: the right to deliver webhooks.
pub(super) const DELIVERS: i32 = 0x1000;
/// The same: the right to delete what rules do not keep.
pub(super) const EXPIRES: i32 = 0x1001;

/// The number of a projection in the keys of locks.
pub(super) const fn lock_number(projection: Projection) -> i32 {
    match projection {
        Projection::Directory => 1,
        Projection::Conversations => 2,
        Projection::Search => 3,
    }
}

fn filling_lock(projection: Projection, generation: u32) -> i32 {
    lock_number(projection) << 28 | number(generation) & 0x0fff_ffff
}

/// What serves, if this release can use it.
pub(super) async fn serving(db: &mut PgConnection, projection: Projection) -> sqlx::Result<Found> {
    let row: Option<(i32, String, bool, i64, i64, i64)> = sqlx::query_as(
        "SELECT number, fingerprint, complete, position, moves,
                (SELECT count(*) FROM pg_tables WHERE schemaname = $2 || '_' || projection || '_' || number)
         FROM tidings_views.serving JOIN tidings_views.generations USING (projection, number) WHERE projection = $1",
    )
    .bind(projection.name())
    .bind(VIEWS.name)
    .fetch_optional(db)
    .await?;
    Ok(match row {
        None => Found::Unusable("there is none yet"),
        Some((_, _, false, _, _, _)) => Found::Unusable("it was never finished"),
        Some((_, fingerprint, _, _, _, _)) if shape(projection).fits(&fingerprint) == Fit::No => {
            Found::Unusable("this release shapes it otherwise")
        }
        Some((.., there)) if usize::try_from(there) != Ok(tables(projection).len()) => {
            Found::Unusable("its tables are gone")
        }
        Some((number, _, _, position, moves, _)) => Found::Serving(Serving {
            number: u32::try_from(number).unwrap_or(0),
            position: Position::new(unsigned(position)),
            moves,
        }),
    })
}

/// Notes whether a projection is to be rebuilt.
pub(super) async fn want(db: &mut PgConnection, projection: Projection, wanted: bool) -> sqlx::Result<()> {
    let statement = if wanted {
        "INSERT INTO tidings_views.wanted VALUES ($1) ON CONFLICT DO NOTHING"
    } else {
        "DELETE FROM tidings_views.wanted WHERE projection = $1"
    };
    sqlx::query(statement).bind(projection.name()).execute(db).await.map(drop)
}

/// What is to be rebuilt: noted, or filled by an older release.
pub(super) async fn wanted(db: &mut PgConnection) -> sqlx::Result<Vec<Wanted>> {
    let rows: Vec<(String, String, bool)> = sqlx::query_as(
        "SELECT projection, fingerprint, EXISTS (SELECT FROM tidings_views.wanted w WHERE w.projection = s.projection)
         FROM tidings_views.serving s JOIN tidings_views.generations USING (projection, number)",
    )
    .fetch_all(db)
    .await?;
    let wanted = |(name, fingerprint, noted): (String, String, bool)| {
        let projection = Projection::named(&name)?;
        let older = shape(projection).fits(&fingerprint) == Fit::Filled;
        (noted || older).then_some(Wanted { projection, noted })
    };
    Ok(rows.into_iter().filter_map(wanted).collect())
}

/// As little of a serving generation as tells how far it is.
pub(super) struct Glimpse {
    pub(super) projection: Projection,
    pub(super) generation: u32,
    pub(super) position: Position,
    /// Whether anything is parked.
    pub(super) parks: bool,
}

/// What serves, in one statement that costs next to nothing: nodes that do not fold look after every batch.
pub(super) async fn glimpses(db: &mut PgConnection) -> sqlx::Result<Vec<Glimpse>> {
    let rows: Vec<(String, i32, String, i64, bool)> = sqlx::query_as(
        "SELECT projection, number, fingerprint, position,
                EXISTS (SELECT FROM tidings_views.parked p WHERE p.projection = g.projection AND p.generation = g.number)
         FROM tidings_views.serving JOIN tidings_views.generations g USING (projection, number)
         WHERE complete AND to_regnamespace($1 || '_' || projection || '_' || number) IS NOT NULL",
    )
    .bind(VIEWS.name)
    .fetch_all(db)
    .await?;
    let glimpse = |(name, number, fingerprint, position, parks): (String, i32, String, i64, bool)| {
        let projection = Projection::named(&name).filter(|known| shape(*known).fits(&fingerprint) != Fit::No)?;
        let generation = u32::try_from(number).unwrap_or(0);
        Some(Glimpse { projection, generation, position: Position::new(unsigned(position)), parks })
    };
    Ok(rows.into_iter().filter_map(glimpse).collect())
}

/// Makes the tables of the next generation, and keeps it from being taken for a leftover while this connection lasts.
pub(super) async fn create(db: &mut PgConnection, projection: Projection) -> Result<u32, FoldError> {
    db.execute("BEGIN; LOCK TABLE tidings_views.generations IN SHARE ROW EXCLUSIVE MODE").await?;
    let next: i32 = sqlx::query_scalar(
        "INSERT INTO tidings_views.generations (projection, number, fingerprint)
         SELECT $1, 1 + coalesce(max(number), 0), $2 FROM tidings_views.generations WHERE projection = $1
         RETURNING number",
    )
    .bind(projection.name())
    .bind(shape(projection).fingerprint())
    .fetch_one(&mut *db)
    .await?;
    let next = u32::try_from(next).unwrap_or(1);
    sqlx::query("SELECT pg_advisory_lock($1, $2)")
        .bind(FILLS)
        .bind(filling_lock(projection, next))
        .execute(&mut *db)
        .await?;
    let schema = schema_of(projection, next);
    let mut statements =
        format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}; SET search_path = {schema};");
    shape(projection).tables.iter().for_each(|tables| statements += tables);
    statements += "; COMMIT";
    db.execute(AssertSqlSafe(statements)).await?;
    Ok(next)
}

/// What became of a promotion.
pub(super) enum Promoted {
    /// It serves for all nodes, in place of this one.
    InPlaceOf(Option<u32>),
    /// Nothing changed: what serves is at this position and further.
    Behind(Position),
}

/// Lets a finished generation serve, for all nodes at once. Unless `forced`, only when it is as far as what served before:
/// whoever folds that one waits meanwhile, and finds afterwards that it is gone. Its tables are left to [`drop_tables`], for
/// when this node's readers know.
pub(super) async fn promote(
    db: &mut PgConnection,
    projection: Projection,
    next: u32,
    forced: bool,
) -> Result<Promoted, ViewsError> {
    db.execute("BEGIN").await?;
    let before: Option<(i32, i64)> = sqlx::query_as(
        "SELECT g.number, g.position FROM tidings_views.serving s JOIN tidings_views.generations g USING (projection, number)
         WHERE projection = $1 FOR UPDATE",
    )
    .bind(projection.name())
    .fetch_optional(&mut *db)
    .await?;
    let own: i64 = sqlx::query_scalar(
        "SELECT position FROM tidings_views.generations WHERE projection = $1 AND number = $2 AND complete",
    )
    .bind(projection.name())
    .bind(number(next))
    .fetch_optional(&mut *db)
    .await?
    .ok_or_else(|| ViewsError::Unavailable("the generation that was to serve is gone".to_owned()))?;
    if let Some((_, at)) = before.filter(|(_, at)| *at > own && !forced) {
        db.execute("ROLLBACK").await?;
        return Ok(Promoted::Behind(Position::new(unsigned(at))));
    }
    sqlx::query(
        "INSERT INTO tidings_views.serving VALUES ($1, $2) ON CONFLICT (projection) DO UPDATE SET number = excluded.number",
    )
    .bind(projection.name())
    .bind(number(next))
    .execute(&mut *db)
    .await?;
    want(db, projection, false).await?;
    let before = before.map(|(before, _)| before).filter(|before| *before != number(next));
    if let Some(before) = before {
        sqlx::query("DELETE FROM tidings_views.generations WHERE projection = $1 AND number = $2")
            .bind(projection.name())
            .bind(before)
            .execute(&mut *db)
            .await?;
    }
    db.execute("COMMIT; NOTIFY tidings_views").await?;
    Ok(Promoted::InPlaceOf(before.and_then(|before| u32::try_from(before).ok())))
}

/// Removes a generation that never served.
pub(super) async fn discard(db: &mut PgConnection, projection: Projection, generation: u32) -> sqlx::Result<()> {
    let gone = sqlx::query(
        "DELETE FROM tidings_views.generations g WHERE projection = $1 AND number = $2
         AND NOT EXISTS (SELECT FROM tidings_views.serving s WHERE s.projection = g.projection AND s.number = g.number)",
    );
    gone.bind(projection.name()).bind(number(generation)).execute(&mut *db).await?;
    drop_tables(db, projection, generation).await;
    Ok(())
}

/// Removes what interrupted rebuilds left: generations that neither serve nor are being filled by anybody.
pub(super) async fn remove_leftovers(db: &mut PgConnection, projection: Projection) -> sqlx::Result<()> {
    let prefix = format!("{}_{}_", VIEWS.name, projection.name());
    let others: Vec<i32> = sqlx::query_scalar(
        "SELECT number FROM (
             SELECT number FROM tidings_views.generations WHERE projection = $1
             UNION SELECT substr(nspname, length($2) + 1)::integer FROM pg_namespace
                 WHERE starts_with(nspname, $2) AND substr(nspname, length($2) + 1) ~ '^[0-9]{1,9}$') AS there
         WHERE number NOT IN (SELECT number FROM tidings_views.serving WHERE projection = $1)",
    )
    .bind(projection.name())
    .bind(&prefix)
    .fetch_all(&mut *db)
    .await?;
    for other in others {
        let other = u32::try_from(other).unwrap_or(0);
        let lock = filling_lock(projection, other);
        let abandoned: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1, $2)")
            .bind(FILLS)
            .bind(lock)
            .fetch_one(&mut *db)
            .await?;
        if abandoned {
            tracing::info!(projection = projection.name(), generation = other, "removing a view that does not serve");
            discard(db, projection, other).await?;
            sqlx::query("SELECT pg_advisory_unlock($1, $2)").bind(FILLS).bind(lock).execute(&mut *db).await?;
        }
    }
    Ok(())
}

/// Prepares a connection for folding into a generation's tables.
pub(super) async fn settle_in(db: &mut PgConnection, schema: &str, filling: bool) -> sqlx::Result<()> {
    // What is being filled is thrown away after a crash. What serves is folded again from its checkpoint, and shown to nobody who
    // saw more of it (see `shown`). A replica hears only of what is on disk, and its readers would wait.
    let replicated = !filling && has_replicas(db).await?;
    let commit = if replicated { "local" } else { "off" };
    db.execute(AssertSqlSafe(format!(
        "SET search_path = {schema}; SET synchronous_commit = {commit}; SET lock_timeout = '30s';
         SET idle_in_transaction_session_timeout = '30s'; SET tcp_user_timeout = '5s'"
    )))
    .await?;
    Ok(())
}

/// Whether anybody follows this server now.
async fn has_replicas(db: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_stat_replication)").fetch_one(db).await
}
