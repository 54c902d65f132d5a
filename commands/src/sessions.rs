//! Sign-in, refresh, sign-out.

use secrecy::SecretString;
use tidings_domain::{
    KeyId, LoginKind, SessionId, StreamId, Timestamp, UserId,
    session::{SessionCommand, SessionEvent, SessionOpened, SessionRefusal},
    user::UserRefusal,
    values::{DeviceName, Email, Otp, Password, Username},
};

pub use crate::attempts::Whence;
use crate::{
    Commands, Context, Error, Outcome,
    attempts::Attempt,
    blinding::{hash_token, read_token},
};

/// What somebody signs in with.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// The username or email address, as typed.
    pub login: Login,
    /// The password; none for one that can be nobody's because no password may look so.
    pub password: Option<Password>,
    /// The second factor, as typed.
    pub otp: Option<String>,
    /// What the device is called.
    pub device: Option<DeviceName>,
    /// Where from.
    pub from: Whence,
}

/// How an account is named at sign-in.
#[derive(Debug, Clone)]
pub enum Login {
    /// By its username.
    Username(String),
    /// By its email address.
    Email(String),
}

/// A session that was opened or refreshed: everything an access token needs.
#[derive(Debug, Clone)]
pub struct OpenSession {
    /// The session.
    pub session: SessionId,
    /// Whose.
    pub user: UserId,
    /// The number of the password it was opened with.
    pub credential: u32,
    /// When the event happened that this follows from.
    pub at: Timestamp,
    /// Serves once.
    pub refresh_token: SecretString,
}

impl Commands {
    /// Opens a session. Takes as long, and says as little, for an account that does not exist.
    pub async fn sign_in(&self, sign_in: SignIn, context: &Context) -> Result<Outcome<OpenSession>, Error> {
        let (user, key, credential) = self.check_credentials(&sign_in, context).await?;
        let session = SessionId::new(context.new_id("session"));
        let refresh_token = self.0.blinding.refresh_token(session, None, context)?;
        let token = hash_token(&refresh_token);
        let device = sign_in.device;
        let command = SessionCommand::Open { user, key, credential, token, device, at: context.now };
        let context = Context { actor: Some(user), ..context.clone() };
        let outcome = self.0.sessions.execute(StreamId::Session(session), &command, &context).await?;
        let Outcome { value, position, replayed } = outcome;
        match value.into_iter().next() {
            Some((_, SessionEvent::Opened(event))) if event.token == token => {
                let SessionOpened { user, credential, at, .. } = event;
                Ok(Outcome { value: OpenSession { session, user, credential, at, refresh_token }, position, replayed })
            }
            Some(_) => Err(Error::KeyReused),
            None => Err(SessionRefusal::Ended.into()),
        }
    }

    /// Whose login and password these are, and the password's number. Opens no session, and says as little as
    /// [`Commands::sign_in`].
    pub async fn check_login(&self, sign_in: &SignIn, context: &Context) -> Result<(UserId, u32), Error> {
        let (user, _, credential) = self.check_credentials(sign_in, context).await?;
        Ok((user, credential))
    }

    async fn check_credentials(&self, sign_in: &SignIn, context: &Context) -> Result<(UserId, KeyId, u32), Error> {
        let (name, holder) = self.named(&sign_in.login).await?;
        let attempt = self.attempt(&name, holder, &sign_in.from, context).await?;
        let account = match holder {
            Some(user) => self.account(user).await?.map(|account| (user, account)),
            None => None,
        };
        let phc = account.as_ref().and_then(|(_, account)| account.identity.as_ref()?.password_hash.as_deref());
        // the decoy's turn when there is no such account; a password nobody can have is checked all the same
        let shown = sign_in.password.clone().or_else(|| Password::parse("not a password".to_owned()).ok());
        let right = match &shown {
            Some(password) => self.0.hasher.verify(password, phc).await? && sign_in.password.is_some(),
            None => false,
        };
        let right = match account {
            Some((_, account)) if right && account.suspended => return Err(UserRefusal::Suspended.into()),
            Some((user, account)) if right => {
                let shown = self.check_second_factor(user, sign_in.otp.as_deref(), attempt.as_ref(), context).await?;
                shown.then_some((user, account.key, account.credential))
            }
            Some(_) | None => None,
        };
        if let Some(attempt) = attempt {
            if right.is_some() { attempt.succeeded().await? } else { attempt.failed().await? }
        }
        right.ok_or(Error::WrongCredentials)
    }

