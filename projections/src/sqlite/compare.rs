//! A serving view against a fresh one: every table, both in the order of their keys, row by row.

use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
    sync::Arc,
};

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Rows, types::Value};
use tidings_domain::ConversationId;
use tidings_event_store::Position;
use uuid::Uuid;

use super::{error::views_error, files::GenerationFile};
use crate::{
    fold::{
        compare::{Cell, Next, Table, compare_rows},
        sampled::{Dialect, belongs},
        signed, unsigned,
    },
    model::Verification,
    runner::{Pinned, Projection, Sample, Unit, ViewsError},
};

const DIALECT: Dialect = Dialect { id: |id| format!("x'{}'", id.simple()), user: "user" };

/// The serving view, held in a read transaction.
pub(super) struct SqlitePinned {
    db: Connection,
    file: Arc<GenerationFile>,
    directory: PathBuf,
    position: Position,
}

impl SqlitePinned {
    pub(super) fn open(file: Arc<GenerationFile>, directory: PathBuf) -> rusqlite::Result<Self> {
        let db = Connection::open(&file.path)?;
        db.execute_batch("PRAGMA query_only = ON; BEGIN")?;
        let position: i64 = db.query_row("SELECT position FROM checkpoint", [], |row| row.get(0))?;
        Ok(Self { db, file, directory, position: Position::new(unsigned(position)) })
    }

    /// The table that lists these, and the column of their ids.
    fn listed(&self, unit: Unit) -> (&'static str, &'static str) {
        match (self.file.projection, unit) {
            (Projection::Directory, _) | (_, Unit::Person) => ("users", "id"),
            (Projection::Conversations, Unit::Conversation) => ("conversations", "id"),
            (Projection::Search, Unit::Conversation) => ("documents", "conversation"),
        }
    }

    fn numbers_of(&self, of: &BTreeSet<ConversationId>) -> rusqlite::Result<(HashMap<ConversationId, i64>, i64)> {
        let mut numbers = HashMap::new();
        let mut statement = self.db.prepare("SELECT number FROM conversations WHERE id = ?")?;
        for id in of {
            let number: Option<i64> = statement.query_row([id.as_bytes()], |row| row.get(0)).optional()?;
            numbers.extend(number.map(|number| (*id, number)));
        }
        let next = "SELECT coalesce(max(number), 0) + 1 FROM conversations";
        Ok((numbers, self.db.query_row(next, [], |row| row.get(0))?))
    }

    fn compare_all(&self, fresh: &Connection, sample: Option<&Sample>, most: usize) -> rusqlite::Result<Verification> {
        let name = self.file.projection.name();
        let mut found = Verification { name, position: self.position, rows: 0, differing: 0, differences: Vec::new() };
        for table in tables(&self.db)? {
            let belongs = match sample {
                None => Some("1 = 1".to_owned()),
                Some(sample) => belongs(self.file.projection, &table.name, sample, &DIALECT),
            };
            if let Some(belongs) = belongs {
                compare_table((&self.db, fresh), &table, &belongs, most, &mut found)?;
            }
        }
        Ok(found)
    }
}

#[async_trait]
impl Pinned for SqlitePinned {
    fn position(&self) -> Position {
        self.position
    }

    async fn count(&mut self, unit: Unit) -> Result<u64, ViewsError> {
        let (table, id) = self.listed(unit);
        let sql = format!("SELECT count(DISTINCT {id}) FROM {table}");
        let count: i64 = self.db.query_row(&sql, [], |row| row.get(0)).map_err(|error| views_error(&error))?;
        Ok(unsigned(count))
    }

    async fn nth(&mut self, unit: Unit, nth: u64) -> Result<Option<Uuid>, ViewsError> {
        let (table, id) = self.listed(unit);
        let sql = format!("SELECT DISTINCT {id} FROM {table} ORDER BY {id} LIMIT 1 OFFSET ?");
        let id = self.db.query_row(&sql, [signed(nth)], |row| row.get::<_, Vec<u8>>(0)).optional();
        let id = id.map_err(|error| views_error(&error))?;
        Ok(id.and_then(|id| Uuid::from_slice(&id).ok()))
    }

    async fn numbers(
        &mut self,
        of: &BTreeSet<ConversationId>,
    ) -> Result<(HashMap<ConversationId, i64>, i64), ViewsError> {
        match self.file.projection {
            Projection::Conversations => self.numbers_of(of).map_err(|error| views_error(&error)),
            Projection::Directory | Projection::Search => Ok((HashMap::new(), 1)),
        }
    }

    async fn compare(&mut self, fresh: u32, sample: Option<&Sample>, most: usize) -> Result<Verification, ViewsError> {
        let path = GenerationFile::new(&self.directory, self.file.projection, fresh, self.file.waits).path.clone();
        Connection::open(path)
            .and_then(|fresh| self.compare_all(&fresh, sample, most))
            .map_err(|error| views_error(&error))
    }
}

/// All that is folded: neither what says where the fold stands nor what it could not fold.
fn tables(db: &Connection) -> rusqlite::Result<Vec<Table>> {
    let mut names = db.prepare(
        "SELECT name FROM sqlite_schema
         WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT IN ('checkpoint', 'about', 'parked') ORDER BY name",
    )?;
    let names: Vec<String> = names.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    names.into_iter().map(|name| table(db, name)).collect()
}

fn table(db: &Connection, name: String) -> rusqlite::Result<Table> {
    let mut info = db.prepare("SELECT name, pk FROM pragma_table_info(?)")?;
    let columns = info.query_map([&name], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))?;
    let mut columns: Vec<_> = columns.collect::<Result<_, _>>()?;
    columns.sort_by_key(|(_, pk)| if *pk == 0 { i64::MAX } else { *pk });
    let keys = columns.iter().filter(|(_, pk)| *pk > 0).count();
    Ok(Table { name, columns: columns.into_iter().map(|(column, _)| column).collect(), keys })
}

fn compare_table(
    (view, log): (&Connection, &Connection),
    table: &Table,
    belongs: &str,
    most: usize,
    found: &mut Verification,
) -> rusqlite::Result<()> {
    let columns = table.columns.join(", ");
    let keys = table.columns[..table.keys].join(", ");
    let sql = format!("SELECT {columns} FROM {} WHERE {belongs} ORDER BY {keys}", table.name);
    let (mut view, mut log) = (view.prepare(&sql)?, log.prepare(&sql)?);
    let (mut view, mut log) = (view.query([])?, log.query([])?);
    let (mut left, mut right) = (next(&mut view, table)?, next(&mut log, table)?);
    while let Some(side) = compare_rows(table, left.as_deref(), right.as_deref(), most, found) {
        if side != Next::Log {
            left = next(&mut view, table)?;
        }
        if side != Next::View {
            right = next(&mut log, table)?;
        }
    }
    Ok(())
}

fn next(rows: &mut Rows<'_>, table: &Table) -> rusqlite::Result<Option<Vec<Cell>>> {
    let Some(row) = rows.next()? else { return Ok(None) };
    let cell = |column| {
        Ok(match row.get(column)? {
            Value::Null => Cell::Null,
            Value::Integer(number) => Cell::Integer(number),
            Value::Real(number) => Cell::Text(number.to_string()),
            Value::Text(text) => Cell::Text(text),
            Value::Blob(bytes) => Cell::Bytes(bytes),
        })
    };
    (0..table.columns.len()).map(cell).collect::<Result<_, _>>().map(Some)
}
