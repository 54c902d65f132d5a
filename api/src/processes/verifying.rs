//! Compares a sample of each view with the log, now and then. What differs is named in the server's log, on
//! `GET /v1/admin/projections` and in `/metrics`.
//!
//! Where several nodes share the views, whoever folds one compares it.

use std::{sync::Arc, time::Duration};

use tidings_projections::{
    Projection, Views,
    runner::{Extent, Pace},
};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::config::ViewsConfig;

/// So many differing rows are named.
const MOST_DIFFERENCES: usize = 20;
/// The first comparison comes after this part of the time between two: a server that is restarted often makes some, too.
const SOONER: u32 = 24;

/// The process, before it runs.
pub struct Verifying {
    views: Arc<Views>,
    extent: Extent,
    pace: Pace,
    every: Duration,
}

impl Verifying {
    /// None where nothing is to be compared by itself.
    pub fn new(views: &Arc<Views>, config: &ViewsConfig) -> Option<Self> {
        let extent = Extent::sample(config.sample, MOST_DIFFERENCES);
        config.verify_every.map(|every| Self { views: views.clone(), extent, pace: config.pace, every })
    }

    /// Compares for ever.
    pub async fn run(self) {
        let mut due = interval_at(Instant::now() + self.every / SOONER, self.every);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            due.tick().await;
            for projection in Projection::ALL {
                if !self.views.folds(projection) {
                    continue;
                }
                match self.views.verify(projection, self.extent, self.pace).await {
                    Ok(found) => tracing::info!(
                        projection = found.name,
                        position = %found.position,
                        rows = found.rows,
                        differing = found.differing,
                        "a sample of the view was compared with the log"
                    ),
                    // it is being rebuilt or compared, and the next time will do; or it failed, which is told where that is kept
                    Err(error) => tracing::debug!(%error, "no sample was compared"),
                }
            }
        }
    }
}
