//! The views of a running server.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use tidings_event_store::{Connections, Position};
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    comparing::Extent,
    feed::{Log, Tail},
    following::Follower,
    opening::Setting,
    pace::{Pace, Share},
    port::{Opened, Projection, ViewStore, ViewsError},
    rebuilding::{Rebuilding, detached, on_thread},
    serving::Lease,
    standby::lead,
    state::{Shared, forward},
    worker::{self, Control},
};
use crate::{
    model::{ProjectionStatus, Verification},
    queries::Queries,
};

/// How the views are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Of catching up: at most so many events for one transaction.
    pub pace: Pace,
    /// Of what is rebuilt beside what serves, when nobody asked for it now.
    pub rebuild: Pace,
    /// Of following: at most so many events for one transaction.
    pub live_page: usize,
    /// The same of views that are not prompt: many, for the lists of a search are written once for all that come into them.
    pub late_page: usize,
    /// Whether this node may fold. Where none may, the views stand still and are only read.
    pub fold: bool,
}

impl Default for Options {
    fn default() -> Self {
        let (pace, rebuild) = (Pace::default(), Pace::beside_traffic(Share::HALF));
        Self { pace, rebuild, live_page: 2_000, late_page: 10_000, fold: true }
    }
}

/// The views have not reached a position in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the views are at {reached}, not yet at {wanted}")]
pub struct NotYet {
    /// What was waited for.
    pub wanted: Position,
    /// How far all views are.
    pub reached: Position,
}

/// What somebody waits for: while nobody does, the views let more events gather before they take them in.
#[derive(Clone)]
pub struct Demand(Arc<Shared>);

impl Demand {
    /// Somebody waits for everything up to here in all prompt views.
    pub fn want(&self, position: Position) {
        self.0.wanted(Projection::Conversations).send_if_modified(|wanted| forward(wanted, position));
    }

    /// Somebody waits for everything up to here in this view.
    pub fn want_of(&self, projection: Projection, position: Position) {
        self.0.wanted(projection).send_if_modified(|wanted| forward(wanted, position));
    }
}

impl std::fmt::Debug for Demand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Demand").field(&*self.0.wanted(Projection::Conversations).borrow()).finish()
    }
}

/// All projections at work: the prompt ones on one thread of their own, the others on another.
pub struct Views {
    store: Arc<dyn ViewStore>,
    log: Log,
    shared: Arc<Shared>,
    queries: Arc<dyn Queries>,
    rebuilding: Rebuilding,
    stop: watch::Sender<bool>,
    threads: Mutex<Vec<thread::JoinHandle<()>>>,
}

impl Views {
    /// Opens the views and starts following the log. Views that are not there, or that this release shapes otherwise,
    /// are built meanwhile: questions are then answered by [`crate::QueryError::NotReady`].
    pub async fn start(store: Arc<dyn ViewStore>, log: Log, options: Options) -> Result<Self, ViewsError> {
        let (shared, (stop, stopped)) = (Arc::new(Shared::new()), watch::channel(false));
        // each thread reads the end of the log for itself: the others' place in it may be long ago
        let tail_of = |prompt: bool| {
            let read = Projection::ALL.into_iter().filter(|projection| projection.is_prompt() == prompt);
            let page = if prompt { options.live_page } else { options.late_page };
            Arc::new(Tail::new(log.clone(), read, page))
        };
        let (tail, late_tail) = (tail_of(true), tail_of(false));
        let watch = store.watch();
        let shares = watch.is_some();
        let (mut controls, mut workers, mut late) = (Vec::new(), Vec::new(), Vec::new());
        for projection in Projection::ALL {
            let (sender, control) = mpsc::channel(4);
            controls.push((projection, sender));
            let setting = Setting {
                projection,
                views: store.clone(),
                log: log.clone(),
                tail: if projection.is_prompt() { tail.clone() } else { late_tail.clone() },
                shared: shared.clone(),
                pace: options.pace,
                stop: stopped.clone(),
                shares,
                folds: options.fold,
            };
            // a view that others share is opened by the thread that goes on with it
            let leading = if setting.shares { None } else { lead(&setting).await? };
            if let Some((_, Opened::Serving(generation))) = &leading {
                setting.state().serves(generation.number(), generation.parked());
            }
            let of_its_kind = if projection.is_prompt() { &mut workers } else { &mut late };
            of_its_kind.push(worker::run(setting, leading, control));
        }
        let (elsewhere, stop_following) = (store.reads_elsewhere(), stopped.clone());
        let follower = watch.map(|watch| {
            let (log, shared) = (log.clone(), shared.clone());
            Follower { watch, log, shared, elsewhere, stop: stop_following }
        });
        let work = async move {
            let following = async {
                if let Some(follower) = follower {
                    follower.run().await;
                }
            };
            futures::future::join(futures::future::join_all(workers), following).await
        };
        let threads = vec![on_thread("views", work)?, on_thread("late-views", futures::future::join_all(late))?];
        let queries = store.queries();
        let rebuilding = Rebuilding {
            store: store.clone(),
            log: log.clone(),
            shared: shared.clone(),
            controls: controls.into(),
            stop: stopped,
        };
        if options.fold {
            let of_this_release = rebuilding.clone().take_up(options.rebuild, shares);
            on_thread("rebuild", of_this_release)?;
        }
        Ok(Self { store, log, shared, queries, rebuilding, stop, threads: Mutex::new(threads) })
    }

