//! What lies in the log's own file, whatever the server says of itself. No server runs meanwhile.

use crate::error::BenchError;
use crate::target::Counts;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;

fn open(dir: &Path) -> Result<Connection, BenchError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(Connection::open_with_flags(dir.join("events.db"), flags)?)
}

/// How many events. Positions have no gaps.
pub(super) fn events(dir: &Path) -> Result<u64, BenchError> {
    let newest: i64 = open(dir)?.query_row("SELECT coalesce(max(position), 0) FROM events", [], |row| row.get(0))?;
    Ok(newest.cast_unsigned())
}

/// How many of the events that requests of the benchmark make.
pub(super) fn found(dir: &Path) -> Result<Counts, BenchError> {
    let log = open(dir)?;
    let mut by_name = log.prepare("SELECT name, count(*) FROM events GROUP BY name")?;
    let mut rows = by_name.query([])?;
    let mut found = Counts::default();
    while let Some(row) = rows.next()? {
        let count = row.get::<_, i64>(1)?.cast_unsigned();
        match row.get_ref(0)?.as_str().unwrap_or_default() {
            "message_sent" => found.messages += count,
            "read_up_to" => found.marks += count,
            "user_registered" => found.accounts += count,
            "session_opened" => found.sessions += count,
            _ => {}
        }
    }
    Ok(found)
}
