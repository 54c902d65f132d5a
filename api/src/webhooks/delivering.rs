//! Who delivers: one node, with a worker for each webhook that has something to deliver.

use std::{sync::Arc, time::Duration};

use tidings_commands::Commands;
use tidings_domain::UserId;
use tidings_event_store::{Codec, EventStore, Position};
use tidings_projections::{Queries, Views, runner::Lease};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{Sender, leading::Leading};
use crate::live::{Live, RenderError};

/// Posts under way at once, to all receivers together; each gets one at a time.
const POSTS: usize = 64;
/// Webhooks that read the log at once.
const SCANS: usize = 4;
/// How often a node that does not deliver asks whether it may.
const ASK_AGAIN: Duration = Duration::from_secs(2);
/// How long workers may take to note what they have.
const NOTED_WITHIN: Duration = Duration::from_secs(5);

/// Why deliveries wait. They are tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeliveryError {
    /// A command.
    #[error(transparent)]
    Command(#[from] tidings_commands::Error),
    /// What is to be told cannot be rendered.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The views.
    #[error(transparent)]
    Views(#[from] tidings_projections::QueryError),
    /// The log.
    #[error(transparent)]
    Log(#[from] tidings_event_store::StoreError),
    /// What is to be told has no JSON form.
    #[error("an event has no JSON form: {0}")]
    Json(#[from] serde_json::Error),
}

/// What workers share.
pub(crate) struct Delivering {
    pub(super) store: Arc<dyn EventStore>,
    pub(super) codec: Codec,
    pub(super) commands: Commands,
    pub(super) queries: Arc<dyn Queries>,
    pub(super) live: Live,
    pub(super) sender: Sender,
    pub(super) scanning: Semaphore,
    pub(super) posting: Semaphore,
    applied: watch::Receiver<Position>,
}

impl Delivering {
    /// Up to where the views show what is to be told.
    pub(super) fn reached(&self) -> Position {
        *self.applied.borrow()
    }

    /// Whether a person sees anything at all.
    pub(super) async fn may_see(&self, owner: UserId) -> Result<bool, DeliveryError> {
        let account = self.commands.account(owner).await?;
        Ok(account.is_some_and(|account| !account.closed && !account.suspended))
    }
}

/// Deliveries at work.
pub struct Deliveries {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// What a node needs to deliver.
pub struct Parts {
    /// The log.
    pub store: Arc<dyn EventStore>,
    /// Opens what is in it.
    pub codec: Codec,
    /// The write side.
    pub commands: Commands,
    /// The read side.
    pub views: Arc<Views>,
    /// Shows people what they may see.
    pub live: Live,
    /// Posts.
    pub sender: Sender,
}

impl Deliveries {
    /// Delivers whenever no other node does.
    pub fn start(parts: Parts) -> Self {
        let Parts { store, codec, commands, views, live, sender } = parts;
        let (stop, stopped) = watch::channel(false);
        let delivering = Arc::new(Delivering {
            store,
            codec,
            commands,
            queries: views.queries(),
            live,
            sender,
            scanning: Semaphore::new(SCANS),
            posting: Semaphore::new(POSTS),
            applied: views.applied(),
        });
        let task = tokio::spawn(stand_by(views, delivering, stopped));
        Self { stop, task }
    }

    /// Ends after what was delivered is noted. What is under way is delivered again by whoever goes on.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        let abort = self.task.abort_handle();
        if timeout(NOTED_WITHIN, self.task).await.is_err() {
            tracing::warn!("not all deliveries were noted: some are made again");
            abort.abort();
        }
    }
}

async fn stand_by(views: Arc<Views>, delivering: Arc<Delivering>, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        match views.delivering().await {
            Ok(Some(lease)) => {
                if let Err(error) = lead(&views, &delivering, lease, &mut stopped).await {
                    tracing::warn!(%error, "webhooks wait");
                }
            }
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, "whether to deliver webhooks cannot be asked"),
        }
        tokio::select! {
            () = sleep(ASK_AGAIN) => {}
            () = async { drop(stopped.wait_for(|stop| *stop).await) } => {}
        }
    }
}

/// Delivers as long as the lease is held and nothing fails.
async fn lead(
    views: &Views,
    delivering: &Arc<Delivering>,
    mut lease: Box<dyn Lease>,
    stopped: &mut watch::Receiver<bool>,
) -> Result<(), DeliveryError> {
    let mut applied = views.applied();
    let demand = views.demand();
    let mut leading = Leading::begin(delivering.clone()).await?;
    loop {
        let to = *applied.borrow_and_update();
        leading.advance(to).await?;
        if leading.has_any() {
            demand.want(Position::new(to.get() + 1));
        } else {
            // nobody waits for anything: the log may gather a little
            sleep(Duration::from_millis(100)).await;
        }
        tokio::select! {
            changed = applied.changed() => if changed.is_err() {
                return Ok(());
            },
            () = leading.worker_ended() => {}
            () = lease.lost() => {
                tracing::warn!("another node delivers webhooks from here on");
                return Ok(());
            }
            () = async { drop(stopped.wait_for(|stop| *stop).await) } => {
                leading.finish().await;
                return Ok(());
            }
        }
    }
}
