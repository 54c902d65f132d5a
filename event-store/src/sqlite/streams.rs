//! A stream, and some together in the order of the log: found by their names, so that nothing else is looked at.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params_from_iter, types::Value};
use tidings_domain::StreamName;

use super::{
    places::Places,
    read::{COLUMNS, Rows, bounded},
};
use crate::port::{Page, Position, RecordedEvent, Streams};

/// One stream after a version, up to the head.
pub(super) fn stream(
    (connection, places): (&Connection, &Places),
    stream: &StreamName,
    after: u64,
    head: Position,
    limit: usize,
) -> rusqlite::Result<Vec<Arc<RecordedEvent>>> {
    let mut id = connection.prepare_cached("SELECT id FROM streams WHERE name = ?1")?;
    let Some(id) = id.query_row([stream.as_str()], |row| row.get(0)).optional()? else { return Ok(Vec::new()) };
    // first of all: what waits no more when the table is looked into is there
    let waiting = places.of(id, after, limit);
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM places p CROSS JOIN events e ON e.position = p.position LEFT JOIN streams s ON s.id = e.stream
         WHERE p.stream = ?1 AND p.version > ?2 AND p.position <= ?3 ORDER BY p.version LIMIT ?4"
    ))?;
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut found = statement.query((id, bounded(after), bounded(head.get()), most))?;
    let (mut rows, mut events) = (Rows::default(), Vec::new());
    while let Some(row) = found.next()? {
        events.push(rows.event(row)?);
    }
    let last = events.last().map_or(after, |event: &Arc<RecordedEvent>| event.version);
    let behind = waiting.into_iter().filter(|(version, position)| *version > last && *position <= head);
    let behind = behind.take(limit - events.len()).map(|(_, position)| position);
    at(connection, &mut rows, behind, &mut events)?;
    Ok(events)
}

/// The events at these positions, behind others.
fn at(
    connection: &Connection,
    rows: &mut Rows,
    positions: impl Iterator<Item = Position>,
    events: &mut Vec<Arc<RecordedEvent>>,
) -> rusqlite::Result<()> {
    let mut one = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM events e LEFT JOIN streams s ON s.id = e.stream WHERE e.position = ?1"
    ))?;
    for position in positions {
        let mut found = one.query([bounded(position.get())])?;
        if let Some(row) = found.next()? {
            events.push(rows.event(row)?);
        }
    }
    Ok(())
}

/// The events of these streams after a position, at most `limit` and none above the head.
pub(super) fn page(
    (connection, places): (&Connection, &Places),
    after: Position,
    head: Position,
    choices: &[Streams],
    limit: usize,
) -> rusqlite::Result<Page> {
    // first of all: what waits no more when the table is looked into is there
    let admits = |name: &StreamName| choices.iter().any(|streams| streams.admits(name));
    let mut waiting = places.of_all(Position::new(after.get() + 1), head, admits);
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
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    parameters.extend([bounded(after.get()).into(), bounded(head.get()).into(), most.into()]);
    // CROSS JOIN: whatever began with the events would look at all of them
    let sql = format!(
        "SELECT {COLUMNS} FROM ({}) s CROSS JOIN places p ON p.stream = s.id CROSS JOIN events e ON e.position = p.position
         WHERE p.position > ? AND p.position <= ? ORDER BY p.position LIMIT ?",
        parts.join(" UNION ")
    );
    let mut statement = connection.prepare(&sql)?;
    let mut found = statement.query(params_from_iter(parameters))?;
    let mut rows = Rows::default();
    let mut page = Page { events: Vec::new(), scanned_to: head };
    while let Some(row) = found.next()? {
        page.events.push(rows.event(row)?);
    }
    // of what waits no more than there is room for, and nothing twice
    waiting.sort_unstable();
    waiting.retain(|position| page.events.binary_search_by_key(position, |event| event.position).is_err());
    waiting.truncate(limit);
    at(connection, &mut rows, waiting.into_iter(), &mut page.events)?;
    page.events.sort_unstable_by_key(|event| event.position);
    page.events.truncate(limit);
    if page.events.len() == limit
        && let Some(last) = page.events.last()
    {
        page.scanned_to = last.position;
    }
    Ok(page)
}
