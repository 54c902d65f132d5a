//! Where questions go: to the replica where there is one that keeps up, else to the primary; and to which generations.

use std::{
    ops::{Deref, DerefMut},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, pool::PoolConnection};
use tidings_event_store::{
    Connections,
    database::{DatabaseUrl, connections, is_lost, is_rolled_back},
};

use super::{
    backend::number,
    error::is_gone,
    generations::{Found, serving},
    schema::schema_of,
    shown::Shown,
};
use crate::{queries::QueryError, runner::Projection};

/// The most connections of a node for questions, to each server.
const CONNECTIONS: u32 = 16;
/// How often a question is asked again, of another generation or another server.
const TRIES: u32 = 4;

/// Which generation of each projection serves, as far as is known here.
#[derive(Default, Clone, Copy)]
struct Known {
    directory: Serves,
    conversations: Serves,
    search: Serves,
}

/// Which generation serves, as of a look at the servers.
#[derive(Default, Clone, Copy)]
struct Serves {
    number: Option<u32>,
    as_of: Look,
}

/// When it was looked what serves: a later look is greater.
#[derive(Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Look(u64);

impl Known {
    const fn of(&mut self, projection: Projection) -> &mut Serves {
        match projection {
            Projection::Directory => &mut self.directory,
            Projection::Conversations => &mut self.conversations,
            Projection::Search => &mut self.search,
        }
    }
}

/// Answers from whatever serves.
pub(super) struct Reading {
    primary: PgPool,
    replica: Option<PgPool>,
    /// Whether the replica is asked.
    replica_serves: AtomicBool,
    known: RwLock<Known>,
    looks: AtomicU64,
    shown: Arc<Shown>,
}

/// A connection to ask on, and the names of the schemas that serve.
pub(super) struct Snapshot {
    db: Db,
    people: String,
    talks: String,
    /// None where that view does not serve.
    search: Option<String>,
    conversations: u32,
    on_replica: bool,
}

enum Db {
    Plain(PoolConnection<Postgres>),
    Transaction(sqlx::Transaction<'static, Postgres>),
}

impl Snapshot {
    /// A statement in which `{d}` stands for the directory's schema, `{c}` for that of the conversations and `{s}` for that of
    /// the search.
    pub(super) fn sql(&self, statement: &str) -> AssertSqlSafe<String> {
        let sql = statement.replace("{d}", &self.people).replace("{c}", &self.talks);
        AssertSqlSafe(match &self.search {
            Some(search) => sql.replace("{s}", search),
            None => sql,
        })
    }

    /// Whether the search view serves.
    pub(super) const fn searches(&self) -> bool {
        self.search.is_some()
    }

    /// The generation of the conversations that is asked.
    pub(super) fn conversations(&self) -> i32 {
        number(self.conversations)
    }

    pub(super) const fn on_replica(&self) -> bool {
        self.on_replica
    }
}

impl Deref for Snapshot {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        match &self.db {
            Db::Plain(db) => db,
            Db::Transaction(db) => db,
        }
    }
}

impl DerefMut for Snapshot {
    fn deref_mut(&mut self) -> &mut PgConnection {
        match &mut self.db {
            Db::Plain(db) => db,
            Db::Transaction(db) => db,
        }
    }
}

impl Reading {
    pub(super) fn new(primary: &DatabaseUrl, replica: Option<&DatabaseUrl>) -> Self {
        let replica = replica.map(|url| url.pool(CONNECTIONS));
        let replica_serves = AtomicBool::new(replica.is_some());
        let shown = Arc::new(Shown::default());
        let fence = shown.clone();
        let primary = primary.pool_of_checked(CONNECTIONS, move |db| {
            let fence = fence.clone();
            Box::pin(async move { fence.wait_for(db).await })
        });
        Self { primary, replica, replica_serves, known: RwLock::default(), looks: AtomicU64::new(0), shown }
    }

    /// How far this node has shown each view.
    pub(super) const fn shown(&self) -> &Arc<Shown> {
        &self.shown
    }

    /// To be taken before it is looked what serves.
    pub(super) fn look(&self) -> Look {
        Look(self.looks.fetch_add(1, Ordering::AcqRel) + 1)
    }

    /// Goes by what a server was found to serve, unless something else is known by a later look: the tables of a generation that
    /// no longer serves may still be there for a moment, as they were.
    pub(super) fn found(&self, as_of: Look, projection: Projection, number: Option<u32>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let serves = known.of(projection);
        if as_of > serves.as_of {
            *serves = Serves { number, as_of };
        }
    }

