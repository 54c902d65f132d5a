//! Follows views that other nodes fold as well: what is visible, how far it is, what is parked.

use std::{sync::Arc, time::Duration};

use tidings_event_store::Position;
use tokio::sync::watch;

use super::{
    feed::Log,
    port::Projection,
    serving::{Visible, Watch},
    state::{ProjectionState, Shared},
};

/// How long news may be overlooked while somebody waits for the views, or the log is known to be ahead of them.
const BEHIND: Duration = Duration::from_millis(50);
/// And otherwise.
const LEVEL: Duration = Duration::from_secs(1);

/// What a follower works with.
pub(super) struct Follower {
    pub(super) watch: Box<dyn Watch>,
    pub(super) log: Log,
    pub(super) shared: Arc<Shared>,
    /// Whether readers see what was folded only some time after it was.
    pub(super) elsewhere: bool,
    pub(super) stop: watch::Receiver<bool>,
}

impl Follower {
    /// Publishes what readers see until it is stopped.
    pub(super) async fn run(mut self) {
        let mut head = self.log.store.watch_head();
        let mut wanted = self.shared.wanted(Projection::Conversations).subscribe();
        let mut wanted_of_others = self.shared.wanted(Projection::Search).subscribe();
        let mut stop = self.stop.clone();
        loop {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = self.look() => {}
            }
            // one after the other: a look holds off whoever moves what is looked at
            let seen_head = *head.borrow_and_update();
            let known = seen_head.max(*wanted.borrow_and_update());
            // a projector of this node tells by itself
            let told = !self.elsewhere && self.shared.all().all(ProjectionState::folds);
            let wanted_of_search = *wanted_of_others.borrow_and_update();
            let others_behind = self.shared.of(Projection::Search).position() < wanted_of_search;
            let combined = *self.shared.combined().borrow();
            let behind = !told && (others_behind || combined < known);
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = self.watch.moved(if behind { BEHIND } else { LEVEL }), if !told => {}
                () = tokio::time::sleep(LEVEL), if told => {}
                () = changed(&mut head), if !told && !behind => {}
                _ = wanted.changed(), if !told && !behind => {}
                _ = wanted_of_others.changed(), if !told && !behind => {}
            }
        }
    }

    /// Looks once. A server that is away is looked for again.
    pub(super) async fn look(&mut self) {
        match self.watch.look().await {
            Ok(visible) => visible.into_iter().for_each(|visible| self.publish(visible)),
            Err(error) => {
                tracing::debug!(%error, "the views are not followed");
                self.shared.all().filter(|state| !state.folds()).for_each(|state| state.waits(&error));
            }
        }
    }

    fn publish(&self, visible: Visible) {
        let state = self.shared.of(visible.projection);
        if !state.folds() {
            state.serves(visible.generation, visible.parked);
        }
        if self.elsewhere || !state.folds() {
            self.shared.publish(visible.projection, visible.position);
        }
    }
}

async fn changed(head: &mut watch::Receiver<Position>) {
    if head.changed().await.is_err() {
        // the store is gone; so is this server, soon
        std::future::pending::<()>().await;
    }
}
