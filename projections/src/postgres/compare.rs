//! The serving view as of one moment, against a fresh one.

use async_trait::async_trait;
use futures::{TryStreamExt, stream::BoxStream};
use sqlx::{AssertSqlSafe, Executor, PgConnection, Row, postgres::PgRow};
use tidings_event_store::{Position, database::DatabaseUrl};

use super::schema::{schema_of, tables};
use crate::{
    fold::compare::{Cell, Next, Table, compare_rows},
    model::Verification,
    runner::{Pinned, Projection, ViewsError},
};

/// The serving view, held in a transaction that sees nothing of what comes later.
pub(super) struct PostgresPinned {
    pub(super) url: DatabaseUrl,
    pub(super) db: PgConnection,
    pub(super) projection: Projection,
    pub(super) number: u32,
    pub(super) position: Position,
}

#[async_trait]
impl Pinned for PostgresPinned {
    fn position(&self) -> Position {
        self.position
    }

    async fn compare(&mut self, fresh: u32, most: usize) -> Result<Verification, ViewsError> {
        let mut other = self.url.connect().await.map_err(|error| ViewsError::Unavailable(error.to_string()))?;
        let name = self.projection.name();
        let mut found = Verification { name, position: self.position, rows: 0, differing: 0, differences: Vec::new() };
        let (view, log) = (schema_of(self.projection, self.number), schema_of(self.projection, fresh));
        for table in tables(self.projection) {
            let (table, numbers) = describe(&mut other, &log, table).await?;
            let view = rows(&mut self.db, &view, &table, &numbers);
            let log = rows(&mut other, &log, &table, &numbers);
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

fn rows<'a>(db: &'a mut PgConnection, schema: &str, table: &'a Table, numbers: &'a [bool]) -> Cells<'a> {
    let texts: Vec<String> = table.columns.iter().map(|column| format!("{column}::text")).collect();
    let sql = format!(
        "SELECT {} FROM {schema}.{} AS t ORDER BY {}",
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
