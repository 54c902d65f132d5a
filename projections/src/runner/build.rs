//! Filling a generation from the log: at the start, for a rebuild, for a comparison.

use std::time::{Duration, Instant};

use tidings_event_store::Position;

use super::{
    feed::{Ahead, Log},
    port::{ApplyError, Generation, OnPoison, Projection, Promotion, ViewStore, ViewsError},
    state::per_second,
};
use crate::model::{RebuildProgress, Verification};

/// How fast a rebuild may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How many events are looked at for one transaction.
    pub page: usize,
    /// The most positions gone through a second, so that a rebuild leaves room for serving. None: as fast as it goes.
    pub per_second: Option<u64>,
}

impl Default for Pace {
    fn default() -> Self {
        Self { page: 10_000, per_second: None }
    }
}

/// Hears how far a filling is; stops it with an error.
pub(super) type Observe<'a> = &'a mut (dyn FnMut(RebuildProgress) -> Result<(), ViewsError> + Send);

/// What is to be filled, and from what.
pub(super) struct Source<'a> {
    pub(super) log: &'a Log,
    pub(super) projection: Projection,
    pub(super) pace: Pace,
}

impl Source<'_> {
    /// Folds the log into a generation up to exactly `until`.
    pub(super) async fn fill(
        &self,
        generation: &mut dyn Generation,
        until: Position,
        on_poison: OnPoison,
        observe: Observe<'_>,
    ) -> Result<(), ViewsError> {
        let (began, first) = (Instant::now(), generation.position());
        if first >= until {
            return Ok(());
        }
        let mut ahead = Ahead::start(self.log.clone(), self.projection, first, until, self.pace.page)?;
        while let Some(batch) = ahead.next().await {
            generation.apply(&batch?, on_poison).await?;
            let done = generation.position().get().saturating_sub(first.get());
            let rate = per_second(done, began.elapsed());
            observe(RebuildProgress { position: generation.position(), head: until, rate })?;
            if let Some(most) = self.pace.per_second.filter(|most| *most > 0) {
                let due = Duration::from_millis(done.saturating_mul(1_000) / most);
                tokio::time::sleep(due.saturating_sub(began.elapsed())).await;
            }
        }
        if generation.position() < until {
            return Err(ViewsError::Log(format!("it ends at {}, before {until}", generation.position())));
        }
        Ok(())
    }

    /// A finished generation at the head of the log as it was a moment ago.
    pub(super) async fn build(
        &self,
        views: &dyn ViewStore,
        observe: Observe<'_>,
    ) -> Result<Box<dyn Generation>, ViewsError> {
        let mut generation = views.begin(self.projection).await?;
        match self.build_in(generation.as_mut(), observe).await {
            Ok(()) => Ok(generation),
            Err(error) => {
                views.discard(self.projection, generation).await?;
                Err(error)
            }
        }
    }

    async fn build_in(&self, generation: &mut dyn Generation, observe: Observe<'_>) -> Result<(), ViewsError> {
        let mut head = self.log.head().await?;
        loop {
            self.fill(generation, head, OnPoison::Stop, observe).await?;
            let now = self.log.head().await?;
            if now.get() - head.get() <= self.pace.page as u64 {
                break;
            }
            head = now;
        }
        generation.finish().await?;
        self.fill(generation, self.log.head().await?, OnPoison::Stop, observe).await
    }

    /// A generation to serve with whatever the log holds: poison is parked, which the fast filling cannot do.
    pub(super) async fn build_parking(
        &self,
        views: &dyn ViewStore,
        observe: Observe<'_>,
    ) -> Result<Box<dyn Generation>, ViewsError> {
        match self.build(views, observe).await {
            Err(ViewsError::Apply(ApplyError::Poisoned(event))) => {
                tracing::error!(position = %event.position, stream = event.stream, error = event.error,
                    projection = self.projection.name(), "the log holds an event that cannot be applied");
                let mut generation = views.begin(self.projection).await?;
                generation.finish().await?;
                self.fill(generation.as_mut(), self.log.head().await?, OnPoison::Park, observe).await?;
                Ok(generation)
            }
            built => built,
        }
    }

    /// Lets a finished generation serve. Readers never go back: first it gets as far as `until`, and as what serves is.
    pub(super) async fn swap_in(
        &self,
        views: &dyn ViewStore,
        mut next: Box<dyn Generation>,
        until: Position,
    ) -> Result<Box<dyn Generation>, ViewsError> {
        match self.swap_when_there(views, next.as_mut(), until).await {
            Ok(()) => Ok(next),
            Err(error) => {
                views.discard(self.projection, next).await?;
                Err(error)
            }
        }
    }

    async fn swap_when_there(
        &self,
        views: &dyn ViewStore,
        next: &mut dyn Generation,
        mut until: Position,
    ) -> Result<(), ViewsError> {
        loop {
            self.fill(next, until, OnPoison::Stop, &mut |_| Ok(())).await?;
            next.persist().await?;
            match views.promote(self.projection, next.number(), false).await? {
                Promotion::Serves => return Ok(()),
                // by another node, which goes on meanwhile
                Promotion::Behind(at) => until = at.max(self.log.head().await?),
            }
        }
    }

    /// Compares the serving view with a fresh fold of the log.
    pub(super) async fn verify(
        &self,
        views: &dyn ViewStore,
        most: usize,
        observe: Observe<'_>,
    ) -> Result<Verification, ViewsError> {
        // let go at once: a view that is held cannot tidy up
        let until = views.pin(self.projection).await?.position();
        let mut fresh = views.begin(self.projection).await?;
        let outcome = self.verify_in(views, fresh.as_mut(), until, most, observe).await;
        views.discard(self.projection, fresh).await?;
        outcome
    }

    async fn verify_in(
        &self,
        views: &dyn ViewStore,
        fresh: &mut dyn Generation,
        until: Position,
        most: usize,
        observe: Observe<'_>,
    ) -> Result<Verification, ViewsError> {
        self.fill(fresh, until, OnPoison::Stop, observe).await?;
        fresh.finish().await?;
        let mut tries = 2;
        loop {
            let mut pinned = views.pin(self.projection).await?;
            self.fill(fresh, pinned.position(), OnPoison::Stop, observe).await?;
            let found = pinned.compare(fresh.number(), most).await?;
            tries -= 1;
            // a key may be destroyed between its use here and the event that says so: then both agree a moment later
            if found.differing == 0 || tries == 0 || self.log.head().await? == found.position {
                return Ok(found);
            }
        }
    }
}

/// Rebuilds a projection while no server runs, and lets the new generation serve.
pub async fn replay(
    views: &dyn ViewStore,
    log: &Log,
    projection: Projection,
    pace: Pace,
    progress: &mut (dyn FnMut(RebuildProgress) + Send),
) -> Result<Position, ViewsError> {
    let source = Source { log, projection, pace };
    let generation = source
        .build(views, &mut |now| {
            progress(now);
            Ok(())
        })
        .await?;
    let position = source.swap_in(views, generation, Position::START).await?.position();
    Ok(position)
}

/// Compares a projection's view with a fresh fold of the log while no server runs; reports at most `most` rows.
pub async fn verify(
    views: &dyn ViewStore,
    log: &Log,
    projection: Projection,
    most: usize,
    progress: &mut (dyn FnMut(RebuildProgress) + Send),
) -> Result<Verification, ViewsError> {
    let source = Source { log, projection, pace: Pace::default() };
    let mut observe = |now| {
        progress(now);
        Ok(())
    };
    source.verify(views, most, &mut observe).await
}
