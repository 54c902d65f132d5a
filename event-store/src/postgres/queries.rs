//! The queries of the log, each with its statement.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use sqlx::{
    Row,
    postgres::{PgConnection, PgRow},
};
use tidings_domain::{StreamName, Timestamp};
use uuid::Uuid;

use crate::port::{CommandRecord, Filter, Fingerprint, Position, RecordedEvent, Snapshot};

/// A number as PostgreSQL takes it. None of ours is above its range; what is asked for may be.
pub(super) fn bounded(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(row: &PgRow, column: usize) -> sqlx::Result<u64> {
    row.try_get::<i64, _>(column).map(i64::cast_unsigned)
}

/// Reads events, holding each name once.
#[derive(Default)]
pub(super) struct Names {
    streams: HashMap<i64, StreamName>,
    events: Vec<Arc<str>>,
}

impl Names {
    pub(super) fn event(&mut self, row: &PgRow, stream: StreamName) -> sqlx::Result<Arc<RecordedEvent>> {
        Ok(Arc::new(RecordedEvent {
            position: Position::new(unsigned(row, 0)?),
            stream,
            version: unsigned(row, 1)?,
            id: row.try_get(2)?,
            name: self.name(row.try_get(3)?),
            recorded_at: Timestamp::from_millis(row.try_get(4)?),
            data: Bytes::copy_from_slice(row.try_get(5)?),
            metadata: Bytes::copy_from_slice(row.try_get(6)?),
        }))
    }

    fn name(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.events.iter().find(|known| &***known == name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = name.into();
        self.events.push(Arc::clone(&name));
        name
    }

    pub(super) fn stream(&mut self, row: &PgRow) -> sqlx::Result<StreamName> {
        let id = row.try_get(7)?;
        if let Some(stream) = self.streams.get(&id) {
            return Ok(stream.clone());
        }
        let stream = StreamName::stored(row.try_get::<&str, _>(8)?);
        self.streams.insert(id, stream.clone());
        Ok(stream)
    }
}

/// The last position of the log.
pub(super) async fn head(connection: &mut PgConnection) -> sqlx::Result<Position> {
    let head: Option<i64> =
        sqlx::query_scalar("SELECT max(position) FROM tidings_events.events").fetch_one(connection).await?;
    Ok(Position::new(head.unwrap_or_default().cast_unsigned()))
}

/// Whether the server only follows another.
pub(super) async fn is_standby(connection: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT pg_is_in_recovery()").fetch_one(connection).await
}

/// One stream after a version.
pub(super) async fn stream(
    connection: &mut PgConnection,
    stream: &StreamName,
    after: u64,
    limit: usize,
) -> sqlx::Result<Vec<Arc<RecordedEvent>>> {
    let rows = sqlx::query(
        "SELECT e.position, e.version, e.id, e.name, e.recorded_at, e.data, e.metadata
         FROM tidings_events.events e
         WHERE e.stream = (SELECT s.id FROM tidings_events.streams s WHERE s.name = $1) AND e.version > $2
         ORDER BY e.version LIMIT $3",
    )
    .bind(stream.as_str())
    .bind(bounded(after))
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(connection)
    .await?;
    let mut names = Names::default();
    rows.iter().map(|row| names.event(row, stream.clone())).collect()
}

/// The events between two positions. Streams are looked up as the events come to them, each once where the database keeps
/// what it found (`Memoize`, PostgreSQL 14 and later): there may be millions, and a page has few.
pub(super) async fn between(
    connection: &mut PgConnection,
    after: Position,
    last: Position,
    filter: &Filter,
) -> sqlx::Result<Vec<Arc<RecordedEvent>>> {
    const BETWEEN: &str = "SELECT e.position, e.version, e.id, e.name, e.recorded_at, e.data, e.metadata, e.stream, s.name
        FROM tidings_events.events e
        CROSS JOIN LATERAL (SELECT s.name, s.category FROM tidings_events.streams s WHERE s.id = e.stream OFFSET 0) s
        WHERE e.position > $1 AND e.position <= $2 AND ($3::text[] IS NULL OR s.category = ANY ($3)) ORDER BY e.position";
    let categories = match filter {
        Filter::All => None,
        Filter::Categories(categories) => Some(categories),
        // those are found by their names
        Filter::Streams(choices) => return super::streams::of(connection, (after, last), choices, usize::MAX).await,
    };
    let query = sqlx::query(BETWEEN).bind(bounded(after.get())).bind(bounded(last.get())).bind(categories);
    let mut names = Names::default();
    let mut events = Vec::new();
    for row in query.fetch_all(connection).await? {
        let stream = names.stream(&row)?;
        events.push(names.event(&row, stream)?);
    }
    Ok(events)
}

/// Those commands that are in the log.
pub(super) async fn commands(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> sqlx::Result<HashMap<Uuid, CommandRecord>> {
    let rows = sqlx::query(
        "SELECT c.id, c.position, c.fingerprint, e.version,
                (SELECT s.name FROM tidings_events.streams s WHERE s.id = e.stream)
         FROM tidings_events.commands c JOIN tidings_events.events e ON e.position = c.position WHERE c.id = ANY ($1)",
    )
    .bind(ids)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let record = CommandRecord {
                stream: StreamName::stored(row.try_get::<&str, _>(4)?),
                version: unsigned(row, 3)?,
                position: Position::new(unsigned(row, 1)?),
                fingerprint: Fingerprint(row.try_get::<Uuid, _>(2)?.into_bytes()),
            };
            Ok((row.try_get(0)?, record))
        })
        .collect()
}

/// The snapshot of a stream.
pub(super) async fn snapshot(connection: &mut PgConnection, stream: &StreamName) -> sqlx::Result<Option<Snapshot>> {
    let row = sqlx::query("SELECT version, format, data FROM tidings_events.snapshots WHERE stream = $1")
        .bind(stream.as_str())
        .fetch_optional(connection)
        .await?;
    row.map(|row| {
        let data: Vec<u8> = row.try_get(2)?;
        Ok(Snapshot { version: unsigned(&row, 0)?, format: row.try_get(1)?, data: data.into() })
    })
    .transpose()
}

/// Keeps a snapshot. One that another node took later stays, unless it is in a format of another program.
pub(super) async fn keep(connection: &mut PgConnection, stream: &StreamName, snapshot: &Snapshot) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO tidings_events.snapshots AS kept (stream, version, format, data) VALUES ($1, $2, $3, $4)
         ON CONFLICT (stream) DO UPDATE
         SET version = excluded.version, format = excluded.format, data = excluded.data
         WHERE excluded.version >= kept.version OR excluded.format <> kept.format",
    )
    .bind(stream.as_str())
    .bind(bounded(snapshot.version))
    .bind(&snapshot.format)
    .bind(&*snapshot.data)
    .execute(connection)
    .await
    .map(drop)
}
