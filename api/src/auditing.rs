//! Who may read the log over KurrentDB's protocol: auditors, with sealed parts open, and operators, with them sealed.

use std::{fmt, net::Ipv6Addr, sync::Arc};

use async_trait::async_trait;
use quick_cache::sync::Cache;
use secrecy::{ExposeSecret, SecretString};
use tidings_commands::{
    Commands, Context, Error,
    sessions::{Login, SignIn, Whence},
};
use tidings_domain::{
    StreamName, UserId,
    access::{ContentAccessed, Shown},
    values::{Password, Role},
};
use tidings_event_store::InstallationSecret;
use tidings_grpc::{Credentials, Denied, Gatekeeper, LogServer, Pass};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use zeroize::Zeroizing;

use crate::{
    audit::{Audit, Wanted},
    auth::Authenticator,
    clock::now,
    config::Config,
    extract::Caller,
    problem::Kind,
    serve::ServeError,
    stores::Stores,
};

/// How many right passwords are remembered, so that not every call of a client hashes its own. Whether it still is the account's
/// password, and the account's state and roles, are looked up every time.
const MOST_REMEMBERED: usize = 1_000;

/// The listener of the log's gRPC server, where the configuration has one.
pub(crate) async fn listener(config: &Config) -> Result<Option<TcpListener>, ServeError> {
    let Some(address) = config.grpc_listen else { return Ok(None) };
    let failed = |source| ServeError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    tracing::info!("the log is served over gRPC on {bound}");
    Ok(Some(listener))
}

/// Serves the log until the server stops.
pub(crate) fn serve(listener: TcpListener, stores: &Stores, stopping: watch::Receiver<bool>) -> JoinHandle<()> {
    let authenticator = Authenticator::new(&stores.secret, Arc::new(stores.commands.clone()));
    let audit = Audit::new(stores.store.clone(), stores.codec.clone());
    let readers = Arc::new(LogReaders::new(stores.commands.clone(), audit, authenticator, &stores.secret));
    let server = LogServer::new(stores.store.clone(), stores.codec.clone(), readers);
    tokio::spawn(async move {
        if let Err(error) = server.serve(listener, stopping).await {
            tracing::error!(%error, "the log is not served any more");
        }
    })
}

/// Lets auditors and operators read the log.
pub struct LogReaders {
    commands: Commands,
    audit: Audit,
    authenticator: Authenticator,
    /// By a keyed hash of login and password: whose, and its number.
    right: Cache<[u8; 32], (UserId, u32)>,
    /// What is remembered says nothing about passwords to who does not have it.
    hash_key: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for LogReaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogReaders(…)")
    }
}

impl LogReaders {
    /// By the accounts of this installation.
    pub fn new(commands: Commands, audit: Audit, authenticator: Authenticator, secret: &InstallationSecret) -> Self {
        let hash_key = secret.derive("tidings 2026 passwords of log readers");
        Self { commands, audit, authenticator, right: Cache::new(MOST_REMEMBERED), hash_key }
    }

    async fn by_password(&self, login: String, password: SecretString) -> Result<Pass, Denied> {
        let mut hasher = blake3::Hasher::new_keyed(&self.hash_key);
        // no login contains a colon: it ends there in the header
        hasher.update(login.as_bytes()).update(b":").update(password.expose_secret().as_bytes());
        let shown = *hasher.finalize().as_bytes();
        let (user, credential) = if let Some(known) = self.right.get(&shown) {
            known
        } else {
            let login = if login.contains('@') { Login::Email(login) } else { Login::Username(login) };
            let password = Password::parse(password.expose_secret().to_owned()).ok();
            let context = Context { now: now(), ..Context::default() };
            let found = self.commands.check_login(&from_the_log(login, password), &context).await;
            let found = found.map_err(|error| denied(&error))?;
            self.right.insert(shown, found);
            found
        };
        self.pass(user, None, credential).await
    }

    async fn by_token(&self, token: SecretString) -> Result<Pass, Denied> {
        let caller = self.authenticator.caller(token.expose_secret()).await.map_err(|problem| {
            let shown_wrong = matches!(problem.kind(), Kind::Unauthenticated | Kind::SessionEnded);
            if shown_wrong { Denied::Unauthenticated } else { Denied::Unavailable }
        })?;
        self.pass(caller.user, Some(caller), caller.credential).await
    }

    async fn pass(&self, user: UserId, caller: Option<Caller>, credential: u32) -> Result<Pass, Denied> {
        let account = self.commands.account(user).await.map_err(|error| denied(&error))?;
        let account = account.filter(tidings_domain::user::User::is_active).ok_or(Denied::Unauthenticated)?;
        let stands = match caller {
            Some(caller) => self.authenticator.stands(caller).await.map_err(|_| Denied::Unavailable)?,
            None => account.credential == credential,
        };
        if !stands {
            return Err(Denied::Unauthenticated);
        }
        let opens = account.roles.contains(&Role::Auditor);
        if !opens && !account.roles.contains(&Role::Operator) {
            return Err(Denied::Forbidden);
        }
        Ok(Pass { user, session: caller.map(|caller| caller.session), credential, opens })
    }
}

/// Clients of the log do not say where they are: all of them share the counts of failed attempts of one place, which no
/// request over HTTP comes from. A password found right stays known, so nobody loses an open door to others' guesses.
fn from_the_log(login: Login, password: Option<Password>) -> SignIn {
    let from = Whence { address: Some(Ipv6Addr::UNSPECIFIED.into()), device: None };
    SignIn { login, password, otp: None, device: None, from }
}

fn denied(error: &Error) -> Denied {
    // who has a second factor shows an access token: a password alone is not enough
    let wrong = matches!(
        error,
        Error::WrongCredentials | Error::OtpRequired | Error::TooManyAttempts { .. } | Error::Refused(_)
    );
    if wrong {
        return Denied::Unauthenticated;
    }
    tracing::warn!(%error, "who reads the log cannot be checked");
    Denied::Unavailable
}

#[async_trait]
impl Gatekeeper for LogReaders {
    async fn admit(&self, credentials: Credentials) -> Result<Pass, Denied> {
        match credentials {
            Credentials::None => Err(Denied::Unauthenticated),
            Credentials::Basic { login, password } => self.by_password(login, password).await,
            Credentials::Bearer(token) => self.by_token(token).await,
        }
    }

    async fn note(&self, pass: &Pass, stream: Option<&StreamName>) -> Result<(), Denied> {
        let unnoted = |error: &dyn fmt::Display| {
            tracing::warn!(%error, "what an auditor reads cannot be noted: it is not shown");
            Denied::Unavailable
        };
        let access = ContentAccessed::new(pass.user, now(), Shown::Protocol);
        let wanted = Wanted { stream: stream.cloned(), ..Wanted::default() };
        let access = self.audit.concerning(access, &wanted).await.map_err(|problem| unnoted(&problem))?;
        let context = Context { actor: Some(pass.user), session: pass.session, now: access.at, ..Context::default() };
        self.commands.note_access(access, &context).await.map(drop).map_err(|error| unnoted(&error))
    }

    async fn still_admits(&self, pass: &Pass) -> Result<(), Denied> {
        let Pass { user, session, credential, opens } = *pass;
        let caller = session.map(|session| Caller { user, session, credential });
        match self.pass(user, caller, credential).await {
            Ok(now) if now.opens == opens => Ok(()),
            Ok(_) => Err(Denied::Forbidden),
            Err(denied) => Err(denied),
        }
    }
}
