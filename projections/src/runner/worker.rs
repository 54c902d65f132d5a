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
    port::{Applied, ApplyError, Generation, OnPoison, Opened, Projection, ViewStore, ViewsError},
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
}

pub(super) struct Worker {
    setting: Setting,
    generation: Box<dyn Generation>,
    control: mpsc::Receiver<Control>,
    /// Since when erased text lies in the files.
    untidy: Option<Instant>,
}

/// Runs a projection until it is stopped, or another projector is found at work.
pub(super) async fn run(setting: Setting, opened: Opened, mut control: mpsc::Receiver<Control>) {
    let mut stop = setting.stop.clone();
    let generation = tokio::select! {
        _ = stop.wait_for(|stop| *stop) => return,
        generation = first_generation(&setting, opened) => generation,
    };
    // requests that came meanwhile were for a view that was not there
    while control.try_recv().is_ok() {}
    let mut worker = Worker { setting, generation, control, untidy: None };
    worker.announce();
    worker.follow().await;
    if let Err(error) = worker.generation.persist().await {
        worker.state().fails(&error);
    }
}

/// The serving generation, or one built now, however long the machine takes to allow it.
async fn first_generation(setting: &Setting, opened: Opened) -> Box<dyn Generation> {
    let mut opened = Ok(opened);
    let mut back_off = BACK_OFF.0;
    loop {
        let outcome = match opened {
            Ok(opened) => serving_or_built(setting, opened).await,
            Err(error) => Err(error),
        };
        match outcome {
            Ok(generation) => return generation,
            Err(error) => setting.shared.of(setting.projection).fails(&error),
        }
        tokio::time::sleep(back_off).await;
        back_off = (back_off * 2).min(BACK_OFF.1);
        opened = setting.views.open(setting.projection).await;
    }
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
    setting.views.promote(setting.projection, built.number()).await?;
    Ok(built)
}

impl Worker {
    fn state(&self) -> &ProjectionState {
        self.setting.shared.of(self.setting.projection)
    }

    fn announce(&self) {
        self.state().serves(self.generation.number(), self.generation.parked());
        self.setting.shared.publish(self.setting.projection, self.generation.position());
    }

    async fn follow(&mut self) {
        let mut head = self.setting.log.store.watch_head();
        let (mut back_off, mut in_a_row) = (BACK_OFF.0, 0_u32);
        loop {
            if *self.setting.stop.borrow() {
                return;
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
                    self.state().fails(&error);
                    if let ViewsError::Apply(ApplyError::Conflict { .. }) = error {
                        return;
                    }
                    if let ViewsError::Apply(ApplyError::Damaged(_)) = error {
                        self.replace_damaged().await;
                    }
                    tokio::time::sleep(back_off).await;
                    back_off = (back_off * 2).min(BACK_OFF.1);
                }
            }
        }
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
        self.setting.shared.publish(self.setting.projection, self.generation.position());
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
            shared.publish(projection, reached);
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

    /// Readers never go back: the new generation first gets as far as the old one is.
    async fn swap(&mut self, mut next: Box<dyn Generation>) -> Result<(), ViewsError> {
        let setting = &self.setting;
        let source = Source { log: &setting.log, projection: setting.projection, pace: setting.pace };
        let until = self.generation.position();
        let filled = source.fill(next.as_mut(), until, OnPoison::Stop, &mut |_| Ok(())).await;
        let promoted = match filled {
            Ok(()) => setting.views.promote(setting.projection, next.number()).await,
            Err(error) => Err(error),
        };
        if let Err(error) = promoted {
            setting.views.discard(setting.projection, next).await?;
            return Err(error);
        }
        self.generation = next;
        self.announce();
        Ok(())
    }

    async fn retry(&mut self) -> Result<u64, ViewsError> {
        let mut events = Vec::new();
        for parked in self.generation.parked() {
            events.extend(self.setting.log.read_one(parked.position).await?.events);
        }
        let applied = self.generation.retry(&events).await?;
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
