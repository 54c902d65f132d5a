//! The bare live push: a message is told to who listens to its conversation, once it is durable.

use super::auth::Caller;
use super::{Reference, Sent};
use axum::extract::{Query, State};
use axum::response::sse::{Event, Sse};
use futures::{Stream, StreamExt as _, stream};
use serde::Deserialize;
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::broadcast::{Receiver, Sender, channel};

/// Events that a listener may be behind before it misses some.
const BEHIND: usize = 1024;

/// Who listens.
#[derive(Default)]
pub(crate) struct Hub {
    /// Streams that were ever opened: where there were none, a send looks no further.
    opened: AtomicUsize,
    conversations: RwLock<HashMap<u32, Sender<Arc<str>>>>,
}

#[derive(Deserialize)]
pub(crate) struct Wanted {
    conversation: u32,
}

impl Hub {
    pub(super) fn tell(&self, number: u64, sent: &Sent) {
        if self.opened.load(Ordering::Relaxed) == 0 {
            return;
        }
        let conversations = self.conversations.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(listening) = conversations.get(&sent.record.conversation)
            && let Ok(data) = serde_json::to_string(sent)
        {
            // nobody may be left who listens
            drop(listening.send(format!("{number} {data}").into()));
        }
    }

    fn listen(&self, conversation: u32) -> Receiver<Arc<str>> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        let mut conversations = self.conversations.write().unwrap_or_else(PoisonError::into_inner);
        conversations.entry(conversation).or_insert_with(|| channel(BEHIND).0).subscribe()
    }
}

pub(crate) async fn follow(
    State(reference): State<Arc<Reference>>,
    _: Caller,
    Query(Wanted { conversation }): Query<Wanted>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let listening = reference.hub.listen(conversation);
    let events = stream::unfold(listening, async |mut listening| {
        // the end of who fell behind: the benchmark misses what was not told
        let told = listening.recv().await.ok()?;
        let (number, data) = told.split_once(' ')?;
        Some((Ok(Event::default().id(number).event("message").data(data)), listening))
    });
    Sse::new(stream::once(async { Ok(Event::default().comment("listening")) }).chain(events))
}
