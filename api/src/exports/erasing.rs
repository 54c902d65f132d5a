//! Follows the log as long as there are exports: what is erased leaves them at once.

use std::{sync::Arc, time::Duration};

use tidings_domain::StreamId;
use tidings_event_store::{EventStore, Filter, Position, RecordedEvent, StoreError};

use super::{Erased, Exports};

const PAGE: usize = 10_000;
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The process, before it runs.
pub(super) struct Erasing {
    exports: Exports,
    store: Arc<dyn EventStore>,
    at: Position,
}

impl Erasing {
    /// Of the exports of this node.
    pub(super) const fn new(exports: Exports, store: Arc<dyn EventStore>) -> Self {
        Self { exports, store, at: Position::START }
    }

    /// What the oldest export is as of; none where there is nothing to follow.
    fn first(&self) -> Option<Position> {
        self.exports.0.shelf.all().iter().map(|job| job.position).min().map(Position::new)
    }

    /// Comes to the log's present end.
    pub(super) async fn catch_up(&mut self) -> Result<(), StoreError> {
        let head = self.store.head().await?;
        while let Some(first) = self.first().filter(|first| self.at.max(*first) < head) {
            self.at = self.follow(self.at.max(first)).await?;
        }
        Ok(())
    }

    /// Follows for ever. Where there is no export there is nothing to follow.
    pub(super) async fn run(mut self) {
        let mut head = self.store.watch_head();
        loop {
            let Some(first) = self.first() else {
                self.exports.0.followed.notified().await;
                continue;
            };
            // what was erased while an export was made is noticed: it is made as of a position that was there before
            let at = self.at.max(first);
            tokio::select! {
                moved = head.wait_for(|head| *head > at) => if moved.is_err() { return },
                () = self.exports.0.followed.notified() => continue,
            }
            match self.follow(at).await {
                Ok(to) => self.at = to,
                Err(error) => {
                    tracing::warn!(%error, "the log cannot be read; trying again");
                    tokio::time::sleep(RETRY_AFTER).await;
                }
            }
        }
    }

    async fn follow(&self, after: Position) -> Result<Position, StoreError> {
        let page = self.store.read_all(after, &Filter::Categories(vec!["message", "user"]), PAGE).await?;
        for event in &page.events {
            if let Some(erased) = erased(event) {
                self.exports.erase(erased, event.position).await?;
            }
        }
        Ok(page.scanned_to.max(after))
    }
}

/// What an event erases, if it does.
fn erased(event: &RecordedEvent) -> Option<Erased> {
    match (event.stream.id(), &*event.name) {
        (Ok(StreamId::Message(id)), "message_deleted") => Some(Erased::In(id.conversation)),
        (Ok(StreamId::User(user)), "user_closed") => Some(Erased::Of(user)),
        (Ok(_) | Err(_), _) => None,
    }
}

impl Exports {
    /// Takes something out of all exports.
    async fn erase(&self, erased: Erased, position: Position) -> Result<(), StoreError> {
        let failed = |error: &dyn std::fmt::Display| StoreError::Unavailable(error.to_string());
        for job in self.0.shelf.all() {
            if job.is_over(erased) {
                self.remove(job.id).await.map_err(|_| failed(&"an export could not be removed"))?;
                continue;
            }
            let gone = self.0.shelf.erase(job.id, erased, position.get()).map_err(|error| failed(&error))?;
            self.forget(&gone).await.map_err(|error| failed(&error))?;
        }
        self.0.asked.notify_one();
        Ok(())
    }
}
