//! The log, read and decoded.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tidings_event_store::{Codec, CodecError, EventStore, Filter, KeyError, Position, RecordedEvent};
use tokio::sync::{Mutex, mpsc};

use super::{
    pace::Throttle,
    port::{Batch, Poison, Projection, ViewsError},
    rebuilding::on_thread,
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
pub(super) struct Ahead(mpsc::Receiver<Read>);

/// A stretch of the log, and how long it took to read and decode it.
type Read = Result<(Arc<Batch>, Duration), ViewsError>;

impl Ahead {
    pub(super) fn start(
        log: Log,
        (projection, of): (Projection, Of),
        (after, until): (Position, Position),
        throttle: Throttle,
    ) -> Result<Self, ViewsError> {
        // what is read ahead of a rest is read in the rest
        let (sender, receiver) = mpsc::channel(if throttle.rests() { 1 } else { 2 });
        let filter = Filter::Categories(projection.categories().to_vec());
        let read = async move {
            throttle.give_way();
            let mut after = after;
            while after < until {
                let began = Instant::now();
                let batch = log.read_of(after, (&filter, &of), projection, throttle.page()).await;
                let Some(batch) = up_to(batch, &mut after, until) else { break };
                let failed = batch.is_err();
                if sender.send(batch.map(|batch| (batch, began.elapsed()))).await.is_err() || failed {
                    break;
                }
            }
        };
        decoding(projection.name(), read)?;
        Ok(Self(receiver))
    }

    /// Reads and decodes once for several projections, from the beginning: as fast as the slowest of them goes.
    pub(super) fn together(
        log: Log,
        projections: &[Projection],
        until: Position,
        page: usize,
    ) -> Result<Vec<Self>, ViewsError> {
        let (mut senders, receivers): (Vec<_>, Vec<_>) = projections.iter().map(|_| mpsc::channel(2)).unzip();
        let filter = filter(projections.iter().copied());
        let read = async move {
            let mut after = Position::START;
            while after < until && !senders.is_empty() {
                let began = Instant::now();
                let batch = log.read(after, &filter, page).await;
                let Some(batch) = up_to(batch, &mut after, until) else { break };
                let read: Read = batch.map(|batch| (batch, began.elapsed()));
                let mut open = Vec::with_capacity(senders.len());
                for sender in senders {
                    // one that has failed needs no more; the others go on
                    if sender.send(read.clone()).await.is_ok() && read.is_ok() {
                        open.push(sender);
                    }
                }
                senders = open;
            }
        };
        decoding("all", read)?;
        Ok(receivers.into_iter().map(Self).collect())
    }

    /// The next stretch; none at the end.
    pub(super) async fn next(&mut self) -> Option<Read> {
        self.0.recv().await
    }
}

/// What of a batch stands at or before `until`, for several hands; moves `after` behind it. None where nothing more comes.
fn up_to(
    batch: Result<Batch, ViewsError>,
    after: &mut Position,
    until: Position,
) -> Option<Result<Arc<Batch>, ViewsError>> {
    let moved = batch.map(|mut batch| {
        batch.cut(until);
        let moved = batch.to > *after;
        *after = batch.to;
        moved.then(|| Arc::new(batch))
    });
    moved.transpose()
}

/// Runs the reading on a thread of its own.
fn decoding(of: &str, read: impl Future<Output = ()> + Send + 'static) -> Result<(), ViewsError> {
    on_thread(&format!("decode-{of}"), read).map(drop)
}

/// What any of these projections are folded from.
fn filter(projections: impl Iterator<Item = Projection>) -> Filter {
    let mut categories: Vec<_> = projections.flat_map(Projection::categories).copied().collect();
    categories.sort_unstable();
    categories.dedup();
    Filter::Categories(categories)
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
        let filter = filter(read);
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
