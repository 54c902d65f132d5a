//! The directory's rows in SQLite.

use rusqlite::{Connection, OptionalExtension, Row, params};
use tidings_domain::{SessionId, UserId, WebhookId};

use super::{backend::SqliteBackend, devices, ids::Id16, webhooks};
use crate::fold::{
    Done,
    directory::{DeviceKey, DeviceRow, DirectoryChanges, DirectoryTables, SessionRow, UserRow, WebhookRow},
};

impl DirectoryTables for SqliteBackend {
    async fn users(&mut self, ids: &[UserId]) -> Done<Vec<(UserId, UserRow)>> {
        let mut statement = self.db.prepare_cached(
            "SELECT username, email, phone_number, first_name, last_name, created_at, modified_at, roles, credential,
                    kept_session, imported, suspended, mfa, closed_at
             FROM users WHERE id = ?",
        )?;
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            found.extend(statement.query_row([id.as_bytes()], user).optional()?.map(|row| (*id, row)));
        }
        Ok(found)
    }

    async fn sessions(&mut self, ids: &[SessionId]) -> Done<Vec<(SessionId, SessionRow)>> {
        let mut statement = self.db.prepare_cached(
            "SELECT id, user, credential, device_name, opened_at, refreshed_at FROM sessions WHERE id = ?",
        )?;
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            found.extend(statement.query_row([id.as_bytes()], session).optional()?);
        }
        Ok(found)
    }

    async fn sessions_of(&mut self, user: UserId) -> Done<Vec<(SessionId, SessionRow)>> {
        let mut statement = self.db.prepare_cached(
            "SELECT id, user, credential, device_name, opened_at, refreshed_at FROM sessions WHERE user = ?",
        )?;
        let rows = statement.query_map([user.as_bytes()], session)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    async fn devices(&mut self, keys: &[DeviceKey]) -> Done<Vec<(DeviceKey, DeviceRow)>> {
        devices::read(&self.db, keys)
    }

    async fn devices_of(&mut self, user: UserId) -> Done<Vec<(DeviceKey, DeviceRow)>> {
        devices::of_user(&self.db, user)
    }

    async fn webhooks(&mut self, ids: &[WebhookId]) -> Done<Vec<(WebhookId, WebhookRow)>> {
        Ok(webhooks::by_ids(&self.db, ids)?)
    }

    async fn webhooks_of(&mut self, owner: UserId) -> Done<Vec<(WebhookId, WebhookRow)>> {
        Ok(webhooks::of(&self.db, owner)?)
    }

    async fn write_directory(&mut self, changes: &DirectoryChanges<'_>) -> Done {
        for (key, row) in &changes.devices {
            devices::write(&self.db, *key, *row)?;
        }
        for (id, row) in &changes.users {
            write_user(&self.db, *id, row)?;
        }
        for (id, row) in &changes.sessions {
            match row {
                Some(row) => write_session(&self.db, *id, row)?,
                None => drop(self.db.prepare_cached("DELETE FROM sessions WHERE id = ?")?.execute([id.as_bytes()])?),
            }
        }
        for (id, row) in &changes.webhooks {
            webhooks::write(&self.db, *id, *row)?;
        }
        if let Some(touched) = self.touching() {
            touched.by_directory(changes);
        }
        Ok(())
    }
}

fn user(row: &Row<'_>) -> rusqlite::Result<UserRow> {
    Ok(UserRow {
        username: row.get(0)?,
        email: row.get(1)?,
        phone_number: row.get(2)?,
        first_name: row.get(3)?,
        last_name: row.get(4)?,
        created_at: row.get(5)?,
        modified_at: row.get(6)?,
        roles: row.get(7)?,
        credential: row.get(8)?,
        kept_session: row.get::<_, Option<Id16<SessionId>>>(9)?.map(|id| id.0),
        imported: row.get(10)?,
        suspended: row.get(11)?,
        mfa: row.get(12)?,
        closed_at: row.get(13)?,
    })
}

fn session(row: &Row<'_>) -> rusqlite::Result<(SessionId, SessionRow)> {
    let id = row.get::<_, Id16<SessionId>>(0)?.0;
    let session = SessionRow {
        user: row.get::<_, Id16<UserId>>(1)?.0,
        credential: row.get(2)?,
        device_name: row.get(3)?,
        opened_at: row.get(4)?,
        refreshed_at: row.get(5)?,
    };
    Ok((id, session))
}

fn write_user(db: &Connection, id: UserId, row: &UserRow) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO users VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
         ON CONFLICT (id) DO UPDATE SET username = ?2, email = ?3, phone_number = ?4, first_name = ?5, last_name = ?6,
             created_at = ?7, modified_at = ?8, roles = ?9, credential = ?10, kept_session = ?11, imported = ?12,
             suspended = ?13, mfa = ?14, closed_at = ?15",
    )?
    .execute(params![
        id.as_bytes(),
        row.username,
        row.email,
        row.phone_number,
        row.first_name,
        row.last_name,
        row.created_at,
        row.modified_at,
        row.roles,
        row.credential,
        row.kept_session.as_ref().map(SessionId::as_bytes),
        row.imported,
        row.suspended,
        row.mfa,
        row.closed_at,
    ])?;
    db.prepare_cached("DELETE FROM name_terms WHERE user = ?")?.execute([id.as_bytes()])?;
    for term in row.terms() {
        db.prepare_cached("INSERT INTO name_terms VALUES (?, ?, ?)")?.execute(params![
            term,
            id.as_bytes(),
            row.username
        ])?;
    }
    Ok(())
}

fn write_session(db: &Connection, id: SessionId, row: &SessionRow) -> rusqlite::Result<()> {
    let SessionRow { user, credential, device_name, opened_at, refreshed_at } = row;
    db.prepare_cached("INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?, ?, ?)")?.execute(params![
        id.as_bytes(),
        user.as_bytes(),
        credential,
        device_name,
        opened_at,
        refreshed_at
    ])?;
    Ok(())
}
