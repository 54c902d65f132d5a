//! How a worker comes by a generation to fold: opened, or built.

use std::{sync::Arc, time::Duration};

use tidings_event_store::Position;
use tokio::sync::watch;

use super::{
    build::Source,
    feed::{Log, Tail},
    pace::Pace,
    port::{Applied, Generation, Opened, Projection, ViewStore, ViewsError},
    sample::Of,
    serving::Lease,
    state::{ProjectionState, Shared},
};

/// How soon a failed step is tried again, at first and at last.
pub(super) const BACK_OFF: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));
/// What a worker works with.
pub(super) struct Setting {
    pub(super) projection: Projection,
    pub(super) views: Arc<dyn ViewStore>,
    pub(super) log: Log,
    pub(super) tail: Arc<Tail>,
    pub(super) shared: Arc<Shared>,
    pub(super) pace: Pace,
    pub(super) stop: watch::Receiver<bool>,
    /// Whether other nodes may fold this projection.
    pub(super) shares: bool,
    /// Whether this node may.
    pub(super) folds: bool,
}

impl Setting {
    pub(super) fn state(&self) -> &ProjectionState {
        self.shared.of(self.projection)
    }

    pub(super) fn source(&self) -> Source<'_> {
        Source { log: &self.log, projection: self.projection, pace: self.pace, of: Of::All }
    }

    /// Tells how far readers of this node can see.
    pub(super) fn publish(&self, position: Position) {
        if !self.views.reads_elsewhere() {
            self.shared.publish(self.projection, position);
        }
    }
}

/// The serving generation, or one built now, however long the machine takes to allow it. None when the lease is lost.
pub(super) async fn first_generation(
    setting: &Setting,
    lease: &dyn Lease,
    opened: Opened,
) -> Option<Box<dyn Generation>> {
    let mut opened = Ok(opened);
    let mut back_off = BACK_OFF.0;
    while lease.held() {
        let outcome = match opened {
            Ok(opened) => serving_or_built(setting, opened).await,
            Err(error) => Err(error),
        };
        match outcome {
            Ok(generation) => return Some(generation),
            Err(error) => setting.state().fails(&error),
        }
        tokio::time::sleep(back_off).await;
        back_off = (back_off * 2).min(BACK_OFF.1);
        opened = setting.views.open(setting.projection).await;
    }
    None
}

async fn serving_or_built(setting: &Setting, opened: Opened) -> Result<Box<dyn Generation>, ViewsError> {
    let head = setting.log.head().await?;
    let why = match opened {
        Opened::Serving(generation) if generation.position() <= head => return Ok(generation),
        Opened::Serving(_) => "it is ahead of the log, which was replaced",
        Opened::Build(why) => why,
    };
    build(setting, why).await
}

pub(super) async fn build(setting: &Setting, why: &str) -> Result<Box<dyn Generation>, ViewsError> {
    let state = setting.shared.of(setting.projection);
    tracing::info!(projection = setting.projection.name(), why, "building the view from the log");
    let source = setting.source();
    let mut observe = |progress| {
        state.rebuilds(Some(progress));
        if *setting.stop.borrow() { Err(ViewsError::Stopped) } else { Ok(()) }
    };
    let built = source.build_parking(setting.views.as_ref(), &mut observe).await;
    state.rebuilds(None);
    let built = built?;
    setting.views.promote(setting.projection, built.number(), true).await?;
    adopt(setting, built).await
}

/// A generation that has just begun to serve, for folding on: where others follow it, it is opened anew as one that serves.
pub(super) async fn adopt(
    setting: &Setting,
    mut generation: Box<dyn Generation>,
) -> Result<Box<dyn Generation>, ViewsError> {
    if !setting.shares {
        generation.settle_in().await?;
        return Ok(generation);
    }
    drop(generation);
    match setting.views.open(setting.projection).await? {
        Opened::Serving(generation) => Ok(generation),
        Opened::Build(why) => Err(ViewsError::Unavailable(why.to_owned())),
    }
}

/// Tries parked events again.
pub(super) async fn retry_parked(setting: &Setting, generation: &mut dyn Generation) -> Result<Applied, ViewsError> {
    let mut events = Vec::new();
    for parked in generation.parked() {
        events.extend(setting.log.read_one(parked.position).await?.events);
    }
    Ok(generation.retry(&events).await?)
}
