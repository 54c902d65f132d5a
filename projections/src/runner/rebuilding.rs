//! Long work on the views of a running server, away from the threads that serve: rebuilds and comparisons.
//!
//! That a view is to be rebuilt is noted where the views are. What a crash or a stop interrupts is taken up by whoever folds the
//! view next, from the beginning; and so is what a new release folds otherwise, while what there is serves on.

use std::{
    collections::HashMap,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use tidings_event_store::Position;
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    build::{Reading, Source},
    comparing::Extent,
    feed::{Ahead, Log},
    pace::{Pace, Throttle},
    port::{Projection, ViewStore, ViewsError},
    sample::Of,
    serving::Wanted,
    state::Shared,
    worker::Control,
};
use crate::model::{RebuildProgress, Verification};

/// How often it is looked whether a rebuild is to be taken up.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long one that failed waits, where nobody asked for it.
const AGAIN_AFTER: Duration = Duration::from_mins(10);

/// What rebuilds and comparisons need.
#[derive(Clone)]
pub(super) struct Rebuilding {
    pub(super) store: Arc<dyn ViewStore>,
    pub(super) log: Log,
    pub(super) shared: Arc<Shared>,
    pub(super) controls: Arc<[(Projection, mpsc::Sender<Control>)]>,
    pub(super) stop: watch::Receiver<bool>,
}

impl Rebuilding {
    pub(super) fn control(&self, projection: Projection) -> Result<mpsc::Sender<Control>, ViewsError> {
        let known = self.controls.iter().find(|(of, _)| *of == projection);
        known.map(|(_, sender)| sender.clone()).ok_or(ViewsError::Stopped)
    }

    /// Builds the next generation of several projections; side by side where they may take the whole machine, and then the log is
    /// read once for all of them. What a projection gives is told as soon as it is there.
    pub(super) async fn rebuild_all(
        self,
        projections: Vec<Projection>,
        pace: Pace,
        done: impl Fn(Projection, Result<Position, ViewsError>) + Clone + Send + Sync + 'static,
    ) -> Result<(), ViewsError> {
        if pace.share.is_some() || projections.len() < 2 {
            return detached(async move {
                for projection in projections {
                    done(projection, self.rebuild(projection, pace, None).await);
                }
                Ok(())
            })
            .await;
        }
        let until = self.log.head().await?;
        let readings = Ahead::together(self.log.clone(), &projections, until, pace.page)?;
        let each = projections.into_iter().zip(readings).map(|(projection, ahead)| {
            let (rebuilding, done) = (self.clone(), done.clone());
            detached(async move {
                done(projection, rebuilding.rebuild(projection, pace, Some((ahead, until))).await);
                Ok(())
            })
        });
        futures::future::try_join_all(each).await.map(drop)
    }

    /// Builds the next generation beside the serving one, and lets it serve.
    pub(super) async fn rebuild(
        &self,
        projection: Projection,
        pace: Pace,
        reading: Option<Reading>,
    ) -> Result<Position, ViewsError> {
        let state = self.shared.of(projection);
        let _busy = state.enter()?;
        if !state.is_serving() {
            return Err(ViewsError::Busy(projection.name()));
        }
        let right = self.store.rebuilding(projection).await?.ok_or(ViewsError::Busy(projection.name()))?;
        let outcome = self.rebuild_now(projection, pace, reading).await;
        state.ended("rebuild", &outcome);
        if outcome.as_ref().is_err_and(|error| *error != ViewsError::Stopped)
            && let Err(error) = self.store.want(projection, false).await
        {
            tracing::warn!(%error, projection = projection.name(), "a rebuild that failed will be taken up again");
        }
        // whoever is told that it is done may ask for the next
        right.give_back().await;
        outcome
    }

