//! What deciding about devices needs to know.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::{DevicePublished, DevicesEvent};
use crate::values::{DeviceId, PublicKey};

/// How many key packages a device knows again. An older one that is published once more counts as new.
const REMEMBERED_MARKS: usize = 4_096;

/// The devices of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Devices {
    /// How many events there were: the version of the last.
    version: u64,
    /// How many devices there ever were.
    pub(super) numbered: u32,
    pub(super) by_number: BTreeMap<u32, Device>,
}

/// One of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// None once its owner's key is destroyed.
    pub(super) id: Option<DeviceId>,
    pub(super) identity_key: Option<PublicKey>,
    /// Where those stand that nobody has: version of the event, place in it.
    pub(super) unclaimed: VecDeque<(u64, u32)>,
    pub(super) marks: VecDeque<u64>,
    pub(super) fallback: Option<Fallback>,
}

/// The package that is handed out when no other is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fallback {
    /// The version of the event in which it stands.
    pub published: u64,
    /// Its keyed hash.
    pub mark: u64,
}

impl Devices {
    /// A device by its name, and its number.
    pub fn named(&self, id: &DeviceId) -> Option<(u32, &Device)> {
        self.by_number
            .iter()
            .find(|(_, device)| device.id.as_ref() == Some(id))
            .map(|(number, device)| (*number, device))
    }

    /// What it takes in memory, in units of a few words: 1 for an account without devices.
    pub fn weight(&self) -> usize {
        1 + self.by_number.values().map(|device| 8 + device.unclaimed.len() + device.marks.len()).sum::<usize>()
    }

    pub(super) fn evolve(&mut self, event: &DevicesEvent) {
        self.version += 1;
        match event {
            DevicesEvent::Published(event) => {
                self.numbered = self.numbered.max(event.device);
                self.by_number.entry(event.device).or_default().published(self.version, event);
            }
            DevicesEvent::Claimed(event) => {
                if let Some(device) = self.by_number.get_mut(&event.device) {
                    device.unclaimed.retain(|place| *place != (event.published, event.nth));
                }
            }
            DevicesEvent::Removed(event) => {
                self.by_number.remove(&event.device);
            }
        }
    }
}

impl Device {
    /// How many packages may be handed out once each.
    pub fn left(&self) -> usize {
        self.unclaimed.len()
    }

    /// What is handed out when there is none left.
    pub const fn fallback(&self) -> Option<Fallback> {
        self.fallback
    }

    fn published(&mut self, version: u64, event: &DevicePublished) {
        if event.fresh {
            self.unclaimed.clear();
            self.fallback = None;
        }
        if let Some(keys) = event.keys.clear() {
            self.id = Some(keys.device.clone());
            self.identity_key = Some(keys.identity_key.clone());
        }
        for (nth, mark) in (0..).zip(&event.marks) {
            self.unclaimed.push_back((version, nth));
            if self.marks.len() == REMEMBERED_MARKS {
                self.marks.pop_front();
            }
            self.marks.push_back(*mark);
        }
        if let Some(mark) = event.fallback_mark {
            self.fallback = Some(Fallback { published: version, mark });
        }
    }
}
