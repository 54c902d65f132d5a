//! Accounts that are closed: what they wrote is erased, also what arrives after all.

use std::collections::HashMap;

use rusqlite::{Connection, params};
use tidings_domain::{ConversationId, UserId, user::UserClosed};

use super::ConversationsFold;
use crate::sqlite::{error::FoldError, ids::Id16};

impl ConversationsFold {
    pub(super) fn closed(&mut self, db: &Connection) -> Result<&HashMap<UserId, i64>, FoldError> {
        let closed = match self.closed.take() {
            Some(closed) => closed,
            None => read_closed(db)?,
        };
        Ok(self.closed.insert(closed))
    }

    pub(super) fn user_closed(&mut self, db: &Connection, user: UserId, event: &UserClosed) -> Result<(), FoldError> {
        let at = event.at.millis();
        db.prepare_cached("INSERT OR IGNORE INTO closed VALUES (?, ?)")?.execute(params![user.as_bytes(), at])?;
        self.closed(db)?;
        if let Some(closed) = &mut self.closed {
            closed.insert(user, at);
        }
        // a view being filled has this index only from the first closing on
        db.execute_batch("CREATE INDEX IF NOT EXISTS messages_by_sender ON messages (sender)")?;
        let mut statement = db.prepare_cached(
            "SELECT m.key, c.id FROM messages m JOIN conversations c ON c.number = m.key >> 32
             WHERE m.sender = ? AND m.deleted_at IS NULL",
        )?;
        let written = statement.query_map([user.as_bytes()], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Id16<ConversationId>>(1)?.0))
        })?;
        let written: Vec<_> = written.collect::<Result<_, _>>()?;
        for (key, conversation) in written {
            self.erase(db, conversation, key, at)?;
        }
        Ok(())
    }
}

fn read_closed(db: &Connection) -> rusqlite::Result<HashMap<UserId, i64>> {
    let mut statement = db.prepare_cached("SELECT user, at FROM closed")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, Id16<UserId>>(0)?.0, row.get(1)?)))?;
    rows.collect()
}
