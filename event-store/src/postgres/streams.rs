//! Some streams together, in the order of the log: found by their names, so that nothing else is looked at.

use std::sync::Arc;

use sqlx::postgres::PgConnection;

use super::queries::{Names, bounded};
use crate::port::{Position, RecordedEvent, Streams};

/// The events of these streams after a position and up to another, at most so many.
pub(super) async fn of(
    connection: &mut PgConnection,
    (after, last): (Position, Position),
    choices: &[Streams],
    limit: usize,
) -> sqlx::Result<Vec<Arc<RecordedEvent>>> {
    // A stream's versions stand in the order of its positions: no stream gives more than what the page may have.
    const OF_STREAMS: &str = "WITH chosen AS MATERIALIZED (
             SELECT s.id, s.name FROM tidings_events.streams s WHERE s.name = ANY ($4)
             UNION
             SELECT s.id, s.name FROM unnest($5::text[], $6::text[]) AS r (low, high)
             JOIN tidings_events.streams s ON s.name >= r.low COLLATE \"C\" AND s.name < r.high COLLATE \"C\"
         )
         SELECT e.position, e.version, e.id, e.name, e.recorded_at, e.data, e.metadata, e.stream, s.name
         FROM chosen s CROSS JOIN LATERAL (
             SELECT * FROM tidings_events.events e
             WHERE e.stream = s.id AND e.position > $1 AND e.position <= $2 ORDER BY e.version LIMIT $3
         ) e ORDER BY e.position LIMIT $3";
    let (mut named, mut low, mut high) = (Vec::new(), Vec::new(), Vec::new());
    for streams in choices {
        match streams {
            Streams::Named(name) => named.push(name.as_str()),
            Streams::Under(prefix) => {
                low.push(prefix.as_str());
                high.push(Streams::behind(prefix));
            }
        }
    }
    let query = sqlx::query(OF_STREAMS)
        .bind(bounded(after.get()))
        .bind(bounded(last.get()))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .bind(named)
        .bind(low)
        .bind(high);
    let (mut names, mut events) = (Names::default(), Vec::new());
    for row in query.fetch_all(connection).await? {
        let stream = names.stream(&row)?;
        events.push(names.event(&row, stream)?);
    }
    Ok(events)
}
