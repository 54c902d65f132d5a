//! The right to fold a projection, or to deliver webhooks: a session's advisory lock. It ends with the session, and the session ends with its node.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use sqlx::{Connection, Executor, PgConnection};
use tidings_event_store::database::DatabaseUrl;
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
    time::timeout,
};

use super::generations::FOLDS;
use crate::runner::{Lease, ViewsError};

/// How often the holder shows that it is there.
const BEAT: Duration = Duration::from_secs(1);
/// How long an answer to that may take before the lease counts as lost.
const ANSWER: Duration = Duration::from_secs(3);
/// When PostgreSQL ends a session that shows nothing. Longer than the two together: the holder gives up first.
const SILENCE: &str = "SET idle_session_timeout = '5s'; SET tcp_user_timeout = '5s'; SET tcp_keepalives_idle = 2; \
    SET tcp_keepalives_interval = 1; SET tcp_keepalives_count = 3";

/// A lock that is held as long as this lives, and its session does.
pub(super) struct PostgresLease {
    lost: watch::Receiver<bool>,
    /// Told, the task below ends the session in good order.
    ending: Arc<Notify>,
    beating: JoinHandle<()>,
}

impl PostgresLease {
    /// None when another node has it.
    pub(super) async fn take(url: &DatabaseUrl, lock: i32) -> Result<Option<Self>, ViewsError> {
        let mut db = url.try_connect().await.map_err(|error| ViewsError::Unavailable(error.to_string()))?;
        let taken: bool =
            sqlx::query_scalar("SELECT pg_try_advisory_lock($1, $2)").bind(FOLDS).bind(lock).fetch_one(&mut db).await?;
        if !taken {
            db.close().await?;
            return Ok(None);
        }
        db.execute(SILENCE).await?;
        let (losing, lost) = watch::channel(false);
        let ending = Arc::new(Notify::new());
        let told = Arc::clone(&ending);
        let beating = tokio::spawn(async move {
            if beat(&mut db, &told).await {
                end(db).await;
            }
            losing.send_replace(true);
        });
        Ok(Some(Self { lost, ending, beating }))
    }
}

/// Goes on as long as the session does, or until it is to end: true then.
async fn beat(db: &mut PgConnection, ending: &Notify) -> bool {
    loop {
        match timeout(ANSWER, db.ping()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "a lease is lost");
                return false;
            }
            Err(_) => {
                tracing::warn!("a lease is lost: no answer");
                return false;
            }
        }
        tokio::select! {
            () = ending.notified() => return true,
            () = tokio::time::sleep(BEAT) => {}
        }
    }
}

/// Unlocks, and says goodbye.
async fn end(mut db: PgConnection) {
    // a session that cannot be told is ending as it is
    let unlocked = timeout(ANSWER, db.execute("SELECT pg_advisory_unlock_all()")).await;
    if matches!(unlocked, Ok(Ok(_))) {
        timeout(ANSWER, db.close()).await.ok();
    }
}

#[async_trait]
impl Lease for PostgresLease {
    fn held(&self) -> bool {
        !*self.lost.borrow()
    }

    async fn lost(&mut self) {
        // the task that would tell is gone: so is the lease
        drop(self.lost.wait_for(|lost| *lost).await);
    }

    async fn give_back(mut self: Box<Self>) {
        self.ending.notify_one();
        if let Err(error) = (&mut self.beating).await {
            tracing::warn!(%error, "a lease was not given back in good order");
        }
    }
}

impl Drop for PostgresLease {
    /// The connection goes with the task, and the lock with the connection.
    fn drop(&mut self) {
        self.beating.abort();
    }
}
