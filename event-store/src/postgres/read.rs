//! Reading from the database, on a pool. Whatever is committed may be read, for it appears in order.

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use sqlx::postgres::{PgConnection, PgPool};
use tidings_domain::StreamName;
use tokio::time::timeout;
use uuid::Uuid;

use super::{queries, shown::Shown, streams};
use crate::{
    Seldom, database,
    port::{
        CommandId, CommandRecord, Connections, Filter, Page, Position, RecordedEvent, Snapshot, StoreError, Streams,
    },
};

/// How often a reading is begun whose connection turns out to be dead: after a restart of the server all those of the
/// pool are.
const TRIES: usize = 20;

/// A query that takes longer is given up: the server may be gone without a word.
const READ_WITHIN: Duration = Duration::from_secs(30);

/// The pool, and what is known of its end.
#[derive(Debug, Clone)]
pub(super) struct Reads {
    pool: PgPool,
    shown: Arc<Shown>,
}

fn store_error(error: &sqlx::Error) -> StoreError {
    if matches!(error, sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_)) {
        StoreError::Corrupt(error.to_string())
    } else {
        StoreError::Unavailable(error.to_string())
    }
}

impl Reads {
    pub(super) const fn new(pool: PgPool, shown: Arc<Shown>) -> Self {
        Self { pool, shown }
    }

    pub(super) fn connections(&self) -> Connections {
        database::connections("log", &self.pool)
    }

    /// Reads on a connection of the pool. Fails at once while the database is known to be down.
    async fn with<A: Sync, T>(
        &self,
        asked: A,
        read: for<'c> fn(&'c mut PgConnection, &'c A) -> BoxFuture<'c, sqlx::Result<T>>,
    ) -> Result<T, StoreError> {
        let mut left = TRIES;
        loop {
            if self.shown.is_down() {
                return Err(StoreError::Unavailable("the database cannot be reached".to_owned()));
            }
            left -= 1;
            let outcome = match self.pool.acquire().await {
                Ok(mut connection) => {
                    let Ok(outcome) = timeout(READ_WITHIN, read(&mut connection, &asked)).await else {
                        connection.close_on_drop();
                        let why = format!("no answer within {} s", READ_WITHIN.as_secs());
                        return Err(StoreError::Unavailable(why));
                    };
                    if outcome.as_ref().is_err_and(database::is_lost) {
                        connection.close_on_drop();
                    }
                    outcome
                }
                Err(error) => Err(error),
            };
            match outcome {
                Ok(value) => return Ok(value),
                Err(error) if left > 0 && database::is_lost(&error) => {}
                Err(error) => {
                    static SAID: Seldom = Seldom::new();
                    if let Some(left_out) = SAID.due() {
                        tracing::error!(%error, left_out, "the event store could not be read");
                    }
                    return Err(store_error(&error));
                }
            }
        }
    }

    pub(super) async fn head(&self) -> Result<Position, StoreError> {
        self.with((), |connection, ()| Box::pin(queries::head(connection))).await
    }

    /// One stream after a version.
    pub(super) async fn stream(
        &self,
        stream: &StreamName,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Arc<RecordedEvent>>, StoreError> {
        let asked = (stream, after, limit);
        self.with(asked, |connection, (stream, after, limit)| {
            Box::pin(queries::stream(connection, stream, *after, *limit))
        })
        .await
    }

    /// The log after a position, at most `limit` positions.
    pub(super) async fn log(&self, after: Position, filter: &Filter, limit: usize) -> Result<Page, StoreError> {
        let known = self.shown.head();
        let head = if after < known { known } else { self.head().await? };
        self.after(after, filter, limit, head).await
    }

    /// The same, up to a head that is known. Positions are gapless here.
    pub(super) async fn after(
        &self,
        after: Position,
        filter: &Filter,
        limit: usize,
        head: Position,
    ) -> Result<Page, StoreError> {
        if after >= head || limit == 0 {
            return Ok(Page { events: Vec::new(), scanned_to: after });
        }
        if let Filter::Streams(choices) = filter {
            return self.streams(after, head, choices, limit).await;
        }
        let last = Position::new(after.get().saturating_add(limit as u64).min(head.get()));
        let asked = (after, last, filter);
        let events = self
            .with(asked, |connection, (after, last, filter)| {
                Box::pin(queries::between(connection, *after, *last, filter))
            })
            .await?;
        if *filter == Filter::All && events.len() as u64 != last.get() - after.get() {
            return Err(StoreError::Corrupt(format!("positions are missing between {after} and {last}")));
        }
        Ok(Page { events, scanned_to: last })
    }

    /// The events of these streams after a position, at most `limit` and none above the head.
    async fn streams(
        &self,
        after: Position,
        head: Position,
        choices: &[Streams],
        limit: usize,
    ) -> Result<Page, StoreError> {
        let asked = (after, head, choices, limit);
        let events = self
            .with(asked, |connection, (after, head, choices, limit)| {
                Box::pin(streams::of(connection, (*after, *head), choices, *limit))
            })
            .await?;
        let last = events.last().filter(|_| events.len() == limit).map(|last| last.position);
        Ok(Page { events, scanned_to: last.unwrap_or(head) })
    }

    /// Where commands stand, in the order asked.
    pub(super) async fn commands(&self, ids: &[CommandId]) -> Result<Vec<Option<CommandRecord>>, StoreError> {
        let asked: Vec<Uuid> = ids.iter().map(|id| Uuid::from_bytes(id.0)).collect();
        let found = self.with(&*asked, |connection, asked| Box::pin(queries::commands(connection, asked))).await?;
        Ok(asked.iter().map(|id| found.get(id).cloned()).collect())
    }

    pub(super) async fn snapshot(&self, stream: &StreamName) -> Result<Option<Snapshot>, StoreError> {
        self.with(stream, |connection, stream| Box::pin(queries::snapshot(connection, stream))).await
    }

    pub(super) async fn keep(&self, stream: &StreamName, snapshot: &Snapshot) -> Result<(), StoreError> {
        let asked = (stream, snapshot);
        self.with(asked, |connection, (stream, snapshot)| Box::pin(queries::keep(connection, stream, snapshot))).await
    }
}
