//! Many rows into a table, several with each statement: to begin and end a statement takes longer than to write a row.

use rusqlite::{Connection, Result, Statement, ToSql};

/// So many rows go with a statement; what is left over goes one by one.
const TOGETHER: usize = 16;

/// Takes the values of rows, in the order of the columns.
pub(super) struct Binder<'a, 'db> {
    statement: &'a mut Statement<'db>,
    next: usize,
}

impl Binder<'_, '_> {
    pub(super) fn bind(&mut self, value: impl ToSql) -> Result<()> {
        self.next += 1;
        self.statement.raw_bind_parameter(self.next, value)
    }
}

/// Runs a statement for every row: `INSERT … VALUES (?, …)`, with a `?` for each column and nothing after them. Says how many rows
/// were written.
pub(super) fn insert<T>(
    db: &Connection,
    one: &str,
    rows: &[T],
    bind: impl Fn(&mut Binder<'_, '_>, &T) -> Result<()>,
) -> Result<usize> {
    let (together, rest) = rows.as_chunks::<TOGETHER>();
    let mut written = 0;
    if !together.is_empty() {
        let values = one.rfind('(').map_or("", |at| &one[at..]);
        let mut statement = db.prepare_cached(&[one, &[", ", values].concat().repeat(TOGETHER - 1)].concat())?;
        for rows in together {
            written += run(&mut statement, rows, &bind)?;
        }
    }
    if !rest.is_empty() {
        let mut statement = db.prepare_cached(one)?;
        for row in rest {
            written += run(&mut statement, std::slice::from_ref(row), &bind)?;
        }
    }
    Ok(written)
}

fn run<T>(
    statement: &mut Statement<'_>,
    rows: &[T],
    bind: &impl Fn(&mut Binder<'_, '_>, &T) -> Result<()>,
) -> Result<usize> {
    let mut binder = Binder { statement, next: 0 };
    for row in rows {
        bind(&mut binder, row)?;
    }
    statement.raw_execute()
}
