//! The serving view as of one moment, against a fresh one.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use futures::{TryStreamExt, stream::BoxStream};
use sqlx::{AssertSqlSafe, Executor, PgConnection, Row, postgres::PgRow};
use tidings_domain::ConversationId;
use tidings_event_store::{Position, database::DatabaseUrl};
use uuid::Uuid;

use super::schema::{schema_of, tables};
use crate::{
    fold::{
        compare::{Cell, Next, Table, compare_rows},
        sampled::{Dialect, belongs},
        signed, unsigned,
    },
    model::Verification,
    runner::{Pinned, Projection, Sample, Unit, ViewsError},
};

const DIALECT: Dialect = Dialect { id: |id| format!("'{id}'::uuid"), user: "user_id" };

/// The serving view, held in a transaction that sees nothing of what comes later.
pub(super) struct PostgresPinned {
    pub(super) url: DatabaseUrl,
    pub(super) db: PgConnection,
    pub(super) projection: Projection,
    pub(super) number: u32,
    pub(super) position: Position,
}

impl PostgresPinned {
    /// The table that lists these, and the column of their ids.
    fn listed(&self, unit: Unit) -> (String, &'static str) {
        let (table, id) = match (self.projection, unit) {
            (Projection::Directory, _) | (_, Unit::Person) => ("users", "id"),
            (Projection::Conversations, Unit::Conversation) => ("conversations", "id"),
            (Projection::Search, Unit::Conversation) => ("documents", "conversation"),
        };
        (format!("{}.{table}", schema_of(self.projection, self.number)), id)
    }

    async fn numbers_of(&mut self, of: &BTreeSet<ConversationId>) -> sqlx::Result<(HashMap<ConversationId, i64>, i64)> {
        let table = self.listed(Unit::Conversation).0;
        let ids: Vec<Uuid> = of.iter().map(|id| id.uuid()).collect();
        let numbers: Vec<(Uuid, i64)> =
            sqlx::query_as(AssertSqlSafe(format!("SELECT id, number FROM {table} WHERE id = ANY ($1)")))
                .bind(ids)
                .fetch_all(&mut self.db)
                .await?;
        let next: i64 = sqlx::query_scalar(AssertSqlSafe(format!("SELECT coalesce(max(number), 0) + 1 FROM {table}")))
            .fetch_one(&mut self.db)
            .await?;
        Ok((numbers.into_iter().map(|(id, number)| (ConversationId::new(id), number)).collect(), next))
    }
}

#[async_trait]
impl Pinned for PostgresPinned {
    fn position(&self) -> Position {
        self.position
    }

    async fn count(&mut self, unit: Unit) -> Result<u64, ViewsError> {
        let (table, id) = self.listed(unit);
        let sql = format!("SELECT count(DISTINCT {id}) FROM {table}");
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut self.db).await?;
        Ok(unsigned(count))
    }

    async fn nth(&mut self, unit: Unit, nth: u64) -> Result<Option<Uuid>, ViewsError> {
        let (table, id) = self.listed(unit);
        let sql = format!("SELECT DISTINCT {id} FROM {table} ORDER BY {id} LIMIT 1 OFFSET $1");
        Ok(sqlx::query_scalar(AssertSqlSafe(sql)).bind(signed(nth)).fetch_optional(&mut self.db).await?)
    }

    async fn numbers(
        &mut self,
        of: &BTreeSet<ConversationId>,
    ) -> Result<(HashMap<ConversationId, i64>, i64), ViewsError> {
        match self.projection {
            Projection::Conversations => Ok(self.numbers_of(of).await?),
            Projection::Directory | Projection::Search => Ok((HashMap::new(), 1)),
        }
    }

    async fn compare(&mut self, fresh: u32, sample: Option<&Sample>, most: usize) -> Result<Verification, ViewsError> {
        let mut other = self.url.connect().await.map_err(|error| ViewsError::Unavailable(error.to_string()))?;
        let name = self.projection.name();
        let mut found = Verification { name, position: self.position, rows: 0, differing: 0, differences: Vec::new() };
        let (view, log) = (schema_of(self.projection, self.number), schema_of(self.projection, fresh));
        for table in tables(self.projection) {
            let belongs = match sample {
                None => Some("true".to_owned()),
                Some(sample) => belongs(self.projection, table, sample, &DIALECT),
            };
            let Some(belongs) = belongs else { continue };
            let (table, numbers) = describe(&mut other, &log, table).await?;
            let view = rows(&mut self.db, &view, (&table, &numbers), &belongs);
            let log = rows(&mut other, &log, (&table, &numbers), &belongs);
            compare_table(view, log, &table, most, &mut found).await?;
        }
        Ok(found)
    }
}

/// A table's columns, and which of them are numbers.
async fn describe(db: &mut PgConnection, schema: &str, table: &str) -> sqlx::Result<(Table, Vec<bool>)> {
    let columns: Vec<(String, bool, bool)> = sqlx::query_as(
        "SELECT a.attname::text, a.atttypid = 'bigint'::regtype, a.attnum = ANY (i.indkey)
         FROM pg_attribute a JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
         WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped
         ORDER BY array_position(i.indkey::int2[], a.attnum) NULLS LAST, a.attnum",
    )
    .bind(format!("{schema}.{table}"))
    .fetch_all(db)
    .await?;
    let numbers = columns.iter().map(|(_, number, _)| *number).collect();
    let keys = columns.iter().filter(|(_, _, key)| *key).count();
    let columns = columns.into_iter().map(|(name, _, _)| name).collect();
    Ok((Table { name: table.to_owned(), columns, keys }, numbers))
}

type Cells<'a> = BoxStream<'a, sqlx::Result<Vec<Cell>>>;

fn rows<'a>(
    db: &'a mut PgConnection,
    schema: &str,
    (table, numbers): (&'a Table, &'a [bool]),
    belongs: &str,
) -> Cells<'a> {
    let texts: Vec<String> = table.columns.iter().map(|column| format!("{column}::text")).collect();
    let sql = format!(
        "SELECT {} FROM {schema}.{} AS t WHERE {belongs} ORDER BY {}",
        texts.join(", "),
        table.name,
        table.columns[..table.keys].iter().map(|key| format!("t.{key}")).collect::<Vec<_>>().join(", ")
    );
    Box::pin(db.fetch(AssertSqlSafe(sql)).and_then(move |row| std::future::ready(cells(&row, numbers))))
}

fn cells(row: &PgRow, numbers: &[bool]) -> sqlx::Result<Vec<Cell>> {
    let cell = |(column, number): (usize, &bool)| {
        let text: Option<String> = row.try_get(column)?;
        Ok(match text {
            None => Cell::Null,
            Some(text) if *number => text.parse().map_or(Cell::Text(text), Cell::Integer),
            Some(text) => Cell::Text(text),
        })
    };
    numbers.iter().enumerate().map(cell).collect()
}

async fn compare_table(
    mut view: Cells<'_>,
    mut log: Cells<'_>,
    table: &Table,
    most: usize,
    found: &mut Verification,
) -> sqlx::Result<()> {
    let (mut left, mut right) = (view.try_next().await?, log.try_next().await?);
    while let Some(side) = compare_rows(table, left.as_deref(), right.as_deref(), most, found) {
        if side != Next::Log {
            left = view.try_next().await?;
        }
        if side != Next::View {
            right = log.try_next().await?;
        }
    }
    Ok(())
}
