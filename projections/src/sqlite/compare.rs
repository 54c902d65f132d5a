//! A serving view against a fresh one: every table, both in the order of their keys, row by row.

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use rusqlite::{Connection, Rows, types::Value};
use tidings_event_store::Position;

use super::{error::views_error, files::GenerationFile};
use crate::{
    fold::{
        compare::{Cell, Next, Table, compare_rows},
        unsigned,
    },
    model::Verification,
    runner::{Pinned, ViewsError},
};

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

    fn compare_all(&self, fresh: &Connection, most: usize) -> rusqlite::Result<Verification> {
        let name = self.file.projection.name();
        let mut found = Verification { name, position: self.position, rows: 0, differing: 0, differences: Vec::new() };
        for table in tables(&self.db)? {
            compare_table(&self.db, fresh, &table, most, &mut found)?;
        }
        Ok(found)
    }
}

#[async_trait]
impl Pinned for SqlitePinned {
    fn position(&self) -> Position {
        self.position
    }

    async fn compare(&mut self, fresh: u32, most: usize) -> Result<Verification, ViewsError> {
        let path = GenerationFile::new(&self.directory, self.file.projection, fresh).path.clone();
        Connection::open(path).and_then(|fresh| self.compare_all(&fresh, most)).map_err(|error| views_error(&error))
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
    view: &Connection,
    log: &Connection,
    table: &Table,
    most: usize,
    found: &mut Verification,
) -> rusqlite::Result<()> {
    let columns = table.columns.join(", ");
    let sql = format!("SELECT {columns} FROM {} ORDER BY {}", table.name, table.columns[..table.keys].join(", "));
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
