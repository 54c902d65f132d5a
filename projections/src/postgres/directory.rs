//! The directory's rows in PostgreSQL, many at a time.

use sqlx::{Row, postgres::PgRow};
use tidings_domain::{SessionId, UserId, WebhookId};
use uuid::Uuid;

use super::{backend::PostgresBackend, webhooks};
use crate::fold::{
    Done,
    directory::{DeviceKey, DeviceRow, DirectoryChanges, DirectoryTables, SessionRow, UserRow, WebhookRow},
};

impl DirectoryTables for PostgresBackend {
    async fn users(&mut self, ids: &[UserId]) -> Done<Vec<(UserId, UserRow)>> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
        let rows = sqlx::query("SELECT * FROM users WHERE id = ANY ($1)").bind(ids).fetch_all(&mut self.db).await?;
        Ok(rows.iter().map(user).collect::<Result<_, _>>()?)
    }

    async fn sessions(&mut self, ids: &[SessionId]) -> Done<Vec<(SessionId, SessionRow)>> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
        let rows = sqlx::query("SELECT * FROM sessions WHERE id = ANY ($1)").bind(ids).fetch_all(&mut self.db).await?;
        Ok(rows.iter().map(session).collect::<Result<_, _>>()?)
    }

    async fn sessions_of(&mut self, user: UserId) -> Done<Vec<(SessionId, SessionRow)>> {
        let found = sqlx::query("SELECT * FROM sessions WHERE user_id = $1").bind(user.uuid());
        let rows = found.fetch_all(&mut self.db).await?;
        Ok(rows.iter().map(session).collect::<Result<_, _>>()?)
    }

    async fn devices(&mut self, keys: &[DeviceKey]) -> Done<Vec<(DeviceKey, DeviceRow)>> {
        self.read_devices(keys).await
    }

    async fn devices_of(&mut self, user: UserId) -> Done<Vec<(DeviceKey, DeviceRow)>> {
        self.read_devices_of(user).await
    }

    async fn webhooks(&mut self, ids: &[WebhookId]) -> Done<Vec<(WebhookId, WebhookRow)>> {
        Ok(webhooks::by_ids(&mut self.db, ids).await?)
    }

    async fn webhooks_of(&mut self, owner: UserId) -> Done<Vec<(WebhookId, WebhookRow)>> {
        Ok(webhooks::of(&mut self.db, owner).await?)
    }

    async fn write_directory(&mut self, changes: &DirectoryChanges<'_>) -> Done {
        if !changes.devices.is_empty() {
            self.write_devices(&changes.devices).await?;
        }
        if !changes.users.is_empty() {
            self.write_users(&changes.users).await?;
        }
        if !changes.sessions.is_empty() {
            self.write_sessions(&changes.sessions).await?;
        }
        for (id, row) in &changes.webhooks {
            webhooks::write(&mut self.db, *id, *row).await?;
        }
        Ok(())
    }
}

