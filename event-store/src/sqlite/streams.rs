//! Some streams together, in the order of the log: found by their names, so that nothing else is looked at.

use rusqlite::{Connection, params_from_iter, types::Value};

use super::read::{COLUMNS, Rows, bounded};
use crate::port::{Page, Position, Streams};

/// The events of these streams after a position, at most `limit` and none above the head.
pub(super) fn page(
    connection: &Connection,
    after: Position,
    head: Position,
    choices: &[Streams],
    limit: usize,
) -> rusqlite::Result<Page> {
    let (mut named, mut parts, mut parameters) = (Vec::new(), Vec::new(), Vec::new());
    for streams in choices {
        match streams {
            Streams::Named(name) => named.push(Value::from(name.as_str().to_owned())),
            Streams::Under(prefix) => {
                parts.push("SELECT id, name FROM streams WHERE name >= ? AND name < ?".to_owned());
                parameters.extend([Value::from(prefix.clone()), Value::from(Streams::behind(prefix))]);
            }
        }
    }
    // also where none is named: the statement needs a part
    let marks = vec!["?"; named.len()].join(",");
    parts.push(format!("SELECT id, name FROM streams WHERE name IN ({marks})"));
    parameters.extend(named);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    parameters.extend([bounded(after.get()).into(), bounded(head.get()).into(), limit.into()]);
    // CROSS JOIN: whatever began with the events would look at all of them
    let sql = format!(
        "SELECT {COLUMNS} FROM ({}) s CROSS JOIN events e ON e.stream = s.id
         WHERE e.position > ? AND e.position <= ? ORDER BY e.position LIMIT ?",
        parts.join(" UNION ")
    );
    let mut statement = connection.prepare(&sql)?;
    let mut found = statement.query(params_from_iter(parameters))?;
    let mut rows = Rows::default();
    let mut page = Page { events: Vec::new(), scanned_to: head };
    while let Some(row) = found.next()? {
        page.events.push(rows.event(row)?);
    }
    if i64::try_from(page.events.len()).is_ok_and(|found| found == limit)
        && let Some(last) = page.events.last()
    {
        page.scanned_to = last.position;
    }
    Ok(page)
}
