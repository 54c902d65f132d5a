//! Sends scheduled messages when their time has come.
//!
//! Every node looks what is due and sends it; that each is sent once, its command key sees to (`tidings_commands::schedules`). What a
//! killed node left released and not sent is due still, for whichever node looks next.

use std::{sync::Arc, time::Duration};

use tidings_commands::{Commands, Context, Error};
use tidings_domain::Timestamp;
use tidings_projections::{Queries, QueryError};

use crate::problem::Problem;

/// How often the process looks.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How many messages it takes on at once.
const PAGE: usize = 100;

/// The process, before it runs.
pub struct Scheduling {
    commands: Commands,
    views: Arc<dyn Queries>,
    clock: fn() -> Timestamp,
}

impl Scheduling {
    /// A process with this clock.
    pub fn new(commands: Commands, views: Arc<dyn Queries>, clock: fn() -> Timestamp) -> Self {
        Self { commands, views, clock }
    }

    /// Looks for ever.
    pub async fn run(self) {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            match self.step().await {
                Ok(()) | Err(QueryError::NotReady) => {}
                Err(error @ QueryError::Unavailable(_)) => {
                    tracing::debug!(%error, "what is due cannot be looked up; trying again");
                }
            }
        }
    }

    /// Sends what is due now. What cannot be sent for now is tried again at the next step, without holding up the others.
    pub async fn step(&self) -> Result<(), QueryError> {
        let now = (self.clock)();
        for (owner, id) in self.views.due(now, PAGE).await? {
            let context = Context { actor: Some(owner), now, ..Context::default() };
            let sent = self.commands.send_scheduled(id, owner, reason, &context).await;
            if let Err(error) = sent {
                tracing::warn!(%error, scheduled = %id, "a scheduled message is not sent yet; trying again");
            }
        }
        Ok(())
    }
}

/// Why a message was refused, as its owner would have been told.
fn reason(error: Error) -> String {
    Problem::from(error).kind().slug().to_owned()
}
