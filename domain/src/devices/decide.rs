//! What may be done with devices.

use std::collections::BTreeSet;

use super::{Device, DevicePublished, DeviceRemoved, Devices, DevicesEvent, KeyPackageClaimed, PublishedKeys};
use crate::{
    Decider, KeyId, Personal, Timestamp, UserId,
    values::{DeviceId, PublicKey},
};

/// How many devices an account may have.
pub const MAX_DEVICES: usize = 20;

/// How many key packages of a device may wait to be claimed.
pub const MAX_KEY_PACKAGES: usize = 200;

/// So many are few: with each claim that leaves no more, the owner is told.
pub const FEW_KEY_PACKAGES: u32 = 10;

/// A key package and its keyed hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// By which it is known again.
    pub mark: u64,
    /// The package.
    pub key: PublicKey,
}

/// What may be asked of devices.
#[derive(Debug, Clone, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum DevicesCommand {
    /// Add a device, or keys to one that is there. Packages that were published before are passed over.
    Publish {
        /// The key of the owner's data.
        key: KeyId,
        /// Which.
        device: DeviceId,
        /// Another one than before makes all earlier packages void.
        identity_key: PublicKey,
        /// More packages.
        key_packages: Vec<Marked>,
        /// Another fallback; none leaves the one before.
        fallback: Option<Marked>,
        /// Now.
        at: Timestamp,
    },
    /// Take a key package. No event follows where only the fallback is left, which serves any number of times.
    Claim {
        /// Of which device.
        device: DeviceId,
        /// Who.
        by: UserId,
        /// Now.
        at: Timestamp,
    },
    /// Take a device away.
    Remove {
        /// Which.
        device: DeviceId,
        /// Now.
        at: Timestamp,
    },
}

/// Why devices do not do what they are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DevicesRefusal {
    /// There is none of this name.
    #[error("there is no such device")]
    NoSuchDevice,
    /// There is no room for one more.
    #[error("an account may have {MAX_DEVICES} devices")]
    TooManyDevices,
    /// There is no room for so many more.
    #[error("at most {MAX_KEY_PACKAGES} key packages of a device may wait to be claimed")]
    TooManyKeyPackages,
    /// All were claimed, and there is no fallback.
    #[error("no key package of this device is left")]
    NoKeyPackages,
}

/// Decides about devices.
#[derive(Debug)]
pub struct DevicesDecider;

impl Decider for DevicesDecider {
    type Command = DevicesCommand;
    type Event = DevicesEvent;
    type State = Devices;
    type Refusal = DevicesRefusal;

    fn name(command: &DevicesCommand) -> &'static str {
        command.into()
    }

    fn decide(devices: &Devices, command: &DevicesCommand) -> Result<Vec<DevicesEvent>, DevicesRefusal> {
        match command {
            DevicesCommand::Publish { key, device, identity_key, key_packages, fallback, at } => {
                let keys = PublishedKeys {
                    device: device.clone(),
                    identity_key: identity_key.clone(),
                    key_packages: vec![],
                    fallback: None,
                };
                Ok(publish(devices, keys, key_packages, fallback.as_ref())?
                    .map(|event| DevicePublished { key: *key, at: *at, ..event }.into())
                    .into_iter()
                    .collect())
            }
            DevicesCommand::Claim { device, by, at } => {
                let (number, device) = devices.named(device).ok_or(DevicesRefusal::NoSuchDevice)?;
                claim(number, device, *by, *at)
            }
            DevicesCommand::Remove { device, at } => {
                let (number, _) = devices.named(device).ok_or(DevicesRefusal::NoSuchDevice)?;
                Ok(vec![DeviceRemoved { device: number, at: *at }.into()])
            }
        }
    }

    fn evolve(devices: &mut Devices, event: &DevicesEvent) {
        devices.evolve(event);
    }
}

fn claim(number: u32, device: &Device, by: UserId, at: Timestamp) -> Result<Vec<DevicesEvent>, DevicesRefusal> {
    let Some(&(published, nth)) = device.unclaimed.front() else {
        return if device.fallback.is_some() { Ok(vec![]) } else { Err(DevicesRefusal::NoKeyPackages) };
    };
    Ok(vec![KeyPackageClaimed { device: number, published, nth, left: count(device.left() - 1), by, at }.into()])
}

/// The event without its key and time; none when all of it was published before.
fn publish(
    devices: &Devices,
    mut keys: PublishedKeys,
    packages: &[Marked],
    fallback: Option<&Marked>,
) -> Result<Option<DevicePublished>, DevicesRefusal> {
    let known = devices.named(&keys.device);
    if known.is_none() && devices.by_number.len() >= MAX_DEVICES {
        return Err(DevicesRefusal::TooManyDevices);
    }
    let number = known.map_or(devices.numbered + 1, |(number, _)| number);
    let device = known.map(|(_, device)| device);
    let fresh = device.is_none_or(|device| device.identity_key.as_ref() != Some(&keys.identity_key));
    let mut seen: BTreeSet<u64> = device.into_iter().flat_map(|device| &device.marks).copied().collect();
    let new: Vec<&Marked> = packages.iter().filter(|package| seen.insert(package.mark)).collect();
    let waiting = if fresh { 0 } else { device.map_or(0, Device::left) };
    let left = waiting + new.len();
    if left > MAX_KEY_PACKAGES {
        return Err(DevicesRefusal::TooManyKeyPackages);
    }
    let before = device.filter(|_| !fresh).and_then(Device::fallback).map(|fallback| fallback.mark);
    let fallback = fallback.filter(|fallback| Some(fallback.mark) != before);
    if !fresh && new.is_empty() && fallback.is_none() {
        return Ok(None);
    }
    keys.key_packages = new.iter().map(|package| package.key.clone()).collect();
    keys.fallback = fallback.map(|fallback| fallback.key.clone());
    Ok(Some(DevicePublished {
        key: KeyId(0),
        device: number,
        fresh,
        marks: new.iter().map(|package| package.mark).collect(),
        fallback_mark: fallback.map(|fallback| fallback.mark),
        left: count(left),
        at: Timestamp::from_millis(0),
        keys: Personal::Clear(keys),
    }))
}

/// Bounded by [`MAX_KEY_PACKAGES`].
fn count(left: usize) -> u32 {
    u32::try_from(left).unwrap_or(u32::MAX)
}
