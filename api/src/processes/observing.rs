//! Tells the write side what other nodes have written, so that what it remembers is not older than the log by more than
//! a moment: a session that was ended there is ended here.

use std::{sync::Arc, time::Duration};

use tidings_commands::Commands;
use tidings_event_store::{EventStore, Filter, Position};

const PAGE: usize = 10_000;
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// Follows the log for ever, from a position up to which nothing was remembered yet. Only for stores that other nodes
/// write to.
pub async fn observe(store: Arc<dyn EventStore>, commands: Commands, mut at: Position) {
    let mut head = store.watch_head();
    loop {
        if head.wait_for(|head| *head > at).await.is_err() {
            return;
        }
        match store.read_all(at, &Filter::All, PAGE).await {
            Ok(page) => {
                for event in &page.events {
                    commands.observe(event);
                }
                at = page.scanned_to;
            }
            Err(error) => {
                tracing::warn!(%error, "what other nodes wrote cannot be read; trying again");
                tokio::time::sleep(RETRY_AFTER).await;
            }
        }
    }
}