    /// What the views can be asked.
    pub fn queries(&self) -> Arc<dyn Queries> {
        self.queries.clone()
    }

    /// The right to deliver webhooks; none while another node has it.
    pub async fn delivering(&self) -> Result<Option<Box<dyn Lease>>, ViewsError> {
        self.store.delivering().await
    }

    /// The right to delete what rules do not keep; none while another node has it.
    pub async fn expiring(&self) -> Result<Option<Box<dyn Lease>>, ViewsError> {
        self.store.expiring().await
    }

    /// What is connected for questions, for those who watch.
    pub fn connections(&self) -> Vec<Connections> {
        self.store.connections()
    }

    /// Tells how far all prompt views are.
    pub fn applied(&self) -> watch::Receiver<Position> {
        self.shared.combined().subscribe()
    }

    /// Tells how far one view is.
    pub fn applied_by(&self, projection: Projection) -> watch::Receiver<Position> {
        self.shared.of(projection).subscribe()
    }

    /// Tells the views which position somebody waits for.
    pub fn demand(&self) -> Demand {
        Demand(self.shared.clone())
    }

    /// Returns once all prompt views have reached a position.
    pub async fn wait_for(&self, position: Position, timeout: Duration) -> Result<(), NotYet> {
        if *self.shared.combined().borrow() >= position {
            return Ok(());
        }
        self.demand().want(position);
        reached(self.applied(), position, timeout).await
    }

    /// Returns once one view has reached a position.
    pub async fn wait_for_view(
        &self,
        projection: Projection,
        position: Position,
        timeout: Duration,
    ) -> Result<(), NotYet> {
        self.demand().want_of(projection, position);
        reached(self.applied_by(projection), position, timeout).await
    }

    /// How each projection is doing.
    pub async fn status(&self) -> Result<Vec<ProjectionStatus>, ViewsError> {
        let head = self.log.head().await?;
        Ok(self.shared.all().map(|state| state.status(head)).collect())
    }

    /// Builds the next generation of a projection beside the serving one, on a thread of its own, and lets it serve
    /// when it is at the head. Stops at an event that cannot be applied; the serving one then goes on.
    pub async fn rebuild(&self, projection: Projection, pace: Pace) -> Result<Position, ViewsError> {
        let rebuilding = self.rebuilding.clone();
        detached(async move { rebuilding.rebuild(projection, pace, None).await }).await
    }

    /// The same for several, side by side where the pace allows them the whole machine. Tells of each when it serves, or why it
    /// does not.
    pub async fn rebuild_all(
        &self,
        projections: Vec<Projection>,
        pace: Pace,
        done: impl Fn(Projection, Result<Position, ViewsError>) + Clone + Send + Sync + 'static,
    ) -> Result<(), ViewsError> {
        self.rebuilding.clone().rebuild_all(projections, pace, done).await
    }

    /// Compares the serving view of a projection with a fresh fold of the log, on a thread of its own.
    pub async fn verify(&self, projection: Projection, extent: Extent, pace: Pace) -> Result<Verification, ViewsError> {
        let rebuilding = self.rebuilding.clone();
        detached(async move { rebuilding.verify(projection, extent, pace).await }).await
    }

    /// Whether this node folds a projection now.
    pub fn folds(&self, projection: Projection) -> bool {
        self.shared.of(projection).folds()
    }

    /// Tries the parked events of a projection again; answers how many went in.
    pub async fn retry_parked(&self, projection: Projection) -> Result<u64, ViewsError> {
        let (reply, done) = oneshot::channel();
        self.rebuilding.control(projection)?.send(Control::Retry(reply)).await.map_err(|_| ViewsError::Stopped)?;
        done.await.map_err(|_| ViewsError::Stopped)?
    }

    /// Ends all work on the views and waits for that.
    pub async fn stop(&self) {
        self.stop.send_replace(true);
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        if threads.is_empty() {
            return;
        }
        let join = move || threads.into_iter().for_each(|thread| drop(thread.join()));
        tokio::task::spawn_blocking(join).await.ok();
        if let Err(error) = self.store.close().await {
            tracing::warn!(%error, "the views were not closed in full: they may have to be built at the next start");
        }
    }
}

impl Drop for Views {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

async fn reached(mut applied: watch::Receiver<Position>, position: Position, timeout: Duration) -> Result<(), NotYet> {
    let waited = tokio::time::timeout(timeout, applied.wait_for(|reached| *reached >= position)).await;
    let waited = waited.is_ok_and(|waited| waited.is_ok());
    if waited { Ok(()) } else { Err(NotYet { wanted: position, reached: *applied.borrow() }) }
}
