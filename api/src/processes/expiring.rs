//! Deletes what rules do not keep any more: of one conversation, or of all.
//!
//! One node does so, the holder of a lease in the views' database. It looks into the views for the oldest messages of each
//! conversation, and deletes those that are too old as their sender would have: what follows, follows from that event. A
//! message is deleted once by the version of its stream, so nothing is lost or done twice by a crash, or by a lease that is
//! lost without its holder knowing. What is held is left alone.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tidings_commands::{Commands, Context, Error};
use tidings_domain::{MessageId, UserId, values::Retention};
use tidings_projections::{
    QueryError, Views, ViewsError,
    model::{ExpiryCursor, ExpiryQuestion},
    runner::Lease,
};
use tokio::sync::watch;

use super::forgetting::Asked;
use crate::{clock, stores::Stores};

/// How soon a node asks again whether it is the one.
const ASK_AGAIN: Duration = Duration::from_secs(2);
/// How often it looks, at most and at least.
const LOOK_EVERY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_mins(1));
/// A look takes at most about this part of the time.
const PART_OF_THE_TIME: u32 = 50;
/// Messages and conversations in one go.
const AT_ONCE: usize = 200;

/// The process, before it runs.
pub struct Expiring {
    commands: Commands,
    views: Arc<Views>,
    of_all: Option<Retention>,
    asked: watch::Receiver<Asked>,
}

/// Why a look was not finished. It begins anew.
#[derive(Debug, thiserror::Error)]
enum ExpiringError {
    #[error(transparent)]
    Command(#[from] Error),
    #[error(transparent)]
    Views(#[from] QueryError),
    #[error(transparent)]
    Lease(#[from] ViewsError),
}

impl Expiring {
    /// All messages are kept for at most so long.
    pub fn new(stores: &Stores, of_all: Option<Retention>, asked: watch::Receiver<Asked>) -> Self {
        Self { commands: stores.commands.clone(), views: stores.views.clone(), of_all, asked }
    }

    /// Looks for ever, whenever no other node does.
    pub async fn run(self) {
        loop {
            let led = match self.views.expiring().await {
                Ok(Some(mut lease)) => self.lead(lease.as_mut()).await,
                Ok(None) => Ok(()),
                Err(error) => Err(error.into()),
            };
            match led {
                Ok(()) | Err(ExpiringError::Views(QueryError::NotReady)) => {}
                Err(error) => tracing::warn!(%error, "what is not to be kept is not all deleted; trying again"),
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }

    /// Looks as long as the lease is held and nothing fails.
    async fn lead(&self, lease: &mut dyn Lease) -> Result<(), ExpiringError> {
        let mut looked_at = None;
        while lease.held() {
            let began = Instant::now();
            let releases = self.asked.borrow().releases;
            // what was held before may lie before what was deleted
            self.look(looked_at != Some(releases), lease).await?;
            looked_at = Some(releases);
            let pause = (began.elapsed() * PART_OF_THE_TIME).clamp(LOOK_EVERY.0, LOOK_EVERY.1);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = lease.lost() => {}
            }
        }
        Ok(())
    }

    async fn look(&self, whole: bool, lease: &dyn Lease) -> Result<(), ExpiringError> {
        let mut after = ExpiryCursor::default();
        while lease.held() {
            let now = clock::now();
            let asked = ExpiryQuestion { now, of_all: self.of_all, whole, after, limit: AT_ONCE };
            let expired = self.views.queries().expired(&asked).await?;
            if !expired.messages.is_empty() {
                self.delete(expired.messages, &Context { now, ..Context::default() }).await?;
            }
            match expired.next {
                Some(next) => after = next,
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// All at once: they go into the log together.
    async fn delete(&self, messages: Vec<(MessageId, UserId)>, context: &Context) -> Result<(), ExpiringError> {
        let holds = self.commands.holds().await?;
        let expiring = messages
            .into_iter()
            .filter(|(id, sender)| !holds.covers(id.conversation, *sender))
            .map(|(id, _)| self.commands.expire(id, self.of_all, context));
        for deleted in futures::future::join_all(expiring).await {
            deleted?;
        }
        Ok(())
    }
}
