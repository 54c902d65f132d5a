//! Devices and what is left of their keys; the keys that are handed out stay in the log.

use std::collections::BTreeSet;

use tidings_domain::{
    UserId,
    devices::{DevicePublished, DevicesEvent},
};

use super::{DirectoryFold, DirectoryTables};
use crate::fold::{Done, FoldError};

/// A row of `devices`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DeviceRow {
    pub(crate) id: String,
    pub(crate) identity_key: String,
    pub(crate) key_packages: i64,
    pub(crate) fallback: bool,
    pub(crate) published_at: i64,
}

/// The key of a row: whose, and which of theirs.
pub(crate) type DeviceKey = (UserId, u32);

/// The device that an event is about.
pub(super) const fn number(event: &DevicesEvent) -> u32 {
    match event {
        DevicesEvent::Published(event) => event.device,
        DevicesEvent::Claimed(event) => event.device,
        DevicesEvent::Removed(event) => event.device,
    }
}

impl DirectoryFold {
    pub(super) async fn load_devices<T: DirectoryTables>(
        &mut self,
        tables: &mut T,
        keys: &BTreeSet<DeviceKey>,
    ) -> Done {
        let missing: Vec<_> = keys.iter().copied().filter(|key| !self.devices.contains(*key)).collect();
        if !missing.is_empty() {
            for (key, row) in tables.devices(&missing).await? {
                self.devices.loaded(key, Some(row));
            }
            for key in missing {
                self.devices.loaded(key, None);
            }
        }
        Ok(())
    }

    pub(super) async fn device<T: DirectoryTables>(
        &mut self,
        tables: &mut T,
        user: UserId,
        event: &DevicesEvent,
    ) -> Done {
        let key = (user, number(event));
        self.load_devices(tables, &BTreeSet::from([key])).await?;
        match event {
            DevicesEvent::Published(event) => self.published(tables, key, event).await,
            DevicesEvent::Claimed(event) => {
                // of an account that was closed meanwhile there is no row
                if let Some(row) = self.devices.change(key).and_then(Option::as_mut) {
                    row.key_packages = i64::from(event.left);
                }
                Ok(())
            }
            DevicesEvent::Removed(_) => {
                self.devices.put(key, None);
                self.erased = true;
                Ok(())
            }
        }
    }

    async fn published<T: DirectoryTables>(&mut self, tables: &mut T, key: DeviceKey, event: &DevicePublished) -> Done {
        if !self.users.contains(key.0) {
            self.load_users(tables, &[key.0]).await?;
        }
        let owner = self.users.get(key.0).and_then(Option::as_ref);
        let open = owner.ok_or_else(|| FoldError::data("this account is not there"))?.closed_at.is_none();
        let Some(keys) = event.keys.clear().filter(|_| open) else { return Ok(()) };
        let before = self.devices.get(key).and_then(Option::as_ref);
        if before.is_none() && !event.fresh {
            return Err(FoldError::data("this device is not there"));
        }
        let kept = before.is_some_and(|before| before.fallback && !event.fresh);
        let row = DeviceRow {
            id: keys.device.as_str().to_owned(),
            identity_key: keys.identity_key.as_str().to_owned(),
            key_packages: i64::from(event.left),
            fallback: kept || event.fallback_mark.is_some(),
            published_at: event.at.millis(),
        };
        self.devices.put(key, Some(row));
        Ok(())
    }

    /// Nothing stays of the devices of an account that is closed.
    pub(super) async fn forget_devices<T: DirectoryTables>(&mut self, tables: &mut T, user: UserId) -> Done {
        for (key, row) in tables.devices_of(user).await? {
            self.devices.loaded(key, Some(row));
        }
        let of_user = self.devices.iter().filter(|((owner, _), row)| *owner == user && row.is_some());
        let keys: Vec<DeviceKey> = of_user.map(|(key, _)| key).collect();
        for key in keys {
            self.devices.put(key, None);
        }
        Ok(())
    }
}
