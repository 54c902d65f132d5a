//! Read your own writes, and those this node has told anybody of.
//!
//! The views follow the log by a moment. What a caller was told is done, the caller's next read must show: a read waits
//! until the views have reached the last position that was acknowledged to its caller, or that it names itself. What was
//! acknowledged to others it waits for as well, but only briefly.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tidings_domain::UserId;
use tidings_event_store::Position;
use tokio::{sync::watch, time::timeout};
use tracing::Instrument;

use crate::problem::{Kind, Problem};

/// How long a read waits for what it must show.
const STRICT: Duration = Duration::from_secs(2);
/// How long it waits for what others were told.
const COURTESY: Duration = Duration::from_millis(100);
/// Callers share these places by the hash of their id: a collision costs a wait, never a stale read.
const PLACES: usize = 4096;

/// Which positions were acknowledged to whom, and how far the views are.
pub struct Consistency {
    anybody: AtomicU64,
    callers: Box<[AtomicU64]>,
    views: watch::Receiver<Position>,
    want: Box<dyn Fn(Position) + Send + Sync>,
}

impl Consistency {
    /// Nothing acknowledged yet; `views` tells how far all views are, and `want` tells them what is waited for.
    pub fn new(views: watch::Receiver<Position>, want: impl Fn(Position) + Send + Sync + 'static) -> Self {
        let callers = std::iter::repeat_with(AtomicU64::default).take(PLACES).collect();
        Self { anybody: AtomicU64::new(0), callers, views, want: Box::new(want) }
    }

    fn place(&self, caller: UserId) -> &AtomicU64 {
        // ids are random (or hashes) in their last bytes
        let [.., high, low] = *caller.as_bytes();
        &self.callers[usize::from(u16::from_be_bytes([high, low])) % PLACES]
    }

    /// This caller is about to be told that everything up to `position` is done.
    pub fn acknowledge(&self, caller: UserId, position: Position) {
        self.place(caller).fetch_max(position.get(), Ordering::AcqRel);
        self.anybody.fetch_max(position.get(), Ordering::AcqRel);
    }

    /// Waits until the views show what this caller was told, and `at_least` this position.
    pub async fn wait(&self, caller: UserId, at_least: Option<Position>) -> Result<(), Problem> {
        self.wait_on(self.views.clone(), &self.want, caller, at_least).await
    }

    /// The same for a view that others do not wait for: `views` tells how far it is, and `want` tells it what is waited for.
    pub async fn wait_on(
        &self,
        mut views: watch::Receiver<Position>,
        want: impl Fn(Position),
        caller: UserId,
        at_least: Option<Position>,
    ) -> Result<(), Problem> {
        let own = Position::new(self.place(caller).load(Ordering::Acquire));
        let must = own.max(at_least.unwrap_or_default());
        let all = must.max(Position::new(self.anybody.load(Ordering::Acquire)));
        if *views.borrow() >= all {
            return Ok(());
        }
        want(all);
        let span = tracing::debug_span!(target: "tidings::span", "wait for the views", position = all.get());
        reach(&mut views, must, all).instrument(span).await
    }

    /// How far all views are.
    pub fn reached(&self) -> Position {
        *self.views.borrow()
    }
}

/// Waits for `all` briefly, and for what must be there as long as a read may take.
async fn reach(views: &mut watch::Receiver<Position>, must: Position, all: Position) -> Result<(), Problem> {
    if timeout(COURTESY, views.wait_for(|reached| *reached >= all)).await.is_ok_and(|seen| seen.is_ok()) {
        return Ok(());
    }
    let strict = timeout(STRICT.saturating_sub(COURTESY), views.wait_for(|reached| *reached >= must)).await;
    if strict.is_ok_and(|seen| seen.is_ok()) {
        return Ok(());
    }
    let reached = *views.borrow();
    Err(Problem::new(Kind::NotYetVisible, format!("the views are at {reached}, and not yet at {must}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn user(n: u128) -> UserId {
        UserId::new(Uuid::from_u128(n))
    }

    #[tokio::test(start_paused = true)]
    async fn a_read_waits_for_its_callers_own_writes() {
        let (views, seen) = watch::channel(Position::new(5));
        let consistency = Consistency::new(seen, drop);
        consistency.acknowledge(user(1), Position::new(7));
        assert_eq!(consistency.wait(user(1), None).await.unwrap_err().kind(), Kind::NotYetVisible);
        views.send_replace(Position::new(7));
        assert!(consistency.wait(user(1), None).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn what_others_wrote_is_waited_for_but_not_insisted_on() {
        let (_views, seen) = watch::channel(Position::new(5));
        let consistency = Consistency::new(seen, drop);
        consistency.acknowledge(user(1), Position::new(7));
        let begun = tokio::time::Instant::now();
        assert!(consistency.wait(user(2), None).await.is_ok());
        assert_eq!(begun.elapsed(), COURTESY);
    }

    #[tokio::test(start_paused = true)]
    async fn a_read_waits_for_the_position_it_names() {
        let (_views, seen) = watch::channel(Position::new(5));
        let consistency = Consistency::new(seen, drop);
        assert!(consistency.wait(user(1), Some(Position::new(5))).await.is_ok());
        assert!(consistency.wait(user(1), Some(Position::new(6))).await.is_err());
    }
}
