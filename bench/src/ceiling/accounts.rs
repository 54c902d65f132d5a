//! Registration and sign-in: argon2 with the parameters that Tidings has, then one durable append.

use super::log::{self, Log};
use super::{Reference, auth, failed};
use crate::error::BenchError;
use argon2::{Argon2, PasswordHash, PasswordHasher as _, PasswordVerifier as _};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;

/// Who there is, and what it takes to become and to prove so.
pub(crate) struct Accounts {
    registered: Log,
    opened: Log,
    /// By username.
    known: Mutex<HashMap<String, Arc<Account>>>,
    /// As many passwords are hashed at once as there are processors.
    hashing: Semaphore,
}

struct Account {
    id: u32,
    hash: String,
}

/// The body of a registration, and of a sign-in.
#[derive(Deserialize)]
pub(crate) struct Credentials {
    username: String,
    password: String,
}

/// A line of the log of accounts.
#[derive(Serialize)]
struct Registered<'a> {
    id: u32,
    username: &'a str,
    hash: &'a str,
}

/// A line of the log of sessions.
#[derive(Serialize)]
struct Opened {
    session: String,
    account: u32,
}

#[derive(Serialize)]
pub(crate) struct Profile {
    id: u32,
    username: String,
}

#[derive(Serialize)]
pub(crate) struct Session {
    id: String,
    access_token: String,
    token_type: &'static str,
}

impl Accounts {
    pub(crate) fn open(dir: &Path) -> Result<Self, BenchError> {
        let (registered, opened) = (Log::open(&log::accounts(dir))?, Log::open(&log::sessions(dir))?);
        let hashing = Semaphore::new(std::thread::available_parallelism()?.get());
        Ok(Self { registered, opened, known: Mutex::default(), hashing })
    }

    /// Off the threads that serve, and bounded.
    async fn hash<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, StatusCode> {
        let _turn = self.hashing.acquire().await.map_err(failed)?;
        tokio::task::spawn_blocking(work).await.map_err(failed)
    }

    fn account(&self, username: &str) -> Option<Arc<Account>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(username).cloned()
    }

    /// The account under its name, unless the name is taken.
    fn add(&self, username: &str, hash: String) -> Result<Arc<Account>, StatusCode> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.contains_key(username) {
            return Err(StatusCode::CONFLICT);
        }
        let account = Arc::new(Account { id: u32::try_from(known.len()).map_err(failed)?, hash });
        known.insert(username.to_owned(), Arc::clone(&account));
        Ok(account)
    }
}

pub(crate) async fn register(
    State(reference): State<Arc<Reference>>,
    Json(Credentials { username, password }): Json<Credentials>,
) -> Result<(StatusCode, Json<Profile>), StatusCode> {
    let accounts = &reference.accounts;
    let hashed =
        accounts.hash(move || Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string()));
    let account = accounts.add(&username, hashed.await?.map_err(failed)?)?;
    let line = Registered { id: account.id, username: &username, hash: &account.hash };
    append(&accounts.registered, &line).await?;
    Ok((StatusCode::CREATED, Json(Profile { id: account.id, username })))
}

pub(crate) async fn sign_in(
    State(reference): State<Arc<Reference>>,
    Json(Credentials { username, password }): Json<Credentials>,
) -> Result<(StatusCode, Json<Session>), StatusCode> {
    let accounts = &reference.accounts;
    let account = accounts.account(&username).ok_or(StatusCode::UNAUTHORIZED)?;
    let known = Arc::clone(&account);
    let verified = accounts.hash(move || {
        PasswordHash::new(&known.hash)
            .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
    });
    if !verified.await? {
        return Err(StatusCode::UNAUTHORIZED);
    }
    let opened = Opened { session: uuid::Uuid::new_v4().to_string(), account: account.id };
    append(&accounts.opened, &opened).await?;
    let access_token = auth::token(account.id).map_err(failed)?;
    Ok((StatusCode::CREATED, Json(Session { id: opened.session, access_token, token_type: "Bearer" })))
}

async fn append(log: &Log, line: &impl Serialize) -> Result<(), StatusCode> {
    let mut bytes = serde_json::to_vec(line).map_err(failed)?;
    bytes.push(b'\n');
    log.append(bytes).await.map(drop).ok_or(StatusCode::SERVICE_UNAVAILABLE)
}
