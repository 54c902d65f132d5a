//! The one thread of a node that writes: it takes what waits, has it judged and written in one statement, and only then
//! answers.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use sqlx::{Connection, postgres::PgConnection};
use tokio::{runtime::Runtime, time::timeout};

use super::{
    batch::{self, Written},
    queries,
    shown::Shown,
};
use crate::{
    Seldom,
    database::{self, DatabaseUrl},
    port::{AppendError, Appended, StoreError, StreamAppend},
    queue::{Queue, Taken, count},
};

/// A commit that takes longer is given up: its answer is not known. A synchronous replica that is gone is a reason.
const COMMIT_WITHIN: Duration = Duration::from_secs(30);
/// How long after a failed connect the next one is tried. What comes in between is refused at once.
const BACK_OFF: Duration = Duration::from_millis(200);
/// How often a batch is tried that PostgreSQL rolled back for the sake of another transaction.
const TRIES: usize = 3;

/// What the writer's connection is told first: appends must see what was committed before their turn came, and an answer
/// must not come before the commit is on disk, whatever the server's defaults are.
const SESSION: &str = "SET default_transaction_isolation = 'read committed'; SET statement_timeout = 0; SET jit = off;
    SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply')";

pub(super) struct Writer {
    url: DatabaseUrl,
    queue: Arc<Queue>,
    shown: Arc<Shown>,
    /// Of this thread alone: nothing else delays an answer of the database.
    runtime: Runtime,
    /// None after a failure.
    connection: Option<PgConnection>,
    not_before: Option<Instant>,
}

impl Writer {
    pub(super) fn new(url: DatabaseUrl, queue: Arc<Queue>, shown: Arc<Shown>) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { url, queue, shown, runtime, connection: None, not_before: None })
    }

    /// Serves until the queue is closed and empty.
    pub(super) fn run(mut self) {
        while let Some(Taken { appends, replies, .. }) = self.queue.take() {
            let outcome = self.commit(appends);
            replies.send(outcome);
        }
        if let Some(connection) = self.connection.take()
            && let Err(error) = self.runtime.block_on(connection.close())
        {
            tracing::debug!(%error, "the writer's connection did not close well");
        }
    }

    /// Makes a batch durable and readable, part by part. An error is about all of it that has no answer yet.
    fn commit(&mut self, appends: Vec<StreamAppend>) -> Result<Vec<Result<Appended, AppendError>>, StoreError> {
        let asked = appends.len();
        let mut answers = Vec::with_capacity(asked);
        for part in batch::parts(appends) {
            match self.write(part) {
                Ok(written) => {
                    answers.extend(written.answers);
                    self.shown.add_own(written.before, written.events);
                }
                Err(error) if answers.is_empty() => return Err(error),
                Err(error) => {
                    answers.resize(asked, Err(AppendError::Store(error)));
                    break;
                }
            }
        }
        Ok(answers)
    }

    fn write(&mut self, part: Vec<StreamAppend>) -> Result<Written, StoreError> {
        let started = Instant::now();
        self.connect()?;
        let Some(connection) = &mut self.connection else {
            return Err(StoreError::Unavailable("there is no connection".to_owned()));
        };
        let written = self.runtime.block_on(async { timeout(COMMIT_WITHIN, tried(connection, part)).await });
        let written = written.unwrap_or_else(|_| Err(sqlx::Error::Io(io::ErrorKind::TimedOut.into())));
        match written {
            Ok(written) => {
                metrics::histogram!("tidings_log_commit_seconds").record(started.elapsed().as_secs_f64());
                metrics::histogram!("tidings_log_batch_events").record(count(written.events.len()));
                Ok(written)
            }
            Err(error) => {
                static SAID: Seldom = Seldom::new();
                if let Some(left_out) = SAID.due() {
                    tracing::error!(%error, left_out, "a batch of events could not be written");
                }
                metrics::counter!("tidings_log_failed_batches_total").increment(1);
                self.connection = None;
                Err(StoreError::Unavailable(self.url.explain(&error).to_string()))
            }
        }
    }

    /// Sees to a connection; just after one could not be made, says so at once.
    fn connect(&mut self) -> Result<(), StoreError> {
        if self.connection.is_some() {
            return Ok(());
        }
        if self.not_before.is_some_and(|time| Instant::now() < time) {
            return Err(StoreError::Unavailable("the database cannot be reached".to_owned()));
        }
        match self.runtime.block_on(session(&self.url)) {
            Ok(connection) => {
                self.connection = Some(connection);
                self.not_before = None;
                self.shown.set_down(false);
                Ok(())
            }
            Err(error) => {
                tracing::error!(%error, "the event store cannot be written to");
                self.not_before = Some(Instant::now() + BACK_OFF);
                Err(StoreError::Unavailable(error))
            }
        }
    }
}

async fn session(url: &DatabaseUrl) -> Result<PgConnection, String> {
    let explained = |error: sqlx::Error| url.explain(&error).to_string();
    let mut connection = url.try_connect().await.map_err(|error| error.to_string())?;
    sqlx::raw_sql(SESSION).execute(&mut connection).await.map_err(explained)?;
    if queries::is_standby(&mut connection).await.map_err(explained)? {
        return Err(format!("{} is a standby, which takes no writes", url.place()));
    }
    Ok(connection)
}

/// What PostgreSQL itself rolled back is tried again: it is not in the log.
async fn tried(connection: &mut PgConnection, part: Vec<StreamAppend>) -> sqlx::Result<Written> {
    for _ in 1..TRIES {
        match batch::write(connection, part.clone()).await {
            Err(error) if database::is_rolled_back(&error) => tracing::warn!(%error, "a batch is written again"),
            outcome => return outcome,
        }
    }
    batch::write(connection, part).await
}
