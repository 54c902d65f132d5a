//! The shape of `events.db`, and how a file comes to have it.

use std::{path::Path, sync::Arc};

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

use super::{
    file::{FileKind, OpenError},
    places::Places,
    session::{self, Session},
};

const STEPS: &[M<'static>] = &[
    M::up(include_str!("../../../migrations/sqlite/events/20261120120000_create_events.sql")),
    M::up(include_str!("../../../migrations/sqlite/events/20261121093000_create_places.sql")),
];

/// "TDNE".
const APPLICATION_ID: i32 = 0x5444_4e45;

pub(super) const KIND: FileKind = FileKind {
    name: "event store",
    application_id: APPLICATION_ID,
    schema: STEPS.len(),
    probe: "SELECT (SELECT max(position) FROM events), (SELECT max(id) FROM streams)",
};

/// Brings a file that was looked at to the newest schema and begins the writer's session.
pub(super) fn prepare(path: &Path, places: Arc<Places>) -> Result<Session, OpenError> {
    let unusable = |error: rusqlite::Error| OpenError::sqlite(path, &error);
    let mut connection = session::connect(path).map_err(unusable)?;
    migrate(&mut connection)
        .map_err(|error| OpenError::Unusable { path: path.to_owned(), reason: error.to_string() })?;
    drop(connection);
    Session::open(path, places).map_err(unusable)
}

fn migrate(connection: &mut Connection) -> rusqlite_migration::Result<()> {
    let application_id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if application_id != APPLICATION_ID {
        // First of all, so that a file that a crash left half made is still known as ours.
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    Migrations::from_slice(STEPS).to_latest(connection)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_migrations_are_sound() {
        assert_eq!(Migrations::from_slice(STEPS).validate(), Ok(()));
    }
}
