//! What readers see, as it moves: told by NOTIFY, and looked at now and then in case that was lost.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use sqlx::{PgConnection, postgres::PgListener};
use tidings_event_store::{Position, database::DatabaseUrl};

use super::{
    backend::{number, parked_event},
    generations::{Glimpse, glimpses},
    reading::Reading,
};
use crate::{
    model::ParkedEvent,
    runner::{Projection, ViewsError, Visible, Watch},
};

/// How long a look may take before the server counts as away.
const PATIENCE: Duration = Duration::from_secs(2);

/// Looks at the replica where it is asked, else at the primary. Used on one thread, with connections of its own.
pub(super) struct PostgresWatch {
    primary: Server,
    replica: Option<Server>,
    reading: Arc<Reading>,
    listener: Option<PgListener>,
    /// How far readers were shown each view.
    shown: HashMap<Projection, Position>,
}

struct Server {
    url: DatabaseUrl,
    db: Option<PgConnection>,
}

impl Server {
    const fn new(url: DatabaseUrl) -> Self {
        Self { url, db: None }
    }

    async fn look(&mut self) -> Result<Vec<Visible>, ViewsError> {
        let late = |_| ViewsError::Unavailable(format!("{} does not answer", self.url.place()));
        let looked = tokio::time::timeout(PATIENCE, look(&self.url, &mut self.db)).await.map_err(late);
        let looked = looked.and_then(|looked| looked);
        if looked.is_err() {
            self.db = None;
        }
        looked
    }
}

async fn look(url: &DatabaseUrl, kept: &mut Option<PgConnection>) -> Result<Vec<Visible>, ViewsError> {
    let mut db = match kept.take() {
        Some(db) => db,
        None => url.try_connect().await.map_err(|error| ViewsError::Unavailable(error.to_string()))?,
    };
    let mut visible = Vec::new();
    for Glimpse { projection, generation, position, parks } in glimpses(&mut db).await? {
        // what is parked may be a moment newer than the position: it is for people to look at
        let parked = if parks { parked(&mut db, projection, generation).await? } else { Vec::new() };
        visible.push(Visible { projection, generation, position, parked });
    }
    *kept = Some(db);
    Ok(visible)
}

async fn parked(db: &mut PgConnection, projection: Projection, of: u32) -> sqlx::Result<Vec<ParkedEvent>> {
    let rows = sqlx::query(
        "SELECT position, stream, version, name, error FROM tidings_views.parked
         WHERE projection = $1 AND generation = $2 ORDER BY position",
    )
    .bind(projection.name())
    .bind(number(of))
    .fetch_all(db)
    .await?;
    rows.iter().map(parked_event).collect()
}

impl PostgresWatch {
    pub(super) fn new(primary: DatabaseUrl, replica: Option<DatabaseUrl>, reading: Arc<Reading>) -> Self {
        let (primary, replica) = (Server::new(primary), replica.map(Server::new));
        Self { primary, replica, reading, listener: None, shown: HashMap::new() }
    }

    /// From the replica, if it is there and no reader would go back in time by it.
    async fn replica(&mut self) -> Option<Vec<Visible>> {
        let visible = self.replica.as_mut()?.look().await;
        let keeps_up = match &visible {
            Ok(visible) => visible.iter().all(|view| Some(&view.position) >= self.shown.get(&view.projection)),
            Err(error) => {
                tracing::debug!(%error, "the replica of the views does not answer");
                false
            }
        };
        let serves = keeps_up && visible.as_ref().is_ok_and(|visible| visible.len() == Projection::ALL.len());
        self.reading.use_replica(serves);
        visible.ok().filter(|_| serves)
    }

    async fn listener(&mut self) -> sqlx::Result<&mut PgListener> {
        let listener = if let Some(listener) = self.listener.take() {
            listener
        } else {
            let mut listener = PgListener::connect_with(&self.primary.url.pool(1)).await?;
            listener.listen("tidings_views").await?;
            listener
        };
        Ok(self.listener.insert(listener))
    }
}

#[async_trait]
impl Watch for PostgresWatch {
    async fn look(&mut self) -> Result<Vec<Visible>, ViewsError> {
        let look = self.reading.look();
        let visible = match self.replica().await {
            Some(visible) => visible,
            None => self.primary.look().await?,
        };
        for view in &visible {
            self.reading.found(look, view.projection, Some(view.generation));
            self.shown.insert(view.projection, view.position);
            self.reading.shown().show(view.projection, view.generation, view.position);
        }
        Ok(visible)
    }

    async fn moved(&mut self, within: Duration) {
        let told = async {
            match self.listener().await {
                Ok(listener) => match listener.try_recv().await {
                    Ok(Some(_)) => while listener.next_buffered().is_some() {},
                    Ok(None) | Err(_) => self.listener = None,
                },
                // looking now and then goes on without it
                Err(_) => std::future::pending().await,
            }
        };
        // whether told or not, it is time to look
        drop(tokio::time::timeout(within, told).await);
    }
}
