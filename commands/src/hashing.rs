//! Argon2id, off the async threads and bounded: hashing is made to be expensive, so strangers must not be able to order
//! any amount of it.

use std::{sync::Arc, thread};

use argon2::{Argon2, PasswordHash, PasswordHasher as _, PasswordVerifier};
use tidings_domain::values::Password;
use tokio::sync::Semaphore;

use crate::Error;

/// How many may wait for each one that is being hashed.
const WAITING_PER_CORE: usize = 32;

#[derive(Clone)]
pub(crate) struct PasswordHasher {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// What a password is checked against when there is no account: the answer takes as long as if there were.
    decoy: Arc<str>,
}

impl PasswordHasher {
    pub(crate) fn new() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        // Of no password anybody can type: it is longer than the longest.
        let decoy = Argon2::default().hash_password(&[0; 200]).map(|hash| hash.to_string()).unwrap_or_default();
        Self {
            running: Arc::new(Semaphore::new(cores)),
            waiting: Arc::new(Semaphore::new(cores * WAITING_PER_CORE)),
            decoy: decoy.into(),
        }
    }

    async fn bounded<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let internal = |error: &dyn std::fmt::Display| Error::Internal(error.to_string());
        let _waiting = self.waiting.try_acquire().map_err(|_| Error::HashingBusy)?;
        let running = self.running.clone().acquire_owned().await.map_err(|error| internal(&error))?;
        let work = move || {
            let result = work();
            drop(running);
            result
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| internal(&error))
    }

    /// The PHC string of a password under a fresh salt.
    pub(crate) async fn hash(&self, password: &Password) -> Result<String, Error> {
        let password = password.clone();
        self.bounded(move || Argon2::default().hash_password(password.expose().as_bytes()).map(|hash| hash.to_string()))
            .await?
            .map_err(|error| Error::Internal(error.to_string()))
    }

    /// Whether the password is the one of this PHC string. Without a string: `false`, after the same time.
    pub(crate) async fn verify(&self, password: &Password, phc: Option<&str>) -> Result<bool, Error> {
        let known = phc.is_some();
        let (password, phc) = (password.clone(), phc.map_or_else(|| self.decoy.clone(), Arc::from));
        let right = self
            .bounded(move || {
                PasswordHash::new(&phc)
                    .is_ok_and(|hash| Argon2::default().verify_password(password.expose().as_bytes(), &hash).is_ok())
            })
            .await?;
        Ok(right && known)
    }
}
