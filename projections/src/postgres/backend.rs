//! One generation on a connection of its own: transactions, the checkpoint, what is parked.

use std::{collections::HashMap, sync::Arc};

use sqlx::{AssertSqlSafe, Executor, PgConnection, Row, postgres::PgRow};
use tidings_event_store::Position;

use super::{
    schema::{personal, schema_of, shape, tables},
    shown::Shown,
};
use crate::{
    fold::{Backend, Done, signed, unsigned},
    model::ParkedEvent,
    runner::Projection,
};

/// A generation's tables, open for folding.
pub(super) struct PostgresBackend {
    pub(super) db: PgConnection,
    projection: Projection,
    number: u32,
    /// How often the view was changed, by anybody, as far as is known here.
    moves: i64,
    /// Moves once what is being done is stored, to here.
    moved: Option<Position>,
    /// Who is told, where it serves.
    shown: Option<Arc<Shown>>,
}

impl PostgresBackend {
    /// A generation to be filled, on a connection whose search path is its schema.
    pub(super) const fn filling(db: PgConnection, projection: Projection, number: u32) -> Self {
        Self { db, projection, number, moves: 0, moved: None, shown: None }
    }

    /// One that serves, and was changed so often.
    pub(super) const fn serving(
        db: PgConnection,
        projection: Projection,
        number: u32,
        moves: i64,
        shown: Arc<Shown>,
    ) -> Self {
        Self { db, projection, number, moves, moved: None, shown: Some(shown) }
    }

    /// How the tables of all generations name this one.
    pub(super) fn id(&self) -> (&'static str, i32) {
        (self.projection.name(), number(self.number))
    }
}

/// A generation's number as it is stored.
pub(super) fn number(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

pub(super) fn parked_event(row: &PgRow) -> Result<ParkedEvent, sqlx::Error> {
    Ok(ParkedEvent {
        position: Position::new(unsigned(row.try_get("position")?)),
        stream: row.try_get("stream")?,
        version: unsigned(row.try_get("version")?),
        name: row.try_get("name")?,
        error: row.try_get("error")?,
    })
}

impl Backend for PostgresBackend {
    fn projection(&self) -> Projection {
        self.projection
    }

    fn number(&self) -> u32 {
        self.number
    }

    async fn begin(&mut self) -> Done {
        self.moved = None;
        self.db.execute("BEGIN").await?;
        Ok(())
    }

    async fn commit(&mut self) -> Done {
        // outside the transaction: the lock for telling others is held by nobody who waits for a disk
        self.db.execute(if self.shown.is_some() { "COMMIT; NOTIFY tidings_views" } else { "COMMIT" }).await?;
        if let Some(to) = self.moved.take() {
            self.moves += 1;
            if let Some(shown) = &self.shown {
                shown.show(self.projection, self.number, to);
            }
        }
        Ok(())
    }

    async fn rollback(&mut self) -> Done {
        // a warning where there is no transaction
        self.db.execute("ROLLBACK").await?;
        Ok(())
    }

    async fn savepoint(&mut self) -> Done {
        self.db.execute("SAVEPOINT one").await?;
        Ok(())
    }

    async fn release(&mut self, keep: bool) -> Done {
        self.db.execute(if keep { "RELEASE one" } else { "ROLLBACK TO one; RELEASE one" }).await?;
        Ok(())
    }

    async fn move_checkpoint(&mut self, from: Position, to: Position) -> Done<bool> {
        let (projection, number) = self.id();
        let moved = sqlx::query(
            "UPDATE tidings_views.generations SET position = $5, moves = moves + 1
             WHERE projection = $1 AND number = $2 AND moves = $3 AND position = $4",
        )
        .bind(projection)
        .bind(number)
        .bind(self.moves)
        .bind(signed(from.get()))
        .bind(signed(to.get()))
        .execute(&mut self.db)
        .await?;
        self.moved = (moved.rows_affected() == 1).then_some(to);
        Ok(self.moved.is_some())
    }

    async fn parked(&mut self) -> Done<Vec<ParkedEvent>> {
        let (projection, number) = self.id();
        let rows = sqlx::query(
            "SELECT position, stream, version, name, error FROM tidings_views.parked
             WHERE projection = $1 AND generation = $2 ORDER BY position",
        )
        .bind(projection)
        .bind(number)
        .fetch_all(&mut self.db)
        .await?;
        Ok(rows.iter().map(parked_event).collect::<Result<_, _>>()?)
    }

    async fn reserved(&mut self) -> Done<HashMap<Position, i64>> {
        let (projection, number) = self.id();
        let rows: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT position, ordinal FROM tidings_views.parked
             WHERE projection = $1 AND generation = $2 AND ordinal IS NOT NULL",
        )
        .bind(projection)
        .bind(number)
        .fetch_all(&mut self.db)
        .await?;
        Ok(rows.into_iter().map(|(position, ordinal)| (Position::new(unsigned(position)), ordinal)).collect())
    }

    async fn park(&mut self, event: &ParkedEvent, reserved: Option<i64>) -> Done {
        let (projection, number) = self.id();
        sqlx::query(
            "INSERT INTO tidings_views.parked VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (projection, generation, position) DO UPDATE SET error = excluded.error, ordinal = excluded.ordinal",
        )
        .bind(projection)
        .bind(number)
        .bind(signed(event.position.get()))
        .bind(&event.stream)
        .bind(signed(event.version))
        .bind(&event.name)
        .bind(&event.error)
        .bind(reserved)
        .execute(&mut self.db)
        .await?;
        Ok(())
    }

    async fn unpark(&mut self, position: Position) -> Done {
        let (projection, number) = self.id();
        sqlx::query("DELETE FROM tidings_views.parked WHERE projection = $1 AND generation = $2 AND position = $3")
            .bind(projection)
            .bind(number)
            .bind(signed(position.get()))
            .execute(&mut self.db)
            .await?;
        Ok(())
    }

    /// All at once: a crash leaves it as unfinished as it was.
    async fn finish(&mut self) -> Done {
        let (projection, number) = self.id();
        let of_each = |statement: fn(&str) -> String| -> String {
            tables(self.projection).iter().map(|table| statement(table)).collect()
        };
        let statements = format!(
            "BEGIN; {logged} {indexes} {analyzed}
             UPDATE tidings_views.generations SET complete = TRUE
             WHERE projection = '{projection}' AND number = {number};
             SET LOCAL synchronous_commit = local;
             COMMIT;",
            logged = of_each(|table| format!("ALTER TABLE {table} SET LOGGED; ")),
            indexes = shape(self.projection).indexes.concat(),
            analyzed = of_each(|table| format!("ANALYZE {table}; ")),
        );
        self.db.execute(AssertSqlSafe(statements)).await?;
        Ok(())
    }

    /// What an UPDATE or DELETE leaves behind holds the older text until it is vacuumed away.
    async fn tidy(&mut self) -> Done<bool> {
        let schema = schema_of(self.projection, self.number);
        for table in personal(self.projection) {
            self.db.execute(AssertSqlSafe(format!("VACUUM (SKIP_LOCKED) {schema}.{table}"))).await?;
        }
        Ok(true)
    }
}
