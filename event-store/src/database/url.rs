//! Connection strings, and the connections made from them.

use std::{
    fmt,
    str::FromStr,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::BoxFuture;
use sqlx::{
    ConnectOptions, Connection,
    postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions},
};

use super::DatabaseError;
use crate::Connections;

/// How long one connection may take to be made.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How long a server that says it is starting is waited for.
const STARTS_WITHIN: Duration = Duration::from_secs(30);
/// How long a query waits for a connection of a pool.
const ACQUIRE_WITHIN: Duration = Duration::from_secs(2);
/// A connection that was not used for so long is looked at before it is used: the server may have gone since.
const IDLE_IS_TESTED: Duration = Duration::from_secs(1);
/// Statements kept prepared on each connection.
const STATEMENTS: usize = 128;

/// The parameters that are understood; any other may be a misspelt one that was meant to protect something.
const PARAMETERS: [&str; 16] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
];

/// Which database, as it may be shown: never with a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Who signs in.
    pub user: String,
    /// Name or address, or the directory of a socket.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The database's name.
    pub database: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, host, port, database } = self;
        write!(f, "{user}@{host}:{port}/{database}")
    }
}

/// A PostgreSQL connection string, taken apart. Prints without its password. Cheap to clone.
#[derive(Clone)]
pub struct DatabaseUrl(Arc<Parts>);

struct Parts {
    options: PgConnectOptions,
    place: Place,
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({})", self.0.place)
    }
}

impl DatabaseUrl {
    /// Parses `postgres://user:password@host:port/database?sslmode=verify-full&sslrootcert=…`. `setting` is the name of the
    /// setting that it came from; errors name it and never repeat the text.
    pub fn parse(setting: &'static str, text: &str) -> Result<Self, DatabaseError> {
        let wrong = |why: &str| DatabaseError::NotAUrl { setting, why: why.to_owned() };
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(wrong("it must begin with postgres://"));
        }
        if let Some(unknown) = unknown_parameter(text) {
            return Err(wrong(&format!("it has a parameter {unknown:?} that is not known")));
        }
        // what sqlx says of it may hold parts of it
        let options = PgConnectOptions::from_str(text).map_err(|_| wrong("it cannot be read as a URL"))?;
        let options = options.statement_cache_capacity(STATEMENTS).disable_statement_logging();
        let named = options.get_application_name().is_some();
        let options = if named { options } else { options.application_name("tidings") };
        let place = Place {
            user: options.get_username().to_owned(),
            host: options.get_socket().map_or_else(|| options.get_host().to_owned(), |path| path.display().to_string()),
            port: options.get_port(),
            database: options.get_database().unwrap_or(options.get_username()).to_owned(),
        };
        Ok(Self(Arc::new(Parts { options, place })))
    }

    /// Where it leads, without the password.
    pub fn place(&self) -> &Place {
        &self.0.place
    }

    /// One connection, for what needs one of its own. Gives up after some seconds; a server that says it is starting is
    /// waited for.
    pub async fn connect(&self) -> Result<PgConnection, DatabaseError> {
        let begun = Instant::now();
        loop {
            match self.try_connect().await {
                Err(DatabaseError::Starting { .. }) if begun.elapsed() < STARTS_WITHIN => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                outcome => return outcome,
            }
        }
    }

    /// One connection, or at once the reason why there is none now.
    pub async fn try_connect(&self) -> Result<PgConnection, DatabaseError> {
        match tokio::time::timeout(CONNECT_WITHIN, PgConnection::connect_with(&self.0.options)).await {
            Ok(connected) => connected.map_err(|error| self.explain(&error)),
            Err(_) => Err(DatabaseError::Unreachable {
                place: self.0.place.clone(),
                reason: format!("no answer within {} s", CONNECT_WITHIN.as_secs()),
            }),
        }
    }

    /// A pool of at most so many connections. Nothing is connected until it is needed.
    pub fn pool(&self, max_connections: u32) -> PgPool {
        Self::options_of_pool(max_connections).connect_lazy_with(self.0.options.clone())
    }

    /// The same, where each new connection is looked at before anybody gets it. One that is refused is closed, and another
    /// made in its place.
    pub fn pool_of_checked<C>(&self, max_connections: u32, check: C) -> PgPool
    where
        C: for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, sqlx::Result<()>> + Send + Sync + 'static,
    {
        Self::options_of_pool(max_connections)
            .after_connect(move |connection, _| check(connection))
            .connect_lazy_with(self.0.options.clone())
    }

    fn options_of_pool(max_connections: u32) -> PgPoolOptions {
        PgPoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(ACQUIRE_WITHIN)
            .idle_timeout(Duration::from_mins(5))
            .max_lifetime(Duration::from_hours(1))
            // a round trip before each query would double what a look-up costs
            .test_before_acquire(false)
            .before_acquire(|connection, used| {
                Box::pin(async move {
                    if used.idle_for > IDLE_IS_TESTED {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
    }

    /// What an error means, in a sentence that says what to do.
    pub fn explain(&self, error: &sqlx::Error) -> DatabaseError {
        DatabaseError::of(&self.0.place, error)
    }
}

/// How a pool is doing.
pub fn connections(name: &'static str, pool: &PgPool) -> Connections {
    let most = usize::try_from(pool.options().get_max_connections()).unwrap_or(usize::MAX);
    Connections { pool: name, open: usize::try_from(pool.size()).unwrap_or(most), idle: pool.num_idle(), most }
}

/// The first parameter that nobody understands.
fn unknown_parameter(text: &str) -> Option<&str> {
    let (_, query) = text.split_once('?')?;
    let names = query.split('&').map(|pair| pair.split('=').next().unwrap_or(pair));
    names.into_iter().find(|name| !name.is_empty() && !PARAMETERS.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<DatabaseUrl, String> {
        DatabaseUrl::parse("TIDINGS_EVENT_STORE", text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_url_shows_where_it_leads_and_never_its_password() {
        let url = parse("postgres://ada:hunter2@db.example:6432/letters?sslmode=require").unwrap();
        assert_eq!(url.place().to_string(), "ada@db.example:6432/letters");
        assert_eq!(format!("{url:?}"), "DatabaseUrl(ada@db.example:6432/letters)");
    }

    #[test]
    fn what_is_no_url_is_refused_in_one_sentence_that_names_the_setting_only() {
        for text in
            ["mysql://ada:hunter2@db/x", "postgres://ada:hunter2@db:port/x", "postgres://ada@db/x?pasword=hunter2"]
        {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with("TIDINGS_EVENT_STORE is not") && !error.contains("hunter2"), "{error}");
        }
    }
}
