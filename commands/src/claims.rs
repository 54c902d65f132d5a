//! Claims on usernames, email addresses and phone numbers: who has which, before and after accounts say so.
//!
//! A claim and the account it is for stand in different streams, so a crash may part them. Therefore a claim that its
//! account does not bear out counts for a minute only. A username alone is never given out again once an account had it.

use std::time::{SystemTime, UNIX_EPOCH};

use tidings_domain::{
    LoginKind, StreamId, Timestamp, UserId,
    login::{LoginCommand, LoginRefusal},
    user::{Identity, User},
};
use tidings_event_store::StoreError;
use tokio::sync::{Mutex, MutexGuard};

use crate::{Commands, Context, Error, Refusal};

/// What an account holds: the kind and the form in which it is unique.
pub(crate) type Claims = Vec<(LoginKind, String)>;

/// The claims that an account's identity bears out.
pub(crate) fn claims_of(identity: &Identity) -> Claims {
    let email = identity.email.as_ref().map(|email| (LoginKind::Email, email.canonical()));
    let phone = identity.phone_number.as_ref().map(|number| (LoginKind::Phone, number.as_str().to_owned()));
    let username = (LoginKind::Username, identity.username.as_str().to_owned());
    [Some(username), email, phone].into_iter().flatten().collect()
}

/// Lets one request at a time change what an account holds: else one could give back what another just took. A few locks
/// serve for all accounts.
pub(crate) struct Turns([Mutex<()>; 64]);

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::new(())))
    }
}

impl Turns {
    pub(crate) async fn of(&self, user: UserId) -> MutexGuard<'_, ()> {
        let last = user.as_bytes().last().copied().unwrap_or_default();
        self.0[usize::from(last) % self.0.len()].lock().await
    }
}

/// The later of the command's time and the clock's: history is brought in with times of long ago, and a claim from then
/// would lapse at once.
fn claimed_at(context: &Context) -> Timestamp {
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    context.now.max(Timestamp::from_millis(i64::try_from(clock.as_millis()).unwrap_or_default()))
}

/// Whether it is sure that the command which failed so appended nothing.
pub(crate) const fn appended_nothing(error: &Error) -> bool {
    match error {
        Error::Store(StoreError::Unavailable(_) | StoreError::Corrupt(_)) | Error::Internal(_) => false,
        Error::Store(StoreError::Overloaded)
        | Error::Refused(_)
        | Error::WrongCredentials
        | Error::WrongPassword
        | Error::OtpRequired
        | Error::TooManyAttempts { .. }
        | Error::NoSuchUser(_)
        | Error::NoSuchMessage
        | Error::Attachment { .. }
        | Error::KeyReused
        | Error::Forgotten
        | Error::HashingBusy
        | Error::Contended
        | Error::Keys(_)
        | Error::Codec(_) => true,
    }
}

impl Commands {
    /// Claims all or none.
    pub(crate) async fn claim_all(&self, user: UserId, claims: &Claims, context: &Context) -> Result<(), Error> {
        for (kind, canonical) in claims {
            if let Err(error) = self.claim(user, *kind, canonical, context).await {
                return Err(self.give_back(user, claims, error, context).await);
            }
        }
        Ok(())
    }

    async fn claim(&self, user: UserId, kind: LoginKind, canonical: &str, context: &Context) -> Result<(), Error> {
        let stream = self.0.blinding.login(kind, canonical);
        let holder = self.0.logins.peek(stream, |login| login.map(|(holder, _)| holder)).await?;
        let holder_missing = match holder {
            Some(holder) if holder != user => {
                let missing = |account: &Option<User>| !bears_out(account.as_ref(), kind, canonical);
                self.0.users.peek(StreamId::User(holder), missing).await?
            }
            Some(_) | None => false,
        };
        let command = LoginCommand::Claim { user, holder_missing, at: claimed_at(context) };
        match self.0.logins.execute(stream, &command, &context.without_key()).await {
            Err(Error::Refused(Refusal::LoginTaken(_))) => Err(Refusal::LoginTaken(kind).into()),
            Err(error) => Err(error),
            Ok(_) => Ok(()),
        }
    }

    async fn release(&self, user: UserId, kind: LoginKind, canonical: &str, context: &Context) -> Result<(), Error> {
        let stream = self.0.blinding.login(kind, canonical);
        let command = LoginCommand::Release { user, at: claimed_at(context) };
        self.0.logins.execute(stream, &command, &context.without_key()).await.map(drop)
    }

    /// Gives back those of the claims that the account does not bear out, after what they were made for failed. Where it is
    /// not sure that it failed they stay, and lapse by themselves if it did. The error to answer with.
    pub(crate) async fn give_back(&self, user: UserId, claims: &Claims, error: Error, context: &Context) -> Error {
        if appended_nothing(&error) {
            self.release_all_but_held(user, claims, context).await;
        }
        error
    }

    /// Releases those of the claims that the account does not bear out. When that fails they lapse by themselves.
    pub(crate) async fn release_all_but_held(&self, user: UserId, claims: &Claims, context: &Context) {
        let released = async {
            let account = self.account(user).await?;
            for (kind, canonical) in claims {
                if !bears_out(account.as_ref(), *kind, canonical) {
                    self.release(user, *kind, canonical, context).await?;
                }
            }
            Ok::<(), Error>(())
        };
        if let Err(error) = released.await {
            tracing::warn!(%error, "claims could not be given back: they lapse by themselves");
        }
    }
}

/// Whether this is rightly the account's. Of a closed one it is its username, which nobody gets again.
fn bears_out(account: Option<&User>, kind: LoginKind, canonical: &str) -> bool {
    match account.map(|account| &account.identity) {
        None => false,
        Some(None) => kind == LoginKind::Username,
        Some(Some(identity)) => claims_of(identity).iter().any(|(held, text)| *held == kind && text == canonical),
    }
}

impl From<LoginRefusal> for Refusal {
    fn from(refusal: LoginRefusal) -> Self {
        match refusal {
            // which kind it is, the claiming method says
            LoginRefusal::Taken => Self::LoginTaken(LoginKind::Username),
        }
    }
}
