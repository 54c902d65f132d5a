//! The log, read and decoded.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use tidings_event_store::{Codec, CodecError, EventStore, Filter, KeyError, Position, RecordedEvent};
use tokio::sync::{Mutex, mpsc};

use super::{
    pace::Throttle,
    port::{Batch, Poison, Projection, ViewsError},
    sample::Of,
};

/// The log and the keys to it. Cheap to clone.
#[derive(Clone)]
pub struct Log {
    /// Where the events are.
    pub store: Arc<dyn EventStore>,
    /// What opens them.
    pub codec: Codec,
}

impl Log {
    /// The events after a position, at most `limit` looked at.
    pub(super) async fn read(&self, after: Position, filter: &Filter, limit: usize) -> Result<Batch, ViewsError> {
        let page = self.store.read_all(after, filter, limit).await.map_err(|error| log_error(&error))?;
        Ok(Batch { after, to: page.scanned_to.max(after), events: self.open(&page.events).await? })
    }

    /// The same, of which only what concerns a sample is opened.
    async fn read_of(
        &self,
        after: Position,
        (filter, of): (&Filter, &Of),
        projection: Projection,
        limit: usize,
    ) -> Result<Batch, ViewsError> {
        let sample = match of {
            Of::All => return self.read(after, filter, limit).await,
            Of::Some(sample) => sample,
        };
        let page = self.store.read_all(after, filter, limit).await.map_err(|error| log_error(&error))?;
        let events: Vec<_> = page.events.iter().filter(|event| sample.admits(projection, event)).cloned().collect();
        let mut events = self.open(&events).await?;
        events.retain(|outcome| outcome.as_ref().map_or(true, |decoded| sample.concerns(&decoded.event)));
        Ok(Batch { after, to: page.scanned_to.max(after), events })
    }

    /// The next event after a position, unless it is far from there.
    pub(super) async fn some(
        &self,
        after: Position,
        filter: &Filter,
    ) -> Result<Option<Arc<RecordedEvent>>, ViewsError> {
        const NEAR: usize = 100;
        let page = self.store.read_all(after, filter, NEAR).await.map_err(|error| log_error(&error))?;
        Ok(page.events.into_iter().next())
    }

    /// One event by its position.
    pub(super) async fn read_one(&self, position: Position) -> Result<Batch, ViewsError> {
        let before = Position::new(position.get().saturating_sub(1));
        let batch = self.read(before, &Filter::All, 1).await?;
        if batch.to == position { Ok(batch) } else { Err(ViewsError::Log(format!("no event stands at {position}"))) }
    }

    async fn open(
        &self,
        events: &[Arc<RecordedEvent>],
    ) -> Result<Vec<Result<tidings_event_store::DecodedEvent, Poison>>, ViewsError> {
        let outcomes = self.codec.open_all(events).await.map_err(|error| log_error(&error))?;
        let outcomes = outcomes.into_iter().zip(events).map(|(outcome, recorded)| match outcome {
            Ok(decoded) => Ok(Ok(decoded)),
            // no fault of the event's: it opens when the key store answers again
            Err(CodecError::Key(error @ (KeyError::Unavailable(_) | KeyError::WrongSecret))) => Err(log_error(&error)),
            Err(error) => Ok(Err(Poison { recorded: recorded.clone(), error: error.to_string() })),
        });
        outcomes.collect()
    }

    /// Where the log ends now.
    pub(super) async fn head(&self) -> Result<Position, ViewsError> {
        self.store.head().await.map_err(|error| log_error(&error))
    }
}

fn log_error(error: &dyn std::error::Error) -> ViewsError {
    ViewsError::Log(error.to_string())
}

impl Batch {
    /// Only what stands at or before a position.
    pub(super) fn cut(&mut self, until: Position) {
        if self.to > until {
            self.to = until;
            self.events.retain(|outcome| match outcome {
                Ok(decoded) => decoded.recorded.position <= until,
                Err(poison) => poison.recorded.position <= until,
            });
        }
    }
}

/// Reads and decodes ahead, on a thread of its own, while what was read before is being applied.
/// Each batch comes with how long that took.
pub(super) struct Ahead(mpsc::Receiver<Result<(Batch, Duration), ViewsError>>);

impl Ahead {
    pub(super) fn start(
        log: Log,
        (projection, of): (Projection, Of),
        (after, until): (Position, Position),
        throttle: Throttle,
    ) -> Result<Self, ViewsError> {
        let failed = |error: std::io::Error| ViewsError::Unavailable(error.to_string());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        // what is read ahead of a rest is read in the rest
        let (sender, receiver) = mpsc::channel(if throttle.rests() { 1 } else { 2 });
        let filter = Filter::Categories(projection.categories().to_vec());
        let read = async move {
            throttle.give_way();
            let mut after = after;
            while after < until {
                let began = Instant::now();
                let mut batch = log.read_of(after, (&filter, &of), projection, throttle.page()).await;
                if let Ok(batch) = &mut batch {
                    batch.cut(until);
                    if batch.to == after {
                        break;
                    }
                    after = batch.to;
                }
                let failed = batch.is_err();
                let took = began.elapsed();
                if sender.send(batch.map(|batch| (batch, took))).await.is_err() || failed {
                    break;
                }
            }
        };
        let thread = thread::Builder::new().name(format!("decode-{}", projection.name()));
        thread.spawn(move || runtime.block_on(read)).map_err(failed)?;
        Ok(Self(receiver))
    }

    /// The next stretch; none at the end.
    pub(super) async fn next(&mut self) -> Option<Result<(Batch, Duration), ViewsError>> {
        self.0.recv().await
    }
}

/// The end of the log, read once for all projections of a thread that are there.
pub(super) struct Tail {
    log: Log,
    filter: Filter,
    page: usize,
    last: Mutex<Option<Arc<Batch>>>,
}

impl Tail {
    pub(super) fn new(log: Log, read: impl Iterator<Item = Projection>, page: usize) -> Self {
        let mut categories: Vec<_> = read.flat_map(Projection::categories).collect();
        categories.sort_unstable();
        categories.dedup();
        let filter = Filter::Categories(categories.into_iter().copied().collect());
        Self { log, filter, page, last: Mutex::new(None) }
    }

    /// A stretch that begins at or before `after` and reaches beyond it, if there is anything.
    pub(super) async fn next(&self, after: Position) -> Result<Arc<Batch>, ViewsError> {
        let mut last = self.last.lock().await;
        if let Some(batch) = last.as_ref().filter(|batch| batch.after <= after && after < batch.to) {
            return Ok(batch.clone());
        }
        let batch = Arc::new(self.log.read(after, &self.filter, self.page).await?);
        *last = Some(batch.clone());
        Ok(batch)
    }
}
