//! Removes the bytes of attachments that are gone, and uploads that were never put to a message.
//!
//! Each node does so, and nothing is done twice: removing what is not there is nothing. What a crash or a store that did not
//! answer leaves behind, the next round finds: it asks the log about every file there is.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures::TryStreamExt;
use tidings_attachments::{BlobError, Stored, Vault};
use tidings_commands::{Commands, Context, Error};
use tidings_domain::{Event, StreamId, Timestamp, attachment::AttachmentEvent};
use tidings_event_store::{Codec, EventStore, Filter, Position, RecordedEvent, StoreError};
use tidings_projections::{QueryError, Views, runner::NotYet};
use tokio::time::{MissedTickBehavior, interval};

use crate::{clock, stores::Stores};

const PAGE: usize = 10_000;
const RETRY_AFTER: Duration = Duration::from_secs(1);
const VIEWS_WITHIN: Duration = Duration::from_secs(30);
/// How often uploads are looked for that nobody uses.
const ROUND: Duration = Duration::from_hours(1);
/// Every so many rounds, all files there are.
const ROUNDS_OF_ALL: u64 = 24;
/// How long bytes may be there before their event is.
const UNDER_WAY: Duration = Duration::from_hours(1);
const UNUSED_AT_A_TIME: usize = 100;

/// The process, before it runs.
pub struct Collecting {
    store: Arc<dyn EventStore>,
    codec: Codec,
    commands: Commands,
    views: Arc<Views>,
    vault: Vault,
    unused: Duration,
}

/// Why a round was not finished. The next one begins anew.
#[derive(Debug, thiserror::Error)]
enum RoundError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Command(#[from] Error),
    #[error(transparent)]
    Views(#[from] QueryError),
    #[error(transparent)]
    Behind(#[from] NotYet),
    #[error(transparent)]
    Blob(#[from] BlobError),
}

impl Collecting {
    /// Uploads that nobody uses are removed after so long.
    pub fn new(stores: &Stores, unused: Duration) -> Self {
        Self {
            store: stores.store.clone(),
            codec: stores.codec.clone(),
            commands: stores.commands.clone(),
            views: stores.views.clone(),
            vault: stores.vault.clone(),
            unused,
        }
    }

    /// Follows the log for ever, from its present end, with a round now and then.
    pub async fn run(self) {
        let mut head = self.store.watch_head();
        let mut at = self.commands.seen_head();
        let mut rounds = interval(ROUND);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut round = 0;
        loop {
            tokio::select! {
                _ = rounds.tick() => {
                    if let Err(error) = self.round(round % ROUNDS_OF_ALL == 0).await {
                        tracing::warn!(%error, "attachments that are not needed could not all be removed");
                    }
                    round += 1;
                }
                moved = async { head.wait_for(|head| *head > at).await.is_ok() } => {
                    if !moved {
                        return;
                    }
                    match self.follow(at).await {
                        Ok(to) => at = to,
                        Err(error) => {
                            tracing::warn!(%error, "the log cannot be read; trying again");
                            tokio::time::sleep(RETRY_AFTER).await;
                        }
                    }
                }
            }
        }
    }

    /// Removes the bytes of what was removed since; how far that is.
    async fn follow(&self, after: Position) -> Result<Position, StoreError> {
        let page = self.store.read_all(after, &Filter::Categories(vec!["attachment"]), PAGE).await?;
        for recorded in page.events.iter().filter(|recorded| &*recorded.name == "attachment_removed") {
            self.remove(recorded).await;
        }
        Ok(page.scanned_to)
    }

    async fn remove(&self, recorded: &RecordedEvent) {
        let event = self.codec.open::<Event>(recorded, |_| false).await;
        let (Ok(Event::Attachment(AttachmentEvent::Removed(event))), Ok(StreamId::Attachment(id))) =
            (event, recorded.stream.id())
        else {
            return;
        };
        if let Err(error) = self.vault.remove(id, event.key).await {
            tracing::warn!(%error, attachment = %id, "an attachment's bytes stay until the next round");
        }
    }

    async fn round(&self, all: bool) -> Result<(), RoundError> {
        self.collect_unused().await?;
        if all {
            let mut files = self.vault.list();
            while let Some(file) = files.try_next().await? {
                if self.is_left_behind(&file).await? {
                    self.vault.remove(file.place.id, file.place.key).await?;
                }
            }
        }
        Ok(())
    }

    /// What no message has after so long is removed. The views say so, which must have seen every message by then.
    async fn collect_unused(&self) -> Result<(), RoundError> {
        let now = clock::now();
        let unused = i64::try_from(self.unused.as_millis()).unwrap_or(i64::MAX);
        let since = Timestamp::from_millis(now.millis().saturating_sub(unused));
        let context = Context { now, ..Context::default() };
        let mut seen = self.store.head().await?;
        loop {
            self.views.wait_for(seen, VIEWS_WITHIN).await?;
            let before = seen;
            for id in self.views.queries().unused_attachments(since, UNUSED_AT_A_TIME).await? {
                if let Some(position) = self.commands.collect_attachment(id, since, &context).await? {
                    seen = seen.max(position);
                }
            }
            if seen == before {
                return Ok(());
            }
        }
    }

    /// Whether the log knows nothing of a file, or nothing any more.
    async fn is_left_behind(&self, file: &Stored) -> Result<bool, RoundError> {
        let under_way = SystemTime::now().duration_since(file.since).is_ok_and(|age| age < UNDER_WAY);
        let known = self.commands.attachment(file.place.id).await?;
        Ok(match known.filter(|known| known.key == file.place.key) {
            Some(known) => known.removed || known.details.is_none(),
            None => !under_way,
        })
    }
}
