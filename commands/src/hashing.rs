//! Argon2id, off the async threads and bounded: hashing is made to be expensive, so strangers must not be able to order
//! any amount of it.

use std::{sync::Arc, thread};

use argon2::{Argon2, PasswordHash, PasswordHasher as _, PasswordVerifier};
use tidings_domain::values::Password;
use tokio::sync::Semaphore;

use crate::Error;

/// How many may wait for each one that is being hashed.
const WAITING_PER_CORE: usize = 32;

/// What a password is checked against when there is no account: the answer takes as long as if there were. Of random bytes,
/// so nobody knows a password for it, and with the parameters that every hash here has.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$0lJ4z+cMsftwvRKjGZcOWQ$39e/0auhOTZibOyknKid32YaV71ng2XXcZ2SsGe6at0";

#[derive(Clone)]
pub(crate) struct PasswordHasher {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl PasswordHasher {
    pub(crate) fn new() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self { running: Arc::new(Semaphore::new(cores)), waiting: Arc::new(Semaphore::new(cores * WAITING_PER_CORE)) }
    }

    /// How many are waited for, those being hashed included.
    pub(crate) fn busy(&self) -> usize {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        (cores * WAITING_PER_CORE).saturating_sub(self.waiting.available_permits())
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
        let (password, phc) = (password.clone(), phc.map_or_else(|| DECOY.into(), Arc::from));
        let right = self
            .bounded(move || {
                PasswordHash::new(&phc)
                    .is_ok_and(|hash| Argon2::default().verify_password(password.expose().as_bytes(), &hash).is_ok())
            })
            .await?;
        Ok(right && known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::parse(text.to_owned()).unwrap()
    }

    #[tokio::test]
    async fn the_decoy_costs_what_a_real_hash_costs_and_is_nobodys() {
        let hasher = PasswordHasher::new();
        let real = hasher.hash(&password("correct horse")).await.unwrap();
        let cost = |phc: &str| phc.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
        let length = |phc: &str| phc.split('$').map(str::len).collect::<Vec<_>>();
        assert_eq!((cost(&real), length(&real)), (cost(DECOY), length(DECOY)));
        assert!(PasswordHash::new(DECOY).is_ok());
        assert!(hasher.verify(&password("correct horse"), Some(&real)).await.unwrap());
        assert!(!hasher.verify(&password("another horse"), Some(&real)).await.unwrap());
        assert!(!hasher.verify(&password("correct horse"), None).await.unwrap());
    }

    #[tokio::test]
    async fn no_more_passwords_wait_than_may_and_it_goes_on_when_they_are_done() {
        let hasher = PasswordHasher { running: Arc::new(Semaphore::new(1)), waiting: Arc::new(Semaphore::new(3)) };
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let wait = Arc::new(std::sync::Mutex::new(wait));
        let slow = || {
            let wait = wait.clone();
            hasher.bounded(move || wait.lock().unwrap().recv().unwrap())
        };
        let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(slow())).collect();
        for slow in &mut waiting {
            // polled once, so that it has its place
            assert!(
                std::future::poll_fn(|context| std::task::Poll::Ready(slow.as_mut().poll(context))).await.is_pending()
            );
        }
        assert!(matches!(hasher.bounded(|| ()).await, Err(Error::HashingBusy)));
        (0..3).for_each(|_| go.send(()).unwrap());
        for slow in waiting {
            slow.await.unwrap();
        }
        hasher.bounded(|| ()).await.unwrap();
    }
}
