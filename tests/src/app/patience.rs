//! Waiting for what comes by itself.

use std::time::{Duration, Instant};

/// How long anything may take before the test fails. Never decides anything else.
const PATIENCE: Duration = Duration::from_secs(30);

/// How soon something that is promised within a second must have happened on a machine that does much else: still long before
/// a token would have expired.
pub const SOON: Duration = Duration::from_secs(10);

/// Waits until it is so.
#[track_caller]
pub fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) -> impl Future<Output = ()> {
    let begun = Instant::now();
    async move {
        while !is_so().await {
            assert!(begun.elapsed() < PATIENCE, "{what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
