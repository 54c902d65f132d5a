//! Filling a generation from the log: at the start, for a rebuild, for a comparison.

use std::time::{Duration, Instant};

use tidings_event_store::Position;

use super::{
    feed::{Ahead, Log},
    pace::{Pace, Throttle},
    port::{ApplyError, Generation, OnPoison, Projection, ViewStore, ViewsError},
    sample::Of,
    serving::Promotion,
    state::per_second,
};
use crate::model::RebuildProgress;

/// While it rests, a filling looks so often whether it is to stop.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Hears how far a filling is; stops it with an error.
pub(super) type Observe<'a> = &'a mut (dyn FnMut(RebuildProgress) -> Result<(), ViewsError> + Send);

/// The log as it is being read, from the beginning, and up to where.
pub(super) type Reading = (Ahead, Position);

/// What is to be filled, and from what.
pub(super) struct Source<'a> {
    pub(super) log: &'a Log,
    pub(super) projection: Projection,
    pub(super) pace: Pace,
    pub(super) of: Of,
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
        let first = generation.position();
        if first >= until {
            return Ok(());
        }
        let throttle = Throttle::new(self.pace);
        let of = (self.projection, self.of.clone());
        let ahead = Ahead::start(self.log.clone(), of, (first, until), throttle.clone())?;
        self.fill_from((ahead, until), generation, (on_poison, &throttle), observe).await
    }

    /// The same from what is being read already.
    async fn fill_from(
        &self,
        (mut ahead, until): Reading,
        generation: &mut dyn Generation,
        (on_poison, throttle): (OnPoison, &Throttle),
        observe: Observe<'_>,
    ) -> Result<(), ViewsError> {
        let (began, first) = (Instant::now(), generation.position());
        while let Some(batch) = ahead.next().await {
            let (batch, reading) = batch?;
            let applying = Instant::now();
            generation.apply(&batch, on_poison).await?;
            let rest = throttle.rest_after(reading + applying.elapsed());
            let position = generation.position();
            let mut tell = || {
                let rate = per_second(position.get().saturating_sub(first.get()), began.elapsed());
                observe(RebuildProgress { position, head: until, rate })
            };
            tell()?;
            let rested = Instant::now();
            while let Some(left) = rest.checked_sub(rested.elapsed()).filter(|left| !left.is_zero()) {
                tokio::time::sleep(left.min(LOOK_EVERY)).await;
                tell()?;
            }
        }
        if generation.position() < until {
            return Err(ViewsError::Log(format!("it ends at {}, before {until}", generation.position())));
        }
        Ok(())
    }

    /// A finished generation at the head of the log as it was a moment ago; the most of it from what is being read already, where
    /// that is so.
    pub(super) async fn build(
        &self,
        views: &dyn ViewStore,
        reading: Option<Reading>,
        observe: Observe<'_>,
    ) -> Result<Box<dyn Generation>, ViewsError> {
        let mut generation = views.begin(self.projection).await?;
        match self.build_in(generation.as_mut(), reading, observe).await {
            Ok(()) => Ok(generation),
            Err(error) => {
                views.discard(self.projection, generation).await?;
                Err(error)
            }
        }
    }

    async fn build_in(
        &self,
        generation: &mut dyn Generation,
        reading: Option<Reading>,
        observe: Observe<'_>,
    ) -> Result<(), ViewsError> {
        if let Some(reading) = reading {
            let throttle = Throttle::new(self.pace);
            self.fill_from(reading, generation, (OnPoison::Stop, &throttle), observe).await?;
        }
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
        match self.build(views, None, observe).await {
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
}

/// Rebuilds a projection while no server runs, and lets the new generation serve.
pub async fn replay(
    views: &dyn ViewStore,
    log: &Log,
    projection: Projection,
    pace: Pace,
    progress: &mut (dyn FnMut(RebuildProgress) + Send),
) -> Result<Position, ViewsError> {
    let source = Source { log, projection, pace, of: Of::All };
    let generation = source
        .build(views, None, &mut |now| {
            progress(now);
            Ok(())
        })
        .await?;
    let position = source.swap_in(views, generation, Position::START).await?.position();
    Ok(position)
}
