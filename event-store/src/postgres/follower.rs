//! Hearing of what other nodes write, and telling them of one's own.

use std::{sync::Arc, time::Duration};

use sqlx::{
    Connection,
    postgres::{PgListener, PgPool},
};
use tokio::{sync::watch, time};

use super::{read::Reads, shown::Shown};
use crate::{
    database::{DatabaseError, DatabaseUrl},
    port::{Filter, Position, StoreError},
};

/// One for each database: the payload is the position of the last event of a batch.
const CHANNEL: &str = "tidings_events";
/// How often the log is looked at when nothing is heard: a notice may be lost with its connection.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long the follower waits before it connects again, at first and at most.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(25), Duration::from_millis(400));
/// How many events are read at once for the tail. Who is further behind begins a new one.
const PAGE: usize = 2_048;

/// Moves this node's head to where the log ends.
#[derive(Debug)]
pub(super) struct Follower {
    url: DatabaseUrl,
    pool: PgPool,
    reads: Reads,
    shown: Arc<Shown>,
}

impl Follower {
    pub(super) fn new(url: &DatabaseUrl, reads: Reads, shown: Arc<Shown>) -> Self {
        // for the listening connection alone
        Self { url: url.clone(), pool: url.pool(1), reads, shown }
    }

    pub(super) async fn run(self) {
        let mut back_off = BACK_OFF.0;
        loop {
            match self.listen().await {
                Ok(listener) => {
                    self.shown.set_down(false);
                    back_off = BACK_OFF.0;
                    if let Err(error) = self.follow(listener).await {
                        tracing::warn!(%error, "the event store is no longer heard, it is listened to again");
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "the event store cannot be listened to");
                    self.shown.set_down(true);
                    time::sleep(back_off).await;
                    back_off = (back_off * 2).min(BACK_OFF.1);
                }
            }
        }
    }

    async fn listen(&self) -> Result<PgListener, DatabaseError> {
        let failed = |error| self.url.explain(&error);
        // a pool asks a server that is gone for seconds, and everybody else would wait with it
        self.url.try_connect().await?.close().await.map_err(failed)?;
        let mut listener = PgListener::connect_with(&self.pool).await.map_err(failed)?;
        listener.eager_reconnect(false);
        listener.listen(CHANNEL).await.map_err(failed)?;
        Ok(listener)
    }

    async fn follow(&self, mut listener: PgListener) -> Result<(), StoreError> {
        let lost = |error: sqlx::Error| StoreError::Unavailable(error.to_string());
        self.shown.forget_early();
        // what was before the listening began was not told
        let head = self.reads.head().await?;
        if head < self.shown.head() {
            self.shown.agree(head);
        }
        self.catch_up(head).await?;
        loop {
            let head = tokio::select! {
                heard = listener.try_recv() => match heard.map_err(lost)? {
                    Some(notice) => notice.payload().parse().map_or(Position::START, Position::new),
                    None => return Err(StoreError::Unavailable("the connection was lost".to_owned())),
                },
                () = self.shown.behind() => match self.shown.gap() {
                    Some(before) => before,
                    None => continue,
                },
                () = time::sleep(LOOK_EVERY) => self.reads.head().await?,
            };
            self.catch_up(head).await?;
        }
    }

    async fn catch_up(&self, head: Position) -> Result<(), StoreError> {
        while self.shown.head() < head {
            let known = self.shown.head();
            if head.get() - known.get() > PAGE as u64 * 4 {
                self.shown.agree(head);
                return Ok(());
            }
            let until = self.shown.gap().map_or(head, |before| before.min(head));
            let page = self.reads.after(known, &Filter::All, PAGE, until).await?;
            self.shown.add_read(page.events);
        }
        Ok(())
    }
}

/// Tells the other nodes how far this one has written: once for what was written since it told last, outside of the
/// appends' transactions, because all that notify are committed one after the other.
pub(super) async fn notify(pool: PgPool, mut own: watch::Receiver<Position>) {
    while own.changed().await.is_ok() {
        let last = own.borrow_and_update().get();
        if let Err(error) = tell(&pool, last).await {
            tracing::debug!(%error, "the other nodes were not told, they look by themselves");
        }
    }
}

async fn tell(pool: &PgPool, last: u64) -> sqlx::Result<()> {
    // a notice need not survive anything, and must not cost a sync
    sqlx::query("SELECT set_config('synchronous_commit', 'off', false), pg_notify($1, $2)")
        .bind(CHANNEL)
        .bind(last.to_string())
        .execute(pool)
        .await
        .map(drop)
}