    async fn rebuild_now(
        &self,
        projection: Projection,
        pace: Pace,
        reading: Option<Reading>,
    ) -> Result<Position, ViewsError> {
        let control = self.control(projection)?;
        self.store.room(projection).await?;
        self.store.want(projection, true).await?;
        Throttle::new(pace).give_way();
        let state = self.shared.of(projection);
        tracing::info!(projection = projection.name(), "rebuilding the view beside the one that serves");
        let source = Source { log: &self.log, projection, pace, of: Of::All };
        let mut observe = |progress| self.observe(projection, progress);
        let built = source.build(self.store.as_ref(), reading, &mut observe).await?;
        let (reply, swapped) = oneshot::channel();
        control.send(Control::Swap(built, reply)).await.map_err(|_| ViewsError::Stopped)?;
        swapped.await.map_err(|_| ViewsError::Stopped)??;
        tracing::info!(projection = projection.name(), "the rebuilt view serves");
        Ok(state.position())
    }

    fn observe(&self, projection: Projection, progress: RebuildProgress) -> Result<(), ViewsError> {
        self.shared.of(projection).rebuilds(Some(progress));
        if *self.stop.borrow() { Err(ViewsError::Stopped) } else { Ok(()) }
    }

    /// Compares the serving view with a fresh fold of the log.
    pub(super) async fn verify(
        &self,
        projection: Projection,
        extent: Extent,
        pace: Pace,
    ) -> Result<Verification, ViewsError> {
        let state = self.shared.of(projection);
        let _busy = state.enter()?;
        Throttle::new(pace).give_way();
        let source = Source { log: &self.log, projection, pace, of: Of::All };
        let outcome = async {
            self.store.room(projection).await?;
            let mut observe = |progress| self.observe(projection, progress);
            source.verify(self.store.as_ref(), extent, &mut observe).await
        };
        let outcome = outcome.await;
        state.ended("comparison with the log", &outcome);
        if let Ok(found) = &outcome {
            state.verified(found, extent.sample.is_some());
        }
        outcome
    }

    /// Rebuilds what is to be rebuilt and nobody does, as long as the views run. Where no other node folds, nothing new comes.
    pub(super) async fn take_up(self, pace: Pace, shares: bool) {
        let mut failed: HashMap<Projection, Instant> = HashMap::new();
        let mut stop = self.stop.clone();
        loop {
            let wanted = self.store.wanted().await.unwrap_or_else(|error| {
                tracing::debug!(%error, "whether a view is to be rebuilt is not known now");
                Vec::new()
            });
            for Wanted { projection, noted } in &wanted {
                let state = self.shared.of(*projection);
                let waits = !noted && failed.get(projection).is_some_and(|since| since.elapsed() < AGAIN_AFTER);
                if waits || !state.is_serving() || shares && !state.folds() {
                    continue;
                }
                match self.rebuild(*projection, pace, None).await {
                    Ok(_) | Err(ViewsError::Stopped | ViewsError::Busy(_)) => {}
                    Err(
                        ViewsError::Foreign(_) | ViewsError::Unavailable(_) | ViewsError::Apply(_) | ViewsError::Log(_),
                    ) => {
                        failed.insert(*projection, Instant::now());
                    }
                }
            }
            if wanted.is_empty() && !shares {
                return;
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }
}

/// Runs long work away from the threads that serve.
pub(super) async fn detached<T: Send + 'static>(
    work: impl Future<Output = Result<T, ViewsError>> + Send + 'static,
) -> Result<T, ViewsError> {
    let (sender, receiver) = oneshot::channel();
    let run = async move {
        sender.send(work.await).ok();
    };
    on_thread("rebuild", run)?;
    receiver.await.map_err(|_| ViewsError::Stopped)?
}

/// A thread with a runtime of its own: what blocks there blocks nobody else.
pub(super) fn on_thread<F: Future<Output: Send> + Send + 'static>(
    name: &str,
    work: F,
) -> Result<thread::JoinHandle<()>, ViewsError> {
    let failed = |error: std::io::Error| ViewsError::Unavailable(error.to_string());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let thread = thread::Builder::new().name(name.to_owned());
    thread.spawn(move || drop(runtime.block_on(work))).map_err(failed)
}
