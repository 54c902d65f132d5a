//! The one thread that writes: it takes what waits, judges it, commits it once, and only then answers.

use std::{path::PathBuf, sync::Arc, time::Instant};

use tidings_domain::StreamName;
use tokio::sync::watch;

use super::{Checkpointer, Clock, batch::Batch, insert::Tables, places::Places, session::Session};
use crate::{
    Seldom,
    port::{AppendError, Appended, Position, Snapshot, StoreError, StreamAppend},
    queue::{Queue, Taken, count},
    tail::Tail,
};

/// What readers see of the log's end. It only moves when the events behind it are durable.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) tail: Arc<Tail>,
    pub(super) head: watch::Sender<Position>,
}

impl Shown {
    fn add(&self, batch: &Batch) {
        if let Some(last) = batch.rows.last() {
            self.tail.push(batch.rows.iter().map(|row| Arc::clone(&row.event)));
            self.head.send_replace(last.event.position);
        }
    }

    /// Goes by what was found in the file: a failed commit may have been one after all.
    fn agree(&self, head: Position) {
        if *self.head.borrow() != head {
            self.tail.reset(head);
            self.head.send_replace(head);
        }
    }
}

#[derive(Debug)]
pub(super) struct Writer {
    pub(super) path: PathBuf,
    pub(super) places: Arc<Places>,
    pub(super) clock: Clock,
    pub(super) queue: Arc<Queue>,
    pub(super) shown: Shown,
    /// None after a failure: what is in the file then has to be read again.
    pub(super) session: Option<Session>,
    pub(super) tables: Tables,
    pub(super) checkpointer: Checkpointer,
}

impl Writer {
    /// Serves until the queue is closed and empty, then leaves the file without a write-ahead log.
    pub(super) fn run(mut self) {
        while let Some(taken) = self.queue.take() {
            self.serve(taken);
            if let Some(session) = &self.session
                && let Err(error) = self.checkpointer.look(&session.connection)
            {
                tracing::warn!(%error, "the write-ahead log could not be copied, it will be tried again");
            }
        }
        if let Some(session) = &mut self.session
            && let Err(error) = self.tables.settle(session).and_then(|()| self.checkpointer.finish(&session.connection))
        {
            tracing::warn!(%error, "the write-ahead log stays: it will be read when the store is opened again");
        }
    }

    fn serve(&mut self, taken: Taken) {
        let Taken { appends, snapshots, replies } = taken;
        replies.send(self.commit(appends, &snapshots));
    }

    /// Makes a batch durable and readable. After an error nothing of it may be answered but that error.
    fn commit(
        &mut self,
        appends: Vec<StreamAppend>,
        snapshots: &[(StreamName, Snapshot)],
    ) -> Result<Vec<Result<Appended, AppendError>>, StoreError> {
        let started = Instant::now();
        match self.write(appends, snapshots) {
            Ok(batch) => {
                self.shown.add(&batch);
                metrics::histogram!("tidings_log_commit_seconds").record(started.elapsed().as_secs_f64());
                metrics::histogram!("tidings_log_batch_events").record(count(batch.rows.len()));
                Ok(batch.answers)
            }
            Err(error) => {
                static SAID: Seldom = Seldom::new();
                if let Some(left_out) = SAID.due() {
                    tracing::error!(%error, left_out, "a batch of events could not be written");
                }
                metrics::counter!("tidings_log_failed_batches_total").increment(1);
                // The connection, its open transaction and all that was judged go together.
                self.session = None;
                Err(StoreError::Unavailable(error.to_string()))
            }
        }
    }

    fn write(&mut self, appends: Vec<StreamAppend>, snapshots: &[(StreamName, Snapshot)]) -> rusqlite::Result<Batch> {
        let session = match &mut self.session {
            Some(session) => session,
            none => {
                let session = Session::open(&self.path, Arc::clone(&self.places))?;
                self.shown.agree(session.head);
                none.insert(session)
            }
        };
        let batch = Batch::judge(session, appends, (self.clock)())?;
        // Barriers alone need no transaction: what was before them is durable.
        if !batch.rows.is_empty() || !snapshots.is_empty() {
            self.tables.write(session, &batch, snapshots)?;
        }
        Ok(batch)
    }
}
