//! An account's devices and the public keys by which others write to them end to end encrypted.
//!
//! A key package is handed out once: the stream's version decides between two who claim at the same moment, on whatever
//! nodes. What the log says openly are numbers; names and keys are sealed, and gone with the account. The state that is
//! decided against holds no key packages either: a claim says in which event its package stands.

mod decide;
mod events;
mod state;
#[cfg(test)]
mod tests;

pub use decide::{
    DevicesCommand, DevicesDecider, DevicesRefusal, FEW_KEY_PACKAGES, MAX_DEVICES, MAX_KEY_PACKAGES, Marked,
};
pub use events::{DevicePublished, DeviceRemoved, DevicesEvent, KeyPackageClaimed, PublishedKeys};
pub use state::{Device, Devices, Fallback};