    /// The name in the form in which its attempts are counted, and whose it is.
    async fn named(&self, login: &Login) -> Result<(String, Option<UserId>), Error> {
        Ok(match login {
            Login::Username(text) => match Username::parse(text) {
                Ok(username) => (username.as_str().to_owned(), self.user_named(&username).await?),
                Err(_) => (text.to_lowercase(), None),
            },
            Login::Email(text) => match Email::parse(text) {
                Ok(email) => (email.canonical(), self.holder(LoginKind::Email, &email.canonical()).await?),
                Err(_) => (text.to_lowercase(), None),
            },
        })
    }

    /// Whether the second factor was shown, where there is one. Wrong codes count for the whole account as well, but for
    /// devices it knows: codes are short, and whoever knows the password may ask from everywhere.
    async fn check_second_factor(
        &self,
        user: UserId,
        shown: Option<&str>,
        attempt: Option<&Attempt<'_>>,
        context: &Context,
    ) -> Result<bool, Error> {
        if !self.takes_second_factor(user).await? {
            return Ok(true);
        }
        let Ok(otp) = Otp::parse(shown.ok_or(Error::OtpRequired)?) else { return Ok(false) };
        let guessed = match (attempt, &otp) {
            (Some(attempt), Otp::Code(_)) if !attempt.is_known() => {
                Some(self.attempt_at("second factor", user.as_bytes(), context).await?)
            }
            (Some(_), Otp::Code(_) | Otp::Recovery(_)) | (None, _) => None,
        };
        let right = self.use_second_factor(user, &otp, context).await?;
        if let Some(guessed) = guessed.filter(|_| !right) {
            guessed.failed().await?;
        }
        Ok(right)
    }

    /// Exchanges a refresh token for the next. One that has served already ends its session.
    pub async fn refresh(&self, token: &SecretString, context: &Context) -> Result<Outcome<OpenSession>, Error> {
        let (session, shown) = read_token(token).ok_or(Error::WrongCredentials)?;
        let stream = StreamId::Session(session);
        let state = self.0.sessions.peek(stream, |s| s.as_ref().map(|s| (s.user, s.credential))).await?;
        let (user, credential) = state.ok_or(Error::WrongCredentials)?;
        let before = self.0.sessions.recalled(stream, context).await?;
        if before.is_none() && !self.honours(user, session, credential).await? {
            return Err(SessionRefusal::Ended.into());
        }
        let refresh_token = self.0.blinding.refresh_token(session, Some(&shown), context)?;
        let next = hash_token(&refresh_token);
        let outcome = if let Some(before) = before {
            before
        } else {
            let command = SessionCommand::Refresh { shown, next, at: context.now };
            let context = Context { actor: Some(user), session: Some(session), ..context.clone() };
            self.0.sessions.execute_new(stream, &command, &context).await?
        };
        let Outcome { value, position, replayed } = outcome;
        match value.into_iter().next() {
            Some((_, SessionEvent::Refreshed(event))) if event.token == next => {
                let value = OpenSession { session, user, credential, at: event.at, refresh_token };
                Ok(Outcome { value, position, replayed })
            }
            // a used token shown again: the session is closed now, and that is durable
            Some((_, SessionEvent::Closed(_))) | None => Err(SessionRefusal::Ended.into()),
            // another token was shown under this key
            Some((_, SessionEvent::Opened(_) | SessionEvent::Refreshed(_))) => Err(Error::KeyReused),
        }
    }

    /// Ends a session of this user; one that is over or somebody else's is not there.
    pub async fn sign_out(&self, user: UserId, session: SessionId, context: &Context) -> Result<Outcome<()>, Error> {
        let stream = StreamId::Session(session);
        let mine = self.0.sessions.peek(stream, |state| state.as_ref().is_some_and(|s| s.user == user)).await?;
        if !mine {
            return Err(SessionRefusal::Ended.into());
        }
        let outcome = self.0.sessions.execute(stream, &SessionCommand::Close { at: context.now }, context).await?;
        Ok(outcome.map(drop))
    }

    /// Whether an access token of this session still stands: neither the session nor the account has ended, and the
    /// password it was opened with has not been replaced elsewhere.
    pub async fn is_alive(&self, session: SessionId, user: UserId, credential: u32) -> Result<bool, Error> {
        let open = self.0.sessions.peek(StreamId::Session(session), |state| {
            state.as_ref().is_some_and(|state| !state.closed && state.user == user)
        });
        Ok(open.await? && self.honours(user, session, credential).await?)
    }

    async fn honours(&self, user: UserId, session: SessionId, credential: u32) -> Result<bool, Error> {
        self.0
            .users
            .peek(StreamId::User(user), |user| user.as_ref().is_some_and(|user| user.honours(session, credential)))
            .await
    }
}
