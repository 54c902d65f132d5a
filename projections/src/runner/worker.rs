//! One projection at work: follows the log, and takes a rebuilt generation over.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tidings_event_store::Position;
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    build::{Pace, Source},
    feed::{Log, Tail},
    port::{Applied, ApplyError, Generation, Lease, OnPoison, Opened, Projection, ViewStore, ViewsError},
    standby::stand_by,
    state::{ProjectionState, Shared},
};
use crate::model::RebuildProgress;

/// What a worker is asked to do between two batches.
pub(super) enum Control {
    /// Serve from this generation from now on.
    Swap(Box<dyn Generation>, oneshot::Sender<Result<(), ViewsError>>),
    /// Try what is parked again; answers how many events went in.
    Retry(oneshot::Sender<Result<u64, ViewsError>>),
}

/// How soon a failed step is tried again, at first and at last.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));
/// How soon erased text is to leave the files while the worker is busy, or a reader is in the way.
const TIDY_AFTER: Duration = Duration::from_millis(200);

/// After so many batches in a row the log is busy…
const BUSY_AFTER: u32 = 3;
/// …and the worker lets time go by before the next: a transaction for every few events would take the machine from those who
/// write them, and many events touch few pages more than a few do. At least so much…
const GATHER: Duration = Duration::from_millis(1);
/// …and as long as nobody waits for what has come, so much.
const GATHER_UNSEEN: Duration = Duration::from_millis(25);

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

pub(super) struct Worker {
    setting: Setting,
    lease: Box<dyn Lease>,
    generation: Box<dyn Generation>,
    control: mpsc::Receiver<Control>,
    /// Since when erased text lies in the files.
    untidy: Option<Instant>,
}

/// Why a worker does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// It was told to, or may not.
    Over,
    /// Another node folds now, or the database is away: it stands by.
    Lost,
}

impl Setting {
    pub(super) fn state(&self) -> &ProjectionState {
        self.shared.of(self.projection)
    }

    /// Tells how far readers of this node can see.
    fn publish(&self, position: Position) {
        if !self.views.reads_elsewhere() {
            self.shared.publish(self.projection, position);
        }
    }
}

/// Runs a projection until it is stopped. Where other nodes may fold it, it stands by while they do; where none should,
/// another projector at work ends it. `leading` where it begins with the lease.
pub(super) async fn run(
    setting: Setting,
    mut leading: Option<(Box<dyn Lease>, Opened)>,
    mut control: mpsc::Receiver<Control>,
) {
    let mut setting = setting;
    loop {
        let next = match leading.take() {
            Some(leading) => Some(leading),
            None => stand_by(&setting, &mut control).await,
        };
        let Some((lease, opened)) = next else { return };
        setting.state().set_folds(true);
        let mut stop = setting.stop.clone();
        let generation = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            generation = first_generation(&setting, lease.as_ref(), opened) => generation,
        };
        if let Some(generation) = generation {
            // requests that came meanwhile were for a view that was not there
            while control.try_recv().is_ok() {}
            let mut worker = Worker { setting, lease, generation, control, untidy: None };
            worker.announce();
            if worker.follow().await == End::Over {
                if let Err(error) = worker.generation.persist().await {
                    worker.state().fails(&error);
                }
                return;
            }
            Worker { setting, control, .. } = worker;
        }
        setting.state().set_folds(false);
    }
}

