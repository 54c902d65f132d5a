//! Accounts: registration with unique names, the profile, the password, roles, and the end.

use tidings_domain::{
    KeyId, LoginKind, StreamId, UserId,
    login::{LoginCommand, LoginRefusal},
    user::{Change, Identity, ProfileChange, User, UserCommand, UserEvent, UserRefusal, UserRegistered},
    values::{Email, Password, PersonName, PhoneNumber, Role, Username},
};
use tidings_event_store::Position;

use crate::{Commands, Context, Error, Outcome, Refusal};

/// What an account is made of.
#[derive(Debug, Clone)]
pub struct Registration {
    /// The unique name.
    pub username: Username,
    /// None for an imported account: nobody signs in to it until it has one.
    pub password: Option<Password>,
    /// Unique when given.
    pub email: Option<Email>,
    /// Unique when given.
    pub phone_number: Option<PhoneNumber>,
    /// Free text.
    pub first_name: Option<PersonName>,
    /// Free text.
    pub last_name: Option<PersonName>,
    /// Whether an import makes it.
    pub imported: bool,
}

/// An account that was just made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Its id.
    pub user: UserId,
    /// What was recorded.
    pub event: UserRegistered,
}

type Claims = Vec<(LoginKind, String)>;

impl Commands {
    /// Makes an account. Its names are claimed first, each in a stream of its own; when one of them is taken, those
    /// claimed before it are given back.
    pub async fn register(&self, registration: Registration, context: &Context) -> Result<Outcome<Registered>, Error> {
        let user = UserId::new(context.new_id("user"));
        let password_hash = match &registration.password {
            Some(password) => Some(self.0.hasher.hash(password).await?),
            None => None,
        };
        let identity = Identity {
            username: registration.username,
            email: registration.email,
            phone_number: registration.phone_number,
            first_name: registration.first_name,
            last_name: registration.last_name,
            password_hash,
        };
        self.claim_all(user, &claims_of(&identity), context).await?;
        let command = UserCommand::Register {
            key: self.fresh_key().await?,
            identity: Box::new(identity),
            imported: registration.imported,
            at: context.now,
        };
        let outcome = self.0.users.execute(StreamId::User(user), &command, context).await?;
        let Outcome { value, position, replayed } = outcome;
        match value.into_iter().next() {
            Some((_, UserEvent::Registered(event))) => {
                Ok(Outcome { value: Registered { user, event }, position, replayed })
            }
            _ => Err(UserRefusal::AlreadyRegistered.into()),
        }
    }

    /// Claims all or none.
    async fn claim_all(&self, user: UserId, claims: &Claims, context: &Context) -> Result<(), Error> {
        for (done, (kind, canonical)) in claims.iter().enumerate() {
            if let Err(error) = self.claim(user, *kind, canonical, context).await {
                for (kind, canonical) in claims.iter().take(done) {
                    self.release(user, *kind, canonical, context).await?;
                }
                return Err(error);
            }
        }
        Ok(())
    }

    async fn claim(&self, user: UserId, kind: LoginKind, canonical: &str, context: &Context) -> Result<(), Error> {
        let stream = self.0.blinding.login(kind, canonical);
        let holder = self.0.logins.peek(stream, |login| login.map(|(holder, _)| holder)).await?;
        let holder_missing = match holder {
            Some(holder) if holder != user => {
                // A username is never given out again; what else a closed account held is free.
                let free = |holder: &Option<User>| {
                    holder.as_ref().is_none_or(|holder| holder.closed && kind != LoginKind::Username)
                };
                self.0.users.peek(StreamId::User(holder), free).await?
            }
            Some(_) | None => false,
        };
        let command = LoginCommand::Claim { user, holder_missing, at: context.now };
        match self.0.logins.execute(stream, &command, &context.without_key()).await {
            Err(Error::Refused(Refusal::LoginTaken(_))) => Err(Refusal::LoginTaken(kind).into()),
            Err(error) => Err(error),
            Ok(_) => Ok(()),
        }
    }