    pub(super) fn connections(&self) -> Vec<Connections> {
        let replica = self.replica.as_ref().map(|replica| connections("replica", replica));
        [connections("views", &self.primary)].into_iter().chain(replica).collect()
    }

    /// Whether the replica is asked.
    pub(super) fn replica_serves(&self) -> bool {
        self.replica_serves.load(Ordering::Acquire)
    }

    /// Sends questions to the replica, or to the primary.
    pub(super) fn use_replica(&self, serves: bool) {
        if self.replica.is_some() && self.replica_serves.swap(serves, Ordering::AcqRel) != serves {
            tracing::info!(replica = serves, "reads of the views go elsewhere now");
        }
    }

    fn pool(&self) -> (&PgPool, bool) {
        match &self.replica {
            Some(replica) if self.replica_serves() => (replica, true),
            Some(_) | None => (&self.primary, false),
        }
    }

    /// A connection to ask one statement on, or several that see the same moment.
    pub(super) async fn snapshot(&self, several: bool) -> Result<Snapshot, Failed> {
        let (pool, on_replica) = self.pool();
        let failed = |error: sqlx::Error| Failed { error: error.into(), on_replica };
        let known = *self.known.read().unwrap_or_else(PoisonError::into_inner);
        let known = match known {
            Known {
                directory: Serves { number: Some(_), .. }, conversations: Serves { number: Some(_), .. }, ..
            } => known,
            Known { .. } => self.look_up().await.map_err(failed)?,
        };
        let (Some(directory), Some(conversations)) = (known.directory.number, known.conversations.number) else {
            return Err(Failed { error: Error::NotReady, on_replica });
        };
        let db = if several {
            Db::Transaction(begin(pool.clone()).await.map_err(failed)?)
        } else {
            Db::Plain(pool.acquire().await.map_err(failed)?)
        };
        let people = schema_of(Projection::Directory, directory);
        let talks = schema_of(Projection::Conversations, conversations);
        let search = known.search.number.map(|number| schema_of(Projection::Search, number));
        Ok(Snapshot { db, people, talks, search, conversations, on_replica })
    }

    /// What serves, as the server that is asked knows it.
    async fn look_up(&self) -> sqlx::Result<Known> {
        let mut db = self.pool().0.acquire().await?;
        let look = self.look();
        for projection in Projection::ALL {
            let number = match serving(&mut db, projection).await? {
                Found::Serving(serving) => Some(serving.number),
                Found::Unusable(_) => None,
            };
            self.found(look, projection, number);
        }
        Ok(*self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// After a question that failed: whether it is asked again, or is an error for whoever asked.
    pub(super) async fn again(&self, failed: Failed, tries: &mut u32) -> Result<(), QueryError> {
        let Failed { error, on_replica } = failed;
        let error = match error {
            Error::NotReady => return Err(QueryError::NotReady),
            Error::Database(error) => error,
        };
        *tries += 1;
        if *tries >= TRIES {
            return Err(error.into());
        }
        let unavailable = is_lost(&error) || matches!(error, sqlx::Error::PoolTimedOut);
        if unavailable && on_replica {
            self.use_replica(false);
            return Ok(());
        }
        // a connection that the server closed meanwhile: the next one is new
        if is_lost(&error) && *tries == 1 {
            return Ok(());
        }
        // the swap of a generation reached the server before it reached this node; or was in its way
        if is_gone(&error) || is_rolled_back(&error) {
            self.look_up().await?;
            return Ok(());
        }
        Err(error.into())
    }
}

/// Begins to see one moment. To its end, also when whoever asks gives up meanwhile: sqlx would put the connection back with the
/// transaction open and not know of it, and whoever gets it next would see that moment for ever.
async fn begin(pool: PgPool) -> sqlx::Result<sqlx::Transaction<'static, Postgres>> {
    let begun = async move { pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await };
    // the runtime ends, and everything with it
    tokio::spawn(begun).await.map_err(|_| sqlx::Error::WorkerCrashed)?
}

/// A question that was not answered.
pub(super) struct Failed {
    pub(super) error: Error,
    pub(super) on_replica: bool,
}

/// Why not.
pub(super) enum Error {
    NotReady,
    Database(sqlx::Error),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}
