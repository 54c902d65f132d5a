//! What is known of each projection while it runs.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use tidings_event_store::Position;
use tokio::sync::watch;

use super::port::{Projection, ViewsError};
use crate::model::{ParkedEvent, ProjectionStatus, RebuildProgress, Verification, Verified};

/// Of one projection, shared by its worker and those who ask.
pub(super) struct ProjectionState {
    pub(super) projection: Projection,
    applied: watch::Sender<Position>,
    detail: Mutex<Detail>,
    busy: AtomicBool,
    folds: AtomicBool,
}

#[derive(Default)]
struct Detail {
    generation: u32,
    rebuilding: Option<RebuildProgress>,
    parked: Vec<ParkedEvent>,
    error: Option<String>,
    failure: Option<String>,
    verified: Option<Verified>,
    rate: Rate,
}

/// Events a second, over about the last second.
#[derive(Default)]
struct Rate {
    since: Option<Instant>,
    events: u64,
    last: f64,
}

const WINDOW: Duration = Duration::from_secs(1);

impl Rate {
    fn add(&mut self, events: u64) {
        let now = Instant::now();
        let since = *self.since.get_or_insert(now);
        self.events += events;
        if now - since >= WINDOW {
            self.last = per_second(self.events, now - since);
            (self.since, self.events) = (Some(now), 0);
        }
    }

    fn now(&self) -> f64 {
        match self.since {
            Some(since) if since.elapsed() < WINDOW => self.last,
            Some(since) => per_second(self.events, since.elapsed()),
            None => 0.0,
        }
    }
}

/// A rate for people to read.
#[expect(clippy::cast_precision_loss, reason = "52 bits of events are exact enough for a rate")]
pub(super) fn per_second(events: u64, elapsed: Duration) -> f64 {
    events as f64 / elapsed.as_secs_f64().max(1e-6)
}

impl ProjectionState {
    fn new(projection: Projection) -> Self {
        let (applied, _) = watch::channel(Position::START);
        Self {
            projection,
            applied,
            detail: Mutex::default(),
            busy: AtomicBool::new(false),
            folds: AtomicBool::new(false),
        }
    }

    fn detail(&self) -> MutexGuard<'_, Detail> {
        self.detail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn position(&self) -> Position {
        *self.applied.borrow()
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Position> {
        self.applied.subscribe()
    }

    pub(super) fn serves(&self, generation: u32, parked: Vec<ParkedEvent>) {
        let mut detail = self.detail();
        (detail.generation, detail.parked, detail.error) = (generation, parked, None);
    }

    /// Whether this node folds the projection.
    pub(super) fn folds(&self) -> bool {
        self.folds.load(Ordering::Acquire)
    }

    pub(super) fn set_folds(&self, folds: bool) {
        self.folds.store(folds, Ordering::Release);
    }

    pub(super) fn count(&self, events: u64) {
        let mut detail = self.detail();
        detail.rate.add(events);
        detail.error = None;
    }

    pub(super) fn parks(&self, parked: Vec<ParkedEvent>) {
        self.detail().parked = parked;
    }

    pub(super) fn fails(&self, error: &dyn std::error::Error) {
        let error = error.to_string();
        tracing::error!(projection = self.projection.name(), error, "the view does not go on");
        self.detail().error = Some(error);
    }

    /// Something that passes by itself; whoever asks for the status sees it.
    pub(super) fn waits(&self, error: &dyn std::error::Error) {
        self.detail().error = Some(error.to_string());
    }

    pub(super) fn rebuilds(&self, progress: Option<RebuildProgress>) {
        self.detail().rebuilding = progress;
    }

    /// A rebuild or a comparison has ended so; what is well is forgotten.
    pub(super) fn ended<T>(&self, what: &str, outcome: &Result<T, ViewsError>) {
        self.detail().failure = match outcome {
            Ok(_) => None,
            Err(ViewsError::Stopped | ViewsError::Busy(_)) => return,
            Err(error) => {
                tracing::error!(projection = self.projection.name(), %error, "a {what} failed; what serves was left alone");
                Some(format!("the last {what} failed: {error}"))
            }
        };
    }

    /// Keeps what a comparison found, and names in the log what differs.
    pub(super) fn verified(&self, found: &Verification, sampled: bool) {
        for row in &found.differences {
            tracing::error!(
                projection = found.name,
                table = row.table,
                key = row.key,
                columns = row.columns.join(" "),
                in_view = row.in_view,
                in_log = row.in_log,
                "a row of the view is not what the log says"
            );
        }
        self.detail().verified = Some(Verified { at: SystemTime::now(), sampled, found: found.clone() });
    }

    /// Whether a view serves here.
    pub(super) fn is_serving(&self) -> bool {
        self.detail().generation > 0
    }

    /// Lets one rebuild or comparison in at a time.
    pub(super) fn enter(&self) -> Result<Busy<'_>, ViewsError> {
        if self.busy.swap(true, Ordering::AcqRel) {
            return Err(ViewsError::Busy(self.projection.name()));
        }
        Ok(Busy(self))
    }

    pub(super) fn status(&self, head: Position) -> ProjectionStatus {
        let (position, detail) = (self.position(), self.detail());
        let head = head.max(position);
        ProjectionStatus {
            name: self.projection.name(),
            position,
            head,
            lag: head.get() - position.get(),
            rate: detail.rate.now(),
            generation: detail.generation,
            rebuilding: detail.rebuilding,
            parked: detail.parked.clone(),
            error: detail.error.clone(),
            failure: detail.failure.clone(),
            verified: detail.verified.clone(),
        }
    }
}

/// Held while a projection is being rebuilt or verified.
pub(super) struct Busy<'a>(&'a ProjectionState);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.rebuilds(None);
        self.0.busy.store(false, Ordering::Release);
    }
}

/// Of all projections.
pub(super) struct Shared {
    all: [ProjectionState; Projection::ALL.len()],
    combined: watch::Sender<Position>,
    wanted: watch::Sender<Position>,
    wanted_of_others: watch::Sender<Position>,
}

impl Shared {
    pub(super) fn new() -> Self {
        let (combined, _) = watch::channel(Position::START);
        let (wanted, _) = watch::channel(Position::START);
        let (wanted_of_others, _) = watch::channel(Position::START);
        Self { all: Projection::ALL.map(ProjectionState::new), combined, wanted, wanted_of_others }
    }

    pub(super) fn of(&self, projection: Projection) -> &ProjectionState {
        match projection {
            Projection::Directory => &self.all[0],
            Projection::Conversations => &self.all[1],
            Projection::Search => &self.all[2],
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &ProjectionState> {
        self.all.iter()
    }

    /// The furthest position that anybody waits for in a projection: in all prompt ones, or in any other.
    pub(super) fn wanted(&self, projection: Projection) -> &watch::Sender<Position> {
        if projection.is_prompt() { &self.wanted } else { &self.wanted_of_others }
    }

    /// How far all prompt projections are.
    pub(super) fn combined(&self) -> &watch::Sender<Position> {
        &self.combined
    }

    /// A view has got further; tells whoever waits for that, and for all prompt ones.
    pub(super) fn publish(&self, projection: Projection, position: Position) {
        self.of(projection).applied.send_if_modified(|known| forward(known, position));
        let prompt = self.all().filter(|state| state.projection.is_prompt());
        let least = prompt.map(ProjectionState::position).min().unwrap_or_default();
        self.combined.send_if_modified(|known| forward(known, least));
    }
}

/// Moves a position forward only; whether it moved.
pub(super) fn forward(known: &mut Position, now: Position) -> bool {
    let moved = now > *known;
    *known = now.max(*known);
    moved
}