    async fn release(&self, user: UserId, kind: LoginKind, canonical: &str, context: &Context) -> Result<(), Error> {
        let stream = self.0.blinding.login(kind, canonical);
        let command = LoginCommand::Release { user, at: context.now };
        self.0.logins.execute(stream, &command, &context.without_key()).await.map(drop)
    }

    /// Changes the profile; new addresses and numbers are claimed first, replaced ones given back after.
    pub async fn change_profile(
        &self,
        user: UserId,
        change: ProfileChange,
        context: &Context,
    ) -> Result<Outcome<()>, Error> {
        let before = self.account(user).await?.ok_or(UserRefusal::NoSuchUser)?;
        let held = before.identity.as_ref().map(claims_of).unwrap_or_default();
        let wanted = [
            set(&change.email).map(|email| (LoginKind::Email, email.canonical())),
            set(&change.phone_number).map(|number| (LoginKind::Phone, number.as_str().to_owned())),
        ];
        let new: Claims = wanted.into_iter().flatten().filter(|claim| !held.contains(claim)).collect();
        self.claim_all(user, &new, context).await?;
        let command = UserCommand::ChangeProfile { change: Box::new(change), at: context.now };
        let outcome = self.0.users.execute(StreamId::User(user), &command, context).await?;
        let after = self.account(user).await?.and_then(|user| user.identity).map(|identity| claims_of(&identity));
        for (kind, canonical) in held.into_iter().filter(|claim| !after.as_ref().is_some_and(|a| a.contains(claim))) {
            self.release(user, kind, &canonical, context).await?;
        }
        Ok(outcome.map(drop))
    }

    /// Changes the password, for one who knows the present one, and ends all other sessions.
    pub async fn change_password(
        &self,
        user: UserId,
        current: Option<&Password>,
        new: &Password,
        context: &Context,
    ) -> Result<Outcome<()>, Error> {
        self.must_know_password(user, current).await?;
        self.set_password(user, new, context).await
    }

    /// Gives the account a password, as an operator may for one that was imported or whose owner has lost it, and ends all
    /// sessions but the one this is asked in.
    pub async fn set_password(&self, user: UserId, new: &Password, context: &Context) -> Result<Outcome<()>, Error> {
        let password_hash = self.0.hasher.hash(new).await?;
        let command = UserCommand::ChangePassword { password_hash, keep: context.session, at: context.now };
        Ok(self.0.users.execute(StreamId::User(user), &command, context).await?.map(drop))
    }

    /// Closes the account, for one who knows its password, and destroys the key of its personal data and of every message
    /// it sent. Leaving its groups is left to whoever follows the log with the views at hand.
    pub async fn close_account(
        &self,
        user: UserId,
        password: Option<&Password>,
        context: &Context,
    ) -> Result<Outcome<()>, Error> {
        self.must_know_password(user, password).await?;
        let before = self.account(user).await?;
        let outcome =
            self.0.users.execute(StreamId::User(user), &UserCommand::Close { at: context.now }, context).await?;
        let Some(before) = before else { return Ok(outcome.map(drop)) };
        for (kind, canonical) in before.identity.as_ref().map(claims_of).unwrap_or_default() {
            if kind != LoginKind::Username {
                self.release(user, kind, &canonical, context).await?;
            }
        }
        self.0.shared.codec().keyring().destroy(&[before.key]).await?;
        Ok(outcome.map(drop))
    }

    async fn must_know_password(&self, user: UserId, password: Option<&Password>) -> Result<(), Error> {
        let phc = self.account(user).await?.and_then(|user| user.identity).and_then(|id| id.password_hash);
        match password {
            Some(password) if self.0.hasher.verify(password, phc.as_deref()).await? => Ok(()),
            Some(_) | None => Err(Error::WrongPassword),
        }
    }

