//! What can have happened to an account's devices.

use serde::{Deserialize, Serialize};

use crate::{
    KeyId, Personal, SealKeys, Timestamp, UserId,
    event::events,
    values::{DeviceId, PublicKey},
};

events! {
    /// Of the stream `devices-{user}`.
    pub enum DevicesEvent {
        /// A device is there, or has more keys.
        Published(DevicePublished) = "device_published" seals keys,
        /// A key package was handed out.
        Claimed(KeyPackageClaimed) = "key_package_claimed",
        /// A device is gone, with what is left of its keys.
        Removed(DeviceRemoved) = "device_removed",
    }
}

/// What a device publishes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedKeys {
    /// What its owner's clients call it.
    pub device: DeviceId,
    /// Who it is.
    pub identity_key: PublicKey,
    /// Those that were not there yet, in the order in which they are handed out.
    pub key_packages: Vec<PublicKey>,
    /// Handed out when no other is left, as often as need be; none where the one before it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<PublicKey>,
}

/// See [`DevicesEvent::Published`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DevicePublished {
    /// The key of the owner's data.
    pub key: KeyId,
    /// 1, 2, 3 … within the account; never given again.
    pub device: u32,
    /// Whether it is new, or has another identity: packages of the former one are void then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fresh: bool,
    /// Keyed hashes of the key packages, by which one that comes again is known.
    pub marks: Vec<u64>,
    /// The same of the fallback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback_mark: Option<u64>,
    /// How many may be handed out now.
    pub left: u32,
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(skip)]
    pub keys: Personal<PublishedKeys>,
}

impl DevicePublished {
    pub(crate) const fn seal_keys(&self) -> SealKeys {
        SealKeys { own: self.key, author: None }
    }
}

/// See [`DevicesEvent::Claimed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPackageClaimed {
    /// Of which device.
    pub device: u32,
    /// The version, in this stream, of the event in which the package stands.
    pub published: u64,
    /// Its place there, from 0.
    pub nth: u32,
    /// How many are left.
    pub left: u32,
    /// Who has it now.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

/// See [`DevicesEvent::Removed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRemoved {
    /// Which.
    pub device: u32,
    /// When.
    pub at: Timestamp,
}
