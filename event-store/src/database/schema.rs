//! Bringing a database to the shape that this program expects.

use std::collections::HashSet;

use sqlx::{AssertSqlSafe, Connection, SqlSafeStr, postgres::PgConnection};
use sqlx_core::migrate::{MigrateError, Migration, MigrationType, Migrator};

use super::{DatabaseError, DatabaseUrl, error::state};

/// One migration: a file `migrations/postgres/<part>/<version>_<name>.sql`, embedded. Never changed once released.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// The file's time, `yyyymmddhhmmss`.
    pub version: i64,
    /// What it does.
    pub name: &'static str,
    /// Its statements; they name their tables with the schema.
    pub sql: &'static str,
}

/// The tables of one part of the program, in a PostgreSQL schema of their own.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    /// What it is to people: "event store".
    pub part: &'static str,
    /// The PostgreSQL schema, which also holds the table of the migrations that were applied.
    pub name: &'static str,
    /// In the order they are applied.
    pub steps: &'static [Step],
}

impl Schema {
    /// Brings the database to the newest shape. Nodes may start together: one migrates, the others wait for it. What a
    /// newer program migrated is refused and left as it is; what needs nothing is only looked at, so a login without the
    /// right to change tables, or a standby, will do then.
    pub async fn migrate(&self, url: &DatabaseUrl) -> Result<(), DatabaseError> {
        let mut connection = url.connect().await?;
        let applied = self.applied(url, &mut connection).await?;
        if applied != Some(self.steps.len()) {
            let migrated = self.migrator().run_direct(None, &mut connection, false).await;
            migrated.map_err(|error| self.explain(url, error, applied.is_some()))?;
        }
        // whatever lock is still held ends with it
        connection.close().await.map_err(|error| url.explain(&error))
    }

    /// Whether this could be opened, as far as can be told without changing anything: somebody is there and lets this login
    /// in, the schema is not a newer program's, and one that is not there yet may be made.
    pub async fn check(&self, url: &DatabaseUrl) -> Result<(), DatabaseError> {
        let mut connection = url.connect().await?;
        let explained = |error| url.explain(&error);
        if self.applied(url, &mut connection).await?.is_none() {
            let may: bool = sqlx::query_scalar("SELECT has_database_privilege(current_database(), 'CREATE')")
                .fetch_one(&mut connection)
                .await
                .map_err(explained)?;
            if !may {
                let reason = format!("CREATE on the database, where the {} is to be made", self.part);
                return Err(DatabaseError::MissingRight { place: url.place().clone(), reason });
            }
        }
        connection.close().await.map_err(explained)
    }

    /// Whether there is nothing to migrate. A schema of a newer program is an error.
    pub async fn is_current(&self, url: &DatabaseUrl, connection: &mut PgConnection) -> Result<bool, DatabaseError> {
        Ok(self.applied(url, connection).await? == Some(self.steps.len()))
    }

    /// How many of the migrations were applied; `None` where this schema never was.
    async fn applied(&self, url: &DatabaseUrl, connection: &mut PgConnection) -> Result<Option<usize>, DatabaseError> {
        let explained = |error| url.explain(&error);
        let table = self.table();
        let there: Option<String> = sqlx::query_scalar("SELECT to_regclass($1)::text")
            .bind(&table)
            .fetch_one(&mut *connection)
            .await
            .map_err(explained)?;
        if there.is_none() {
            return Ok(None);
        }
        let query = format!("SELECT version FROM {table} WHERE success ORDER BY version");
        let applied: Vec<i64> =
            sqlx::query_scalar(AssertSqlSafe(query)).fetch_all(connection).await.map_err(explained)?;
        let known: HashSet<i64> = self.steps.iter().map(|step| step.version).collect();
        match applied.iter().copied().find(|version| !known.contains(version)) {
            Some(version) => Err(self.newer(url, version)),
            None => Ok(Some(applied.len())),
        }
    }

    fn table(&self) -> String {
        format!("{}.migrations", self.name)
    }

    fn migrator(&self) -> Migrator {
        let steps = self.steps.iter().map(|step| {
            let sql = step.sql.into_sql_str();
            Migration::new(step.version, step.name.into(), MigrationType::Simple, sql, false)
        });
        let mut migrator = Migrator::with_migrations(steps.collect());
        migrator.dangerous_set_table_name(self.table());
        migrator.create_schema(self.name);
        migrator
    }

    fn newer(&self, url: &DatabaseUrl, version: i64) -> DatabaseError {
        DatabaseError::NewerSchema { part: self.part, place: url.place().clone(), version }
    }

    fn explain(&self, url: &DatabaseUrl, error: MigrateError, was_there: bool) -> DatabaseError {
        if let MigrateError::VersionMissing(version) = error {
            return self.newer(url, version);
        }
        let (MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) = error else {
            return DatabaseError::Other { place: url.place().clone(), reason: format!("{}: {error}", self.part) };
        };
        let state = state(&error);
        match (state.as_deref(), url.explain(&error)) {
            // not its owner, or a standby
            (Some("42501"), DatabaseError::MissingRight { place, reason })
            | (Some("25006"), DatabaseError::Transient { place, reason })
                if was_there =>
            {
                DatabaseError::OlderSchema { part: self.part, place, reason }
            }
            (_, explained) => explained,
        }
    }
}
