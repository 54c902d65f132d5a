//! The rows of devices in PostgreSQL, many at a time.

use sqlx::{Row, postgres::PgRow};
use tidings_domain::UserId;
use uuid::Uuid;

use super::backend::PostgresBackend;
use crate::fold::{
    Done,
    directory::{DeviceKey, DeviceRow},
};

impl PostgresBackend {
    pub(super) async fn read_devices(&mut self, keys: &[DeviceKey]) -> Done<Vec<(DeviceKey, DeviceRow)>> {
        let (users, numbers) = columns(keys.iter().copied());
        let found = sqlx::query(
            "SELECT * FROM devices WHERE (user_id, number) IN (SELECT * FROM unnest($1::uuid[], $2::bigint[]))",
        );
        let rows = found.bind(users).bind(numbers).fetch_all(&mut self.db).await?;
        Ok(rows.iter().map(device).collect::<Result<_, _>>()?)
    }

    pub(super) async fn read_devices_of(&mut self, user: UserId) -> Done<Vec<(DeviceKey, DeviceRow)>> {
        let found = sqlx::query("SELECT * FROM devices WHERE user_id = $1").bind(user.uuid());
        let rows = found.fetch_all(&mut self.db).await?;
        Ok(rows.iter().map(device).collect::<Result<_, _>>()?)
    }

    pub(super) async fn write_devices(&mut self, devices: &[(DeviceKey, Option<&DeviceRow>)]) -> Done {
        // rows are few and change in few ways: they are put in anew
        let (users, numbers) = columns(devices.iter().map(|(key, _)| *key));
        sqlx::query("DELETE FROM devices WHERE (user_id, number) IN (SELECT * FROM unnest($1::uuid[], $2::bigint[]))")
            .bind(users)
            .bind(numbers)
            .execute(&mut self.db)
            .await?;
        let there: Vec<_> = devices.iter().filter_map(|(key, row)| Some((*key, (*row)?))).collect();
        if there.is_empty() {
            return Ok(());
        }
        let (users, numbers) = columns(there.iter().map(|(key, _)| *key));
        sqlx::query(
            "INSERT INTO devices SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::bigint[],
                 $6::boolean[], $7::bigint[])",
        )
        .bind(users)
        .bind(numbers)
        .bind(there.iter().map(|(_, row)| row.id.as_str()).collect::<Vec<_>>())
        .bind(there.iter().map(|(_, row)| row.identity_key.as_str()).collect::<Vec<_>>())
        .bind(there.iter().map(|(_, row)| row.key_packages).collect::<Vec<_>>())
        .bind(there.iter().map(|(_, row)| row.fallback).collect::<Vec<_>>())
        .bind(there.iter().map(|(_, row)| row.published_at).collect::<Vec<_>>())
        .execute(&mut self.db)
        .await?;
        Ok(())
    }
}

fn columns(keys: impl Iterator<Item = DeviceKey>) -> (Vec<Uuid>, Vec<i64>) {
    keys.map(|(user, number)| (user.uuid(), i64::from(number))).unzip()
}

fn device(row: &PgRow) -> sqlx::Result<(DeviceKey, DeviceRow)> {
    let number = u32::try_from(row.try_get::<i64, _>("number")?).unwrap_or_default();
    let device = DeviceRow {
        id: row.try_get("id")?,
        identity_key: row.try_get("identity_key")?,
        key_packages: row.try_get("key_packages")?,
        fallback: row.try_get("fallback")?,
        published_at: row.try_get("published_at")?,
    };
    Ok(((UserId::new(row.try_get("user_id")?), number), device))
}