    /// Grants a role; `context.actor` is the operator, none from the command line.
    pub async fn grant_role(&self, user: UserId, role: Role, context: &Context) -> Result<Outcome<()>, Error> {
        self.user_command(user, UserCommand::GrantRole { role, by: context.actor, at: context.now }, context).await
    }

    /// Takes a role away.
    pub async fn revoke_role(&self, user: UserId, role: Role, context: &Context) -> Result<Outcome<()>, Error> {
        self.user_command(user, UserCommand::RevokeRole { role, by: context.actor, at: context.now }, context).await
    }

    /// Shuts an account out; its sessions end.
    pub async fn suspend(&self, user: UserId, context: &Context) -> Result<Outcome<()>, Error> {
        self.user_command(user, UserCommand::Suspend { by: context.actor, at: context.now }, context).await
    }

    /// Lets a suspended account in again.
    pub async fn reinstate(&self, user: UserId, context: &Context) -> Result<Outcome<()>, Error> {
        self.user_command(user, UserCommand::Reinstate { by: context.actor, at: context.now }, context).await
    }

    async fn user_command(&self, user: UserId, command: UserCommand, context: &Context) -> Result<Outcome<()>, Error> {
        Ok(self.0.users.execute(StreamId::User(user), &command, context).await?.map(drop))
    }

    /// The account as it is now; none if it was never registered. May be closed.
    pub async fn account(&self, user: UserId) -> Result<Option<User>, Error> {
        self.0.users.peek(StreamId::User(user), Clone::clone).await
    }

    /// Whether the account was registered and is not closed.
    pub async fn exists(&self, user: UserId) -> Result<bool, Error> {
        self.0.users.peek(StreamId::User(user), |user| user.as_ref().is_some_and(|user| !user.closed)).await
    }

    /// The open account of a username.
    pub async fn user_named(&self, username: &Username) -> Result<Option<UserId>, Error> {
        self.holder(LoginKind::Username, username.as_str()).await
    }

    /// The open account that holds a name, address or number.
    pub(crate) async fn holder(&self, kind: LoginKind, canonical: &str) -> Result<Option<UserId>, Error> {
        let stream = self.0.blinding.login(kind, canonical);
        match self.0.logins.peek(stream, |login| login.map(|(holder, _)| holder)).await? {
            Some(holder) if self.exists(holder).await? => Ok(Some(holder)),
            Some(_) | None => Ok(None),
        }
    }

    /// The account somebody means by `me`, a user id or a username.
    pub async fn resolve_user(&self, text: &str, caller: UserId) -> Result<UserId, Error> {
        let found = if text == "me" {
            Some(caller)
        } else if let Ok(id) = text.parse::<UserId>() {
            self.exists(id).await?.then_some(id)
        } else if let Ok(username) = Username::parse(text) {
            self.user_named(&username).await?
        } else {
            None
        };
        found.ok_or_else(|| Error::NoSuchUser(text.to_owned()))
    }

    /// Destroys keys of what was erased. For the process that follows the log after a crash or a restore; doing it again
    /// does nothing.
    pub async fn destroy_keys(&self, keys: &[KeyId]) -> Result<(), Error> {
        Ok(self.0.shared.codec().keyring().destroy(keys).await?)
    }

    /// The last position of the log.
    pub async fn head(&self) -> Result<Position, Error> {
        Ok(self.0.shared.store().head().await?)
    }
}

fn claims_of(identity: &Identity) -> Claims {
    let email = identity.email.as_ref().map(|email| (LoginKind::Email, email.canonical()));
    let phone = identity.phone_number.as_ref().map(|number| (LoginKind::Phone, number.as_str().to_owned()));
    let username = (LoginKind::Username, identity.username.as_str().to_owned());
    [Some(username), email, phone].into_iter().flatten().collect()
}

fn set<T>(change: &Change<T>) -> Option<&T> {
    match change {
        Change::Set(value) => Some(value),
        Change::Keep | Change::Clear => None,
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