/// The serving generation, or one built now, however long the machine takes to allow it. None when the lease is lost.
async fn first_generation(setting: &Setting, lease: &dyn Lease, opened: Opened) -> Option<Box<dyn Generation>> {
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

async fn build(setting: &Setting, why: &str) -> Result<Box<dyn Generation>, ViewsError> {
    let state = setting.shared.of(setting.projection);
    tracing::info!(projection = setting.projection.name(), why, "building the view from the log");
    let source = Source { log: &setting.log, projection: setting.projection, pace: setting.pace };
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
async fn adopt(setting: &Setting, generation: Box<dyn Generation>) -> Result<Box<dyn Generation>, ViewsError> {
    if !setting.shares {
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

impl Worker {
    fn state(&self) -> &ProjectionState {
        self.setting.shared.of(self.setting.projection)
    }

    fn announce(&self) {
        self.state().serves(self.generation.number(), self.generation.parked());
        self.setting.publish(self.generation.position());
    }

    async fn follow(&mut self) -> End {
        let mut head = self.setting.log.store.watch_head();
        let (mut back_off, mut in_a_row) = (BACK_OFF.0, 0_u32);
        loop {
            if *self.setting.stop.borrow() {
                return End::Over;
            }
            if !self.lease.held() {
                return End::Lost;
            }
            while let Ok(request) = self.control.try_recv() {
                self.carry_out(request).await;
            }
            let known = *head.borrow_and_update();
            let step = self.step(known).await;
            match step {
                Ok(true) => {
                    back_off = BACK_OFF.0;
                    in_a_row = in_a_row.saturating_add(1);
                    if in_a_row > BUSY_AFTER {
                        gather(&mut self.setting, self.generation.position()).await;
                    }
                }
                Ok(false) => {
                    (back_off, in_a_row) = (BACK_OFF.0, 0);
                    self.idle(&mut head).await;
                }
                Err(error) => {
                    if let Some(end) = self.after(&error).await {
                        return end;
                    }
                    tokio::time::sleep(back_off).await;
                    back_off = (back_off * 2).min(BACK_OFF.1);
                }
            }
        }
    }

    /// What follows from an error: whether this ends the work, or it is tried again.
    async fn after(&mut self, error: &ViewsError) -> Option<End> {
        let conflict = matches!(error, ViewsError::Apply(ApplyError::Conflict { .. }));
        if self.setting.shares && conflict {
            tracing::info!(
                projection = self.setting.projection.name(),
                "another node has changed this view: standing by"
            );
            return Some(End::Lost);
        }
        self.state().fails(error);
        if conflict {
            return Some(End::Over);
        }
        let away = matches!(error, ViewsError::Unavailable(_) | ViewsError::Apply(ApplyError::Unavailable(_)));
        if self.setting.shares && away {
            // what was being stored is stored or not: who folds next looks
            return Some(End::Lost);
        }
        if let ViewsError::Apply(ApplyError::Damaged(_)) = error {
            self.replace_damaged().await;
        }
        None
    }

    /// Applies what is there. `false` when there is nothing.
    async fn step(&mut self, head: Position) -> Result<bool, ViewsError> {
        if self.untidy.is_some_and(|since| since.elapsed() > TIDY_AFTER) {
            self.tidy().await?;
        }
        let position = self.generation.position();
        if head <= position {
            return Ok(false);
        }
        if head.get() - position.get() > self.setting.pace.page as u64 {
            self.catch_up(head).await?;
            return Ok(true);
        }
        let batch = self.setting.tail.next(position).await?;
        let applied = self.generation.apply(&batch, OnPoison::Park).await?;
        // whoever hears of the position finds the status as of then
        self.note(applied);
        self.setting.publish(self.generation.position());
        Ok(self.generation.position() > position)
    }

    fn note(&mut self, applied: Applied) {
        self.state().count(applied.events);
        if applied.parked > 0 {
            self.state().parks(self.generation.parked());
        }
        if applied.erased {
            self.untidy.get_or_insert_with(Instant::now);
        }
    }

    /// A long way behind: with reading and decoding ahead.
    async fn catch_up(&mut self, head: Position) -> Result<(), ViewsError> {
        let Self { setting, generation, .. } = self;
        let source = Source { log: &setting.log, projection: setting.projection, pace: setting.pace };
        let (shared, projection, stop) = (&setting.shared, setting.projection, &setting.stop);
        let mut reached = generation.position();
        let mut observe = |progress: RebuildProgress| {
            shared.of(projection).count(progress.position.get() - reached.get());
            reached = progress.position;
            setting.publish(reached);
            if *stop.borrow() { Err(ViewsError::Stopped) } else { Ok(()) }
        };
        let filled = source.fill(generation.as_mut(), head, OnPoison::Park, &mut observe).await;
        self.untidy.get_or_insert_with(Instant::now);
        self.state().parks(self.generation.parked());
        match filled {
            Err(ViewsError::Stopped) => Ok(()),
            filled => filled,
        }
    }

    async fn tidy(&mut self) -> Result<(), ViewsError> {
        self.untidy = if self.generation.tidy().await? { None } else { Some(Instant::now()) };
        Ok(())
    }

    /// Waits for the head to move, or to be asked for something.
    async fn idle(&mut self, head: &mut watch::Receiver<Position>) {
        let untidy = self.untidy.is_some();
        let moved = async {
            if head.changed().await.is_err() {
                // the store is gone; so is this server, soon
                std::future::pending::<()>().await;
            }
        };
        let request = tokio::select! {
            biased;
            () = moved => None,
            request = self.control.recv() => request,
            _ = self.setting.stop.wait_for(|stop| *stop) => None,
            () = self.lease.lost() => None,
            () = tokio::time::sleep(TIDY_AFTER), if untidy => None,
        };
        if let Some(request) = request {
            self.carry_out(request).await;
        }
    }

    async fn carry_out(&mut self, request: Control) {
        match request {
            Control::Swap(generation, reply) => {
                let outcome = self.swap(generation).await;
                reply.send(outcome).ok();
            }
            Control::Retry(reply) => {
                let outcome = self.retry().await;
                self.state().parks(self.generation.parked());
                reply.send(outcome).ok();
            }
        }
    }

    async fn swap(&mut self, next: Box<dyn Generation>) -> Result<(), ViewsError> {
        let setting = &self.setting;
        let source = Source { log: &setting.log, projection: setting.projection, pace: setting.pace };
        let next = source.swap_in(setting.views.as_ref(), next, self.generation.position()).await?;
        self.generation = adopt(setting, next).await?;
        self.announce();
        Ok(())
    }

    async fn retry(&mut self) -> Result<u64, ViewsError> {
        let applied = retry_parked(&self.setting, self.generation.as_mut()).await?;
        self.note(applied);
        Ok(applied.events)
    }

    /// Views are disposable: a damaged one is built anew.
    async fn replace_damaged(&mut self) {
        match build(&self.setting, "its file is damaged").await {
            Ok(generation) => {
                self.generation = generation;
                self.announce();
            }
            Err(error) => self.state().fails(&error),
        }
    }
}

/// Lets events come in, for as long as nobody wants to see them.
async fn gather(setting: &mut Setting, position: Position) {
    tokio::time::sleep(GATHER).await;
    let mut wanted = setting.shared.wanted().subscribe();
    tokio::select! {
        _ = wanted.wait_for(|wanted| *wanted > position) => {}
        _ = setting.stop.wait_for(|stop| *stop) => {}
        () = tokio::time::sleep(GATHER_UNSEEN) => {}
    }
}
