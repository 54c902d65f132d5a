//! One projection at work: follows the log, and takes a rebuilt generation over.

use std::time::{Duration, Instant};

use tidings_event_store::Position;
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    gathering::{gather, rest},
    opening::{BACK_OFF, Setting, adopt, build, first_generation, retry_parked},
    port::{Applied, ApplyError, Generation, OnPoison, Opened, ViewsError},
    serving::Lease,
    standby::stand_by,
    state::ProjectionState,
};
use crate::model::RebuildProgress;

/// What a worker is asked to do between two batches.
pub(super) enum Control {
    /// Serve from this generation from now on.
    Swap(Box<dyn Generation>, oneshot::Sender<Result<(), ViewsError>>),
    /// Try what is parked again; answers how many events went in.
    Retry(oneshot::Sender<Result<u64, ViewsError>>),
}

/// How soon erased text is to leave the files while the worker is busy, or a reader is in the way.
const TIDY_AFTER: Duration = Duration::from_millis(200);

/// After so many batches in a row the log is busy.
const BUSY_AFTER: u32 = 3;

pub(super) struct Worker {
    setting: Setting,
    lease: Box<dyn Lease>,
    generation: Box<dyn Generation>,
    control: mpsc::Receiver<Control>,
    /// Since when erased text lies in the files.
    untidy: Option<Instant>,
    /// Whether it was at the head since it began: what is not prompt does not hurry after that.
    caught_up: bool,
}

/// Why a worker does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// It was told to, or may not.
    Over,
    /// Another node folds now, or the database is away: it stands by.
    Lost,
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
            let mut worker = Worker { setting, lease, generation, control, untidy: None, caught_up: false };
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
            let began = Instant::now();
            let step = self.step(known).await;
            match step {
                Ok(true) => {
                    back_off = BACK_OFF.0;
                    in_a_row = in_a_row.saturating_add(1);
                    if !self.setting.projection.is_prompt() {
                        rest(&mut self.setting, self.generation.position(), began.elapsed()).await;
                    } else if in_a_row > BUSY_AFTER {
                        gather(&mut self.setting, self.generation.position()).await;
                    }
                }
                Ok(false) => {
                    (back_off, in_a_row, self.caught_up) = (BACK_OFF.0, 0, true);
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
        let hurries = self.setting.projection.is_prompt() || !self.caught_up;
        if hurries && head.get() - position.get() > self.setting.pace.page as u64 {
            self.catch_up(head).await?;
            return Ok(true);
        }
        let batch = self.setting.tail.next(position).await?;
        let applied = self.generation.apply(&batch, OnPoison::Park).await?;
        self.show().await?;
        // whoever hears of the position finds the status as of then
        self.note(applied);
        self.setting.publish(self.generation.position());
        Ok(self.generation.position() > position)
    }

    /// Other nodes see of a position only what is stored, also where there was nothing to fold.
    async fn show(&mut self) -> Result<(), ApplyError> {
        if self.setting.shares { self.generation.persist().await } else { Ok(()) }
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
        let source = setting.source();
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
        self.show().await?;
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
        let source = setting.source();
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
