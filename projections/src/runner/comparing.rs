//! Comparing what serves with a fresh fold of the log: all of it, or a sample.

use std::sync::Arc;

use tidings_event_store::Position;

use super::{
    build::{Observe, Source},
    feed::Log,
    pace::Pace,
    port::{Generation, OnPoison, Projection, ViewStore, ViewsError},
    sample::{Of, Sample},
};
use crate::model::{RebuildProgress, Verification};

/// What of a view is compared, and how much of what is found is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// So many conversations and people, drawn by chance; all where not given.
    pub sample: Option<usize>,
    /// At most so many rows are named.
    pub most: usize,
}

impl Extent {
    /// All of a view.
    pub const fn all(most: usize) -> Self {
        Self { sample: None, most }
    }

    /// So many conversations and people of it.
    pub const fn sample(size: usize, most: usize) -> Self {
        Self { sample: Some(size), most }
    }
}

impl Source<'_> {
    /// Compares the serving view with a fresh fold of the log.
    pub(super) async fn verify(
        mut self,
        views: &dyn ViewStore,
        extent: Extent,
        observe: Observe<'_>,
    ) -> Result<Verification, ViewsError> {
        // let go at once: a view that is held cannot tidy up
        let mut pinned = views.pin(self.projection).await?;
        let until = pinned.position();
        let mut numbers = None;
        if let Some(size) = extent.sample {
            let (sample, assumed) = Sample::draw(self.log, self.projection, pinned.as_mut(), size).await?;
            (self.of, numbers) = (Of::Some(Arc::new(sample)), Some(assumed));
        }
        drop(pinned);
        let mut fresh = views.begin(self.projection).await?;
        if let Some(numbers) = numbers {
            fresh.assume(numbers);
        }
        let outcome = self.verify_in(views, fresh.as_mut(), until, extent.most, observe).await;
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
        let sample = match &self.of {
            Of::All => None,
            Of::Some(sample) => Some(sample.as_ref()),
        };
        let mut tries = 2;
        loop {
            let mut pinned = views.pin(self.projection).await?;
            self.fill(fresh, pinned.position(), OnPoison::Stop, observe).await?;
            let found = pinned.compare(fresh.number(), sample, most).await?;
            tries -= 1;
            // a key may be destroyed between its use here and the event that says so: then both agree a moment later
            if found.differing == 0 || tries == 0 || self.log.head().await? == found.position {
                return Ok(found);
            }
        }
    }
}

/// Compares a projection's view with a fresh fold of the log while no server runs; reports at most `most` rows.
pub async fn verify(
    views: &dyn ViewStore,
    log: &Log,
    projection: Projection,
    most: usize,
    progress: &mut (dyn FnMut(RebuildProgress) + Send),
) -> Result<Verification, ViewsError> {
    let source = Source { log, projection, pace: Pace::default(), of: Of::All };
    let mut observe = |now| {
        progress(now);
        Ok(())
    };
    source.verify(views, Extent { sample: None, most }, &mut observe).await
}
