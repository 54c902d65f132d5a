//! What those see who watch the server: whether its parts answer, and the gauges that are read when somebody asks.

use std::{
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use async_trait::async_trait;
use tidings_commands::Commands;
use tidings_domain::{ConversationId, UserId};
use tidings_event_store::{Connections, EventStore, Keyring};
use tidings_projections::{
    Queries, Views,
    model::{ProjectionStatus, Verified},
};
use tokio::time::timeout;
use uuid::Uuid;

use crate::{
    edge::{Part, Probe, Sampled},
    problem::{Kind, Problem},
    stores::Stores,
};

/// A part that takes longer does not answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// The stores of a server, as seen from outside.
pub struct Watched {
    store: Arc<dyn EventStore>,
    keyring: Keyring,
    views: Arc<Views>,
    queries: Arc<dyn Queries>,
    commands: Commands,
}

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watched(…)")
    }
}

impl Watched {
    /// Watches these.
    pub fn new(stores: &Stores) -> Self {
        Self {
            store: stores.store.clone(),
            keyring: stores.codec.keyring().clone(),
            views: stores.views.clone(),
            queries: stores.views.queries(),
            commands: stores.commands.clone(),
        }
    }

    async fn log(&self) -> Result<(), Problem> {
        self.store.head().await?;
        Ok(())
    }

    async fn keys(&self) -> Result<(), Problem> {
        self.keyring.erased_to().await?;
        Ok(())
    }

    async fn answers(&self) -> Result<(), Problem> {
        let nobody = UserId::new(Uuid::nil());
        self.queries.user(nobody).await?;
        self.queries.unread(nobody, ConversationId::new(Uuid::nil())).await?;
        Ok(())
    }
}

async fn part(name: &'static str, asked: impl Future<Output = Result<(), Problem>> + Send) -> Part {
    let answer = timeout(ANSWERS_WITHIN, asked).await.unwrap_or_else(|_| Err(Kind::Unavailable.into()));
    Part { name, problem: answer.err() }
}

#[async_trait]
impl Probe for Watched {
    async fn probe(&self) -> Vec<Part> {
        let (log, views, keys) =
            tokio::join!(part("log", self.log()), part("views", self.answers()), part("keys", self.keys()));
        vec![log, views, keys]
    }
}

#[async_trait]
impl Sampled for Watched {
    async fn sample(&self) {
        metrics::gauge!("tidings_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1);
        for Part { name, problem } in self.probe().await {
            metrics::gauge!("tidings_up", "part" => name).set(u8::from(problem.is_none()));
        }
        // what it last knew stands where the log does not answer
        if let Ok(Ok(projections)) = timeout(ANSWERS_WITHIN, self.views.status()).await {
            projections.iter().for_each(show);
        }
        let pools = [self.store.connections(), self.keyring.connections(), self.views.connections()];
        for Connections { pool, open, idle, most } in pools.into_iter().flatten() {
            metrics::gauge!("tidings_pool_connections", "pool" => pool, "state" => "idle").set(float(idle));
            metrics::gauge!("tidings_pool_connections", "pool" => pool, "state" => "used")
                .set(float(open.saturating_sub(idle)));
            metrics::gauge!("tidings_pool_connections_max", "pool" => pool).set(float(most));
        }
        metrics::gauge!("tidings_keys_ready").set(float(self.keyring.ready()));
        metrics::gauge!("tidings_passwords_hashing").set(float(self.commands.hashing()));
    }
}

fn show(status: &ProjectionStatus) {
    let name = status.name;
    let gauge = |what, value| metrics::gauge!(what, "projection" => name).set(value);
    metrics::gauge!("tidings_log_head_position").set(precise(status.head.get()));
    gauge("tidings_projection_position", precise(status.position.get()));
    gauge("tidings_projection_lag", precise(status.lag));
    gauge("tidings_projection_rate", status.rate);
    gauge("tidings_projection_generation", f64::from(status.generation));
    gauge("tidings_projection_parked", float(status.parked.len()));
    gauge("tidings_projection_stopped", f64::from(u8::from(status.error.is_some())));
    gauge("tidings_projection_rebuilding", f64::from(u8::from(status.rebuilding.is_some())));
    gauge("tidings_projection_failed", f64::from(u8::from(status.failure.is_some())));
    let (position, rate, left) = status.rebuilding.map_or((0.0, 0.0, 0.0), |progress| {
        (precise(progress.position.get()), progress.rate, progress.time_left().map_or(0.0, |left| left.as_secs_f64()))
    });
    gauge("tidings_projection_rebuild_position", position);
    gauge("tidings_projection_rebuild_rate", rate);
    gauge("tidings_projection_rebuild_seconds_left", left);
    if let Some(Verified { at, found, .. }) = &status.verified {
        let at = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        gauge("tidings_projection_verified_timestamp_seconds", at.as_secs_f64());
        gauge("tidings_projection_verified_rows", precise(found.rows));
        gauge("tidings_projection_verified_differing", precise(found.differing));
    }
}

fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[expect(clippy::cast_precision_loss, reason = "positions are shown exactly up to 2^53")]
fn precise(position: u64) -> f64 {
    position as f64
}