impl PostgresBackend {
    async fn write_users(&mut self, users: &[(UserId, &UserRow)]) -> Done {
        let ids: Vec<Uuid> = users.iter().map(|(id, _)| id.uuid()).collect();
        let text = |column: fn(&UserRow) -> &Option<String>| -> Vec<Option<&str>> {
            users.iter().map(|(_, row)| column(row).as_deref()).collect()
        };
        let number = |column: fn(&UserRow) -> i64| -> Vec<i64> { users.iter().map(|(_, row)| column(row)).collect() };
        let fact = |column: fn(&UserRow) -> bool| -> Vec<bool> { users.iter().map(|(_, row)| column(row)).collect() };
        sqlx::query(
            "INSERT INTO users
             SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[],
                 $8::bigint[], $9::text[], $10::bigint[], $11::uuid[], $12::boolean[], $13::boolean[], $14::boolean[],
                 $15::bigint[])
             ON CONFLICT (id) DO UPDATE SET username = excluded.username, email = excluded.email,
                 phone_number = excluded.phone_number, first_name = excluded.first_name,
                 last_name = excluded.last_name, modified_at = excluded.modified_at, roles = excluded.roles,
                 credential = excluded.credential, kept_session = excluded.kept_session,
                 suspended = excluded.suspended, mfa = excluded.mfa, closed_at = excluded.closed_at",
        )
        .bind(&ids)
        .bind(text(|row| &row.username))
        .bind(text(|row| &row.email))
        .bind(text(|row| &row.phone_number))
        .bind(text(|row| &row.first_name))
        .bind(text(|row| &row.last_name))
        .bind(number(|row| row.created_at))
        .bind(number(|row| row.modified_at))
        .bind(users.iter().map(|(_, row)| row.roles.as_str()).collect::<Vec<_>>())
        .bind(number(|row| row.credential))
        .bind(users.iter().map(|(_, row)| row.kept_session.map(SessionId::uuid)).collect::<Vec<_>>())
        .bind(fact(|row| row.imported))
        .bind(fact(|row| row.suspended))
        .bind(fact(|row| row.mfa))
        .bind(users.iter().map(|(_, row)| row.closed_at).collect::<Vec<_>>())
        .execute(&mut self.db)
        .await?;
        self.write_terms(users, &ids).await
    }

    async fn write_terms(&mut self, users: &[(UserId, &UserRow)], ids: &[Uuid]) -> Done {
        sqlx::query("DELETE FROM name_terms WHERE user_id = ANY ($1)").bind(ids).execute(&mut self.db).await?;
        let (mut terms, mut of, mut names) = (Vec::new(), Vec::new(), Vec::new());
        for (id, row) in users {
            for term in row.terms() {
                terms.push(term);
                of.push(id.uuid());
                names.push(row.username.as_deref());
            }
        }
        sqlx::query("INSERT INTO name_terms SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[])")
            .bind(terms)
            .bind(of)
            .bind(names)
            .execute(&mut self.db)
            .await?;
        Ok(())
    }

    async fn write_sessions(&mut self, sessions: &[(SessionId, Option<&SessionRow>)]) -> Done {
        let gone: Vec<Uuid> = sessions.iter().filter(|(_, row)| row.is_none()).map(|(id, _)| id.uuid()).collect();
        if !gone.is_empty() {
            sqlx::query("DELETE FROM sessions WHERE id = ANY ($1)").bind(gone).execute(&mut self.db).await?;
        }
        let open: Vec<_> = sessions.iter().filter_map(|(id, row)| Some((id.uuid(), (*row)?))).collect();
        if open.is_empty() {
            return Ok(());
        }
        let number = |column: fn(&SessionRow) -> i64| -> Vec<i64> { open.iter().map(|(_, row)| column(row)).collect() };
        sqlx::query(
            "INSERT INTO sessions SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::bigint[],
                 $6::bigint[])
             ON CONFLICT (id) DO UPDATE SET user_id = excluded.user_id, credential = excluded.credential,
                 device_name = excluded.device_name, opened_at = excluded.opened_at, refreshed_at = excluded.refreshed_at",
        )
        .bind(open.iter().map(|(id, _)| *id).collect::<Vec<_>>())
        .bind(open.iter().map(|(_, row)| row.user.uuid()).collect::<Vec<_>>())
        .bind(number(|row| row.credential))
        .bind(open.iter().map(|(_, row)| row.device_name.as_deref()).collect::<Vec<_>>())
        .bind(number(|row| row.opened_at))
        .bind(number(|row| row.refreshed_at))
        .execute(&mut self.db)
        .await?;
        Ok(())
    }
}

fn user(row: &PgRow) -> sqlx::Result<(UserId, UserRow)> {
    let user = UserRow {
        username: row.try_get("username")?,
        email: row.try_get("email")?,
        phone_number: row.try_get("phone_number")?,
        first_name: row.try_get("first_name")?,
        last_name: row.try_get("last_name")?,
        created_at: row.try_get("created_at")?,
        modified_at: row.try_get("modified_at")?,
        roles: row.try_get("roles")?,
        credential: row.try_get("credential")?,
        kept_session: row.try_get::<Option<Uuid>, _>("kept_session")?.map(SessionId::new),
        imported: row.try_get("imported")?,
        suspended: row.try_get("suspended")?,
        mfa: row.try_get("mfa")?,
        closed_at: row.try_get("closed_at")?,
    };
    Ok((UserId::new(row.try_get("id")?), user))
}

fn session(row: &PgRow) -> sqlx::Result<(SessionId, SessionRow)> {
    let session = SessionRow {
        user: UserId::new(row.try_get("user_id")?),
        credential: row.try_get("credential")?,
        device_name: row.try_get("device_name")?,
        opened_at: row.try_get("opened_at")?,
        refreshed_at: row.try_get("refreshed_at")?,
    };
    Ok((SessionId::new(row.try_get("id")?), session))
}
