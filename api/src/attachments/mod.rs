//! Attachments: who uploads how much at once, uploads as they come, files as they are asked for.

mod disposition;
mod range;
mod receiving;
mod serving;

use std::{
    collections::HashMap,
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tidings_attachments::Vault;
use tidings_domain::UserId;

use crate::problem::{Kind, Problem};

pub use receiving::{Received, Upload};
pub use serving::{serve, served};

/// How many uploads may be under way at a time: what each holds in memory is small, but not nothing.
const MOST_AT_ONCE: usize = 256;
/// And how many of them of one person.
const MOST_AT_ONCE_EACH: usize = 8;
/// How many uploads of one person may wait to be put to a message.
pub const MOST_UNUSED: u64 = 50;

/// What handlers need for attachments. Cheap to clone.
#[derive(Clone)]
pub struct Attachments {
    vault: Vault,
    /// How large a file may be, in bytes.
    pub max_bytes: u64,
    under_way: Arc<Mutex<HashMap<UserId, usize>>>,
}

impl Deref for Attachments {
    type Target = Vault;

    fn deref(&self) -> &Vault {
        &self.vault
    }
}

impl Attachments {
    /// Over the bytes of attachments.
    pub fn new(vault: Vault, max_bytes: u64) -> Self {
        Self { vault, max_bytes, under_way: Arc::default() }
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<UserId, usize>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more upload.
    pub fn admit(&self, user: UserId) -> Result<Admitted, Problem> {
        let mut under_way = self.under_way();
        if under_way.values().sum::<usize>() >= MOST_AT_ONCE {
            return Err(Kind::Overloaded.into());
        }
        let own = under_way.entry(user).or_default();
        if *own >= MOST_AT_ONCE_EACH {
            return Err(Problem::new(
                Kind::TooManyRequests,
                format!("{MOST_AT_ONCE_EACH} uploads are under way already"),
            ));
        }
        *own += 1;
        Ok(Admitted { attachments: self.clone(), user })
    }
}

/// A place among the uploads; left when it is dropped.
pub struct Admitted {
    attachments: Attachments,
    user: UserId,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut under_way = self.attachments.under_way();
        if let Some(own) = under_way.get_mut(&self.user) {
            *own -= 1;
            if *own == 0 {
                under_way.remove(&self.user);
            }
        }
    }
}
