//! How far readers of this node were shown each view: what a server that comes back must have before it is asked again.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sqlx::PgConnection;
use tidings_event_store::Position;

use super::generations::{Glimpse, glimpses};
use crate::runner::Projection;

/// How often a server that is behind is looked at again.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The furthest position of each view that readers may have seen, and in which generation.
#[derive(Default)]
pub(super) struct Shown(Mutex<HashMap<Projection, (u32, Position)>>);

impl Shown {
    fn lock(&self) -> MutexGuard<'_, HashMap<Projection, (u32, Position)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Readers may see a view up to here.
    pub(super) fn show(&self, projection: Projection, generation: u32, position: Position) {
        let mut shown = self.lock();
        let (of, furthest) = shown.entry(projection).or_insert((generation, position));
        *furthest = if *of == generation { position.max(*furthest) } else { position };
        *of = generation;
    }

    /// Whether a view is as far as it was shown. Another generation was let serve because it is, or by force.
    fn has_been_reached(&self, view: &Glimpse) -> bool {
        let shown = self.lock();
        let shown = shown.get(&view.projection).filter(|(generation, _)| *generation == view.generation);
        shown.is_none_or(|(_, position)| view.position >= *position)
    }

    /// Returns when the views of this server are as far as they were shown. A view commits without waiting for the disk, so a
    /// server that was killed, or another that takes its place, may be a moment behind until that is folded again. Its
    /// connections are new ones then: no other need be looked at.
    pub(super) async fn wait_for(&self, db: &mut PgConnection) -> sqlx::Result<()> {
        // where there is no view, a question finds that out by itself
        while !glimpses(db).await?.iter().all(|view| self.has_been_reached(view)) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }
}
