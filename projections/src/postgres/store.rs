//! The views of an installation in a database that its nodes share.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::{Connection, Executor, PgConnection};
use tidings_event_store::{
    Connections, Position,
    database::{DatabaseError, DatabaseUrl},
};

use super::{
    backend::PostgresBackend,
    compare::PostgresPinned,
    dropping::drop_tables,
    generations::{self, DELIVERS, EXPIRES, Found, Promoted, REBUILDS, Serving, lock_number},
    lease::PostgresLease,
    queries::PostgresQueries,
    reading::Reading,
    schema::{VIEWS, schema_of},
    watching::PostgresWatch,
};
use crate::{
    fold::Folding,
    queries::Queries,
    runner::{Generation, Lease, Opened, Pinned, Projection, Promotion, ViewStore, ViewsError, Wanted, Watch},
};

/// Views in PostgreSQL, for as many nodes as want them.
pub struct PostgresViews {
    url: DatabaseUrl,
    read_url: Option<DatabaseUrl>,
    reading: Arc<Reading>,
}

fn unavailable(error: &DatabaseError) -> ViewsError {
    ViewsError::Unavailable(error.to_string())
}

impl PostgresViews {
    /// Whether they could be opened, changing nothing.
    pub async fn check(url: &DatabaseUrl) -> Result<(), DatabaseError> {
        VIEWS.check(url).await
    }

    /// Opens the views at `url`, and makes or migrates what is not there yet. Questions go to `read_url`, a replica of it,
    /// where one is given; what is visible is then what the replica has replayed. While it is down or too far behind what
    /// was shown already, questions go to `url`.
    pub async fn open(url: DatabaseUrl, read_url: Option<DatabaseUrl>) -> Result<Self, DatabaseError> {
        VIEWS.migrate(&url).await?;
        let reading = Arc::new(Reading::new(&url, read_url.as_ref()));
        Ok(Self { url, read_url, reading })
    }

    /// A connection of its own: pools belong to the threads that serve.
    async fn connect(&self) -> Result<PgConnection, ViewsError> {
        self.url.try_connect().await.map_err(|error| unavailable(&error))
    }

    async fn take(&self, lock: i32) -> Result<Option<Box<dyn Lease>>, ViewsError> {
        let lease = PostgresLease::take(&self.url, lock).await?;
        Ok(lease.map(|lease| Box::new(lease) as Box<dyn Lease>))
    }

    async fn folding(&self, projection: Projection, serving: &Serving) -> Result<Box<dyn Generation>, ViewsError> {
        let mut db = self.connect().await?;
        generations::settle_in(&mut db, &schema_of(projection, serving.number), false).await?;
        let backend =
            PostgresBackend::serving(db, projection, serving.number, serving.moves, self.reading.shown().clone());
        // it is announced as it is found
        self.reading.shown().show(projection, serving.number, serving.position);
        Ok(Box::new(Folding::open(backend, serving.position, false).await?))
    }
}

#[async_trait]
impl ViewStore for PostgresViews {
    async fn open(&self, projection: Projection) -> Result<Opened, ViewsError> {
        let mut db = self.connect().await?;
        generations::remove_leftovers(&mut db, projection).await?;
        let look = self.reading.look();
        let found = generations::serving(&mut db, projection).await?;
        db.close().await?;
        match found {
            Found::Unusable(why) => {
                self.reading.found(look, projection, None);
                Ok(Opened::Build(why))
            }
            Found::Serving(serving) => {
                let generation = self.folding(projection, &serving).await?;
                if self.read_url.is_none() {
                    self.reading.found(look, projection, Some(serving.number));
                }
                Ok(Opened::Serving(generation))
            }
        }
    }

    async fn begin(&self, projection: Projection) -> Result<Box<dyn Generation>, ViewsError> {
        let mut db = self.connect().await?;
        let number = generations::create(&mut db, projection).await?;
        generations::settle_in(&mut db, &schema_of(projection, number), true).await?;
        let backend = PostgresBackend::filling(db, projection, number);
        Ok(Box::new(Folding::open(backend, Position::START, true).await?))
    }

    async fn promote(&self, projection: Projection, number: u32, forced: bool) -> Result<Promotion, ViewsError> {
        let mut db = self.connect().await?;
        let promotion = match generations::promote(&mut db, projection, number, forced).await? {
            Promoted::Behind(at) => Promotion::Behind(at),
            Promoted::InPlaceOf(before) => {
                if self.read_url.is_none() {
                    self.reading.found(self.reading.look(), projection, Some(number));
                }
                if let Some(before) = before {
                    drop_tables(&mut db, projection, before).await;
                }
                Promotion::Serves
            }
        };
        db.close().await?;
        Ok(promotion)
    }

    async fn want(&self, projection: Projection, wanted: bool) -> Result<(), ViewsError> {
        let mut db = self.connect().await?;
        generations::want(&mut db, projection, wanted).await?;
        Ok(db.close().await?)
    }

    async fn wanted(&self) -> Result<Vec<Wanted>, ViewsError> {
        let mut db = self.connect().await?;
        let wanted = generations::wanted(&mut db).await?;
        db.close().await?;
        Ok(wanted)
    }

    async fn rebuilding(&self, projection: Projection) -> Result<Option<Box<dyn Lease>>, ViewsError> {
        self.take(REBUILDS + lock_number(projection)).await
    }

    async fn discard(&self, projection: Projection, generation: Box<dyn Generation>) -> Result<(), ViewsError> {
        let number = generation.number();
        // with its connection, and whatever that holds
        drop(generation);
        let mut db = self.connect().await?;
        generations::discard(&mut db, projection, number).await?;
        Ok(db.close().await?)
    }

    async fn pin(&self, projection: Projection) -> Result<Box<dyn Pinned>, ViewsError> {
        let mut db = self.connect().await?;
        db.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        match generations::serving(&mut db, projection).await? {
            Found::Unusable(why) => Err(ViewsError::Unavailable(format!("no view serves: {why}"))),
            Found::Serving(Serving { number, position, .. }) => {
                Ok(Box::new(PostgresPinned { url: self.url.clone(), db, projection, number, position }))
            }
        }
    }

    fn connections(&self) -> Vec<Connections> {
        self.reading.connections()
    }

    fn queries(&self) -> Arc<dyn Queries> {
        Arc::new(PostgresQueries::new(self.reading.clone()))
    }

    async fn lease(&self, projection: Projection) -> Result<Option<Box<dyn Lease>>, ViewsError> {
        self.take(lock_number(projection)).await
    }

    async fn delivering(&self) -> Result<Option<Box<dyn Lease>>, ViewsError> {
        self.take(DELIVERS).await
    }

    async fn expiring(&self) -> Result<Option<Box<dyn Lease>>, ViewsError> {
        self.take(EXPIRES).await
    }

    fn watch(&self) -> Option<Box<dyn Watch>> {
        Some(Box::new(PostgresWatch::new(self.url.clone(), self.read_url.clone(), self.reading.clone())))
    }

    fn reads_elsewhere(&self) -> bool {
        self.read_url.is_some()
    }
}
