//! Follows the log: index, tail and head move with it. Survives every loss of the connection.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    time::sleep,
};

use super::{ConnectError, client::Client, index::CommandIndex, judge::Judge, stored::Stored};
use crate::{
    port::{Position, StoreError},
    tail::Tail,
};

/// Events taken at once, and those that may wait to be taken.
const BATCH: usize = 1_000;
/// Pauses between tries, doubling.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Begins the index anew when it is one of another log.
pub(super) async fn check(client: &Client, index: &mut CommandIndex) -> Result<(), ConnectError> {
    let Some(last) = index.last_event() else { return Ok(()) };
    let there = client.event_at(index.position()).await.map_err(ConnectError::Follow)?;
    if there.is_some_and(|there| there.event.id == last) {
        return Ok(());
    }
    tracing::warn!("the index of commands is of another log: it is made again");
    index.clear().map_err(|error| ConnectError::Index { path: "of this node".to_owned(), why: error.to_string() })
}

pub(super) struct Follower {
    client: Client,
    index: CommandIndex,
    judge: Arc<Judge>,
    tail: Arc<Tail>,
    head: watch::Sender<Position>,
}

impl Follower {
    pub(super) const fn new(
        client: Client,
        index: CommandIndex,
        judge: Arc<Judge>,
        tail: Arc<Tail>,
        head: watch::Sender<Position>,
    ) -> Self {
        Self { client, index, judge, tail, head }
    }

    pub(super) async fn run(mut self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let before = self.index.position();
            let error = self.follow().await;
            tracing::warn!(%error, "the log is not followed now: trying again");
            pause = if self.index.position() == before { (pause * 2).min(LONGEST_PAUSE) } else { FIRST_PAUSE };
            sleep(pause).await;
        }
    }

    /// Follows until something fails.
    async fn follow(&mut self) -> StoreError {
        let (client, after) = (self.client.clone(), self.index.position());
        let (sender, mut events) = mpsc::channel(BATCH);
        // a subscription that is polled and left would lose its place: it has a task of its own
        let receiving = tokio::spawn(receive(client, after, sender));
        let mut batch = Vec::with_capacity(BATCH);
        let error = loop {
            batch.clear();
            if events.recv_many(&mut batch, BATCH).await == 0 {
                break StoreError::Unavailable("the subscription ended".to_owned());
            }
            let mut followed = Vec::with_capacity(batch.len());
            let mut failed = None;
            for received in batch.drain(..) {
                match received {
                    Ok(stored) => followed.push(stored),
                    Err(error) => failed = failed.or(Some(error)),
                }
            }
            let kept = self.keep(followed);
            if let Some(error) = failed.or(kept.err()) {
                break error;
            }
        };
        receiving.abort();
        error
    }

    /// Index first: who hears of the new head may ask for its commands.
    fn keep(&mut self, events: Vec<Stored>) -> Result<(), StoreError> {
        let Some(last) = events.last().map(|stored| stored.event.position) else { return Ok(()) };
        self.index.add(&events).map_err(|error| StoreError::Unavailable(format!("the index of commands: {error}")))?;
        self.judge.indexed(&events);
        self.tail.push(events.into_iter().map(|stored| Arc::new(stored.event)));
        self.head.send_replace(last);
        Ok(())
    }
}

async fn receive(client: Client, after: Position, events: mpsc::Sender<Result<Stored, StoreError>>) {
    let mut subscription = client.subscribe(after).await;
    loop {
        let next = subscription.next().await;
        let ended = next.is_err();
        if events.send(next).await.is_err() || ended {
            return;
        }
    }
}
