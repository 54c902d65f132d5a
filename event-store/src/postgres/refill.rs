//! Filling an empty database with the events of another log.

use async_trait::async_trait;
use sqlx::{Connection, postgres::PgConnection};
use uuid::Uuid;

use super::{SCHEMA, queries};
use crate::{
    database::{DatabaseError, DatabaseUrl},
    port::{Position, StoreError},
    refill::{KeptEvent, Refill, go_on},
};

/// The same lock as who appends holds.
const LOCK: &str = "SELECT pg_advisory_xact_lock(1953064036, 'tidings_events.events'::regclass::oid::integer)";

const STREAMS: &str = "INSERT INTO tidings_events.streams (name, category)
    SELECT DISTINCT ON (n.name) n.name, n.category FROM unnest($1::text[], $2::text[]) n(name, category)
    ON CONFLICT DO NOTHING";

const EVENTS: &str =
    "INSERT INTO tidings_events.events (position, stream, version, recorded_at, id, name, data, metadata)
    SELECT e.position, (SELECT s.id FROM tidings_events.streams s WHERE s.name = e.stream COLLATE \"C\"), e.version,
           e.recorded_at, e.id, e.name, e.data, e.metadata
    FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::uuid[], $6::text[], $7::bytea[], $8::bytea[])
         e(position, stream, version, recorded_at, id, name, data, metadata)";

const COMMANDS: &str = "INSERT INTO tidings_events.commands (id, position, fingerprint)
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[]) ORDER BY 1";

/// A database that is being filled.
#[derive(Debug)]
pub struct PostgresRefill {
    connection: PgConnection,
    head: Position,
}

fn unavailable(error: impl std::fmt::Display) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

impl PostgresRefill {
    /// The log in this database, whose tables are made when they are not there.
    pub async fn open(url: &DatabaseUrl) -> Result<Self, DatabaseError> {
        SCHEMA.migrate(url).await?;
        let mut connection = url.connect().await?;
        let head = queries::head(&mut connection).await.map_err(|error| url.explain(&error))?;
        Ok(Self { connection, head })
    }

    async fn write(&mut self, events: &[KeptEvent]) -> sqlx::Result<()> {
        let mut transaction = self.connection.begin().await?;
        sqlx::query(LOCK).execute(&mut *transaction).await?;
        let of = || events.iter().map(|kept| &kept.event);
        let streams: Vec<&str> = of().map(|event| event.stream.as_str()).collect();
        let categories: Vec<&str> = of().map(|event| event.stream.category()).collect();
        sqlx::query(STREAMS).bind(&streams).bind(&categories).execute(&mut *transaction).await?;
        sqlx::query(EVENTS)
            .bind(of().map(|event| event.position.get().cast_signed()).collect::<Vec<_>>())
            .bind(&streams)
            .bind(of().map(|event| event.version.cast_signed()).collect::<Vec<_>>())
            .bind(of().map(|event| event.recorded_at.millis()).collect::<Vec<_>>())
            .bind(of().map(|event| event.id).collect::<Vec<_>>())
            .bind(of().map(|event| &*event.name).collect::<Vec<_>>())
            .bind(of().map(|event| &*event.data).collect::<Vec<_>>())
            .bind(of().map(|event| &*event.metadata).collect::<Vec<_>>())
            .execute(&mut *transaction)
            .await?;
        let commands = || events.iter().filter_map(|kept| Some((kept.command?, kept.event.position)));
        sqlx::query(COMMANDS)
            .bind(commands().map(|(command, _)| Uuid::from_bytes(command.id.0)).collect::<Vec<_>>())
            .bind(commands().map(|(_, position)| position.get().cast_signed()).collect::<Vec<_>>())
            .bind(commands().map(|(command, _)| Uuid::from_bytes(command.fingerprint.0)).collect::<Vec<_>>())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await
    }
}

#[async_trait]
impl Refill for PostgresRefill {
    fn head(&self) -> Position {
        self.head
    }

    async fn fill(&mut self, events: &[KeptEvent]) -> Result<(), StoreError> {
        go_on(self.head, events)?;
        self.write(events).await.map_err(unavailable)?;
        self.head = Position::new(self.head.get() + events.len() as u64);
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<(), StoreError> {
        self.connection.close().await.map_err(unavailable)
    }
}
