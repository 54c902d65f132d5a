//! Accounts: registration with unique names, the profile, the password, roles, and the end.

use tidings_domain::{
    KeyId, LoginKind, StreamId, UserId,
    user::{Change, Identity, ProfileChange, User, UserCommand, UserEvent, UserRefusal, UserRegistered},
    values::{Email, Password, PersonName, PhoneNumber, Role, Username},
};
use tidings_event_store::Position;

use crate::{
    Commands, Context, Error, Outcome,
    claims::{Claims, claims_of},
    executor::Events,
};

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

impl Commands {
    /// Makes an account. Its names are claimed first, each in a stream of its own; when one of them is taken, those
    /// claimed before it are given back.
    pub async fn register(&self, registration: Registration, context: &Context) -> Result<Outcome<Registered>, Error> {
        let user = UserId::new(context.new_id("user"));
        if let Some(before) = self.0.users.recalled(StreamId::User(user), context).await? {
            return registered(user, before);
        }
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
        let claims = claims_of(&identity);
        let key = self.fresh_key().await?;
        let (identity, imported) = (Box::new(identity), registration.imported);
        let command = UserCommand::Register { key, identity, imported, at: context.now };
        let _turn = self.0.turns.of(user).await;
        self.claim_all(user, &claims, context).await?;
        match self.0.users.execute(StreamId::User(user), &command, context).await {
            Ok(outcome) => registered(user, outcome),
            Err(error) => Err(self.give_back(user, &claims, error, context).await),
        }
    }

    /// Changes the profile; new addresses and numbers are claimed first, replaced ones given back after.
    pub async fn change_profile(
        &self,
        user: UserId,
        change: ProfileChange,
        context: &Context,
    ) -> Result<Outcome<()>, Error> {
        let changed = |event: &UserEvent| matches!(event, UserEvent::ProfileChanged(_));
        if let Some(before) = self.0.users.recalled(StreamId::User(user), context).await? {
            return done(before, changed);
        }
        let _turn = self.0.turns.of(user).await;
        let before = self.account(user).await?.ok_or(UserRefusal::NoSuchUser)?;
        let held = before.identity.as_ref().map(claims_of).unwrap_or_default();
        let wanted = [
            set(&change.email).map(|email| (LoginKind::Email, email.canonical())),
            set(&change.phone_number).map(|number| (LoginKind::Phone, number.as_str().to_owned())),
        ];
        let new: Claims = wanted.into_iter().flatten().filter(|claim| !held.contains(claim)).collect();
        self.claim_all(user, &new, context).await?;
        let command = UserCommand::ChangeProfile { change: Box::new(change), at: context.now };
        match self.0.users.execute(StreamId::User(user), &command, context).await {
            Ok(outcome) => {
                self.release_all_but_held(user, &held, context).await;
                done(outcome, changed)
            }
            Err(error) => Err(self.give_back(user, &new, error, context).await),
        }
    }

    /// Changes the password, for one who knows the present one, and ends all other sessions.
    pub async fn change_password(
        &self,
        user: UserId,
        current: Option<&Password>,
        new: &Password,
        context: &Context,
    ) -> Result<Outcome<()>, Error> {
        if let Some(before) = self.0.users.recalled(StreamId::User(user), context).await? {
            return done(before, changes_password);
        }
        self.must_know_password(user, current, context).await?;
        self.set_password(user, new, context).await
    }

    /// Gives the account a password, as an operator may for one that was imported or whose owner has lost it, and ends all
    /// sessions but the one this is asked in.
    pub async fn set_password(&self, user: UserId, new: &Password, context: &Context) -> Result<Outcome<()>, Error> {
        let password_hash = self.0.hasher.hash(new).await?;
        let command = UserCommand::ChangePassword { password_hash, keep: context.session, at: context.now };
        done(self.0.users.execute(StreamId::User(user), &command, context).await?, changes_password)
    }

    /// Closes the account, for one who knows its password, and destroys the key of its personal data and of every message
    /// it sent; while anything at all is held, that is left to whoever follows the log with the views at hand, and so is
    /// leaving its groups.
    pub async fn close_account(
        &self,
        user: UserId,
        password: Option<&Password>,
        context: &Context,
    ) -> Result<Outcome<()>, Error> {
        let closed = |event: &UserEvent| matches!(event, UserEvent::Closed(_));
        if let Some(before) = self.0.users.recalled(StreamId::User(user), context).await? {
            return done(before, closed);
        }
        self.must_know_password(user, password, context).await?;
        let _turn = self.0.turns.of(user).await;
        let before = self.account(user).await?.ok_or(UserRefusal::NoSuchUser)?;
        let command = UserCommand::Close { at: context.now };
        let outcome = self.0.users.execute(StreamId::User(user), &command, context).await?;
        // before the names: of the two, it is the erasure that was asked for
        if self.holds().await?.is_empty() {
            self.destroy_keys(&[before.key]).await?;
        }
        self.forget_second_factor(user, context).await?;
        let held = before.identity.as_ref().map(claims_of).unwrap_or_default();
        self.release_all_but_held(user, &held, context).await;
        done(outcome, closed)
    }

    /// Whoever has a session may guess no more often than who has none; other sessions of the account are not touched.
    pub(crate) async fn must_know_password(
        &self,
        user: UserId,
        password: Option<&Password>,
        context: &Context,
    ) -> Result<(), Error> {
        let attempt = match context.session {
            Some(session) => Some(self.attempt_at("session", session.as_bytes(), context).await?),
            None => None,
        };
        let phc = self.account(user).await?.and_then(|user| user.identity).and_then(|id| id.password_hash);
        match password {
            Some(password) if self.0.hasher.verify(password, phc.as_deref()).await? => Ok(()),
            Some(_) | None => {
                if let Some(attempt) = attempt {
                    attempt.failed().await?;
                }
                Err(Error::WrongPassword)
            }
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

    /// What the account is called; none where it is closed or was never registered.
    pub async fn username(&self, user: UserId) -> Result<Option<Username>, Error> {
        let name = |user: &Option<User>| Some(user.as_ref()?.identity.as_ref()?.username.clone());
        self.0.users.peek(StreamId::User(user), name).await
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

    /// The last position of the log that this process has seen: of everything that a command judged by, and perhaps more.
    pub fn seen_head(&self) -> Position {
        self.0.shared.seen_head()
    }

    /// The last position of the log.
    pub async fn head(&self) -> Result<Position, Error> {
        Ok(self.0.shared.store().head().await?)
    }
}

fn registered(user: UserId, outcome: Outcome<Events<UserEvent>>) -> Result<Outcome<Registered>, Error> {
    let Outcome { value, position, replayed } = outcome;
    match value.into_iter().next() {
        Some((_, UserEvent::Registered(event))) => {
            Ok(Outcome { value: Registered { user, event }, position, replayed })
        }
        Some(_) => Err(Error::KeyReused),
        None => Err(UserRefusal::AlreadyRegistered.into()),
    }
}

/// Says that a command was carried out. One key serves for one command: what it did before must be what this one does.
fn done(outcome: Outcome<Events<UserEvent>>, does: impl Fn(&UserEvent) -> bool) -> Result<Outcome<()>, Error> {
    if outcome.replayed && !outcome.value.iter().any(|(_, event)| does(event)) {
        return Err(Error::KeyReused);
    }
    Ok(outcome.map(drop))
}

const fn changes_password(event: &UserEvent) -> bool {
    matches!(event, UserEvent::PasswordChanged(_))
}

fn set<T>(change: &Change<T>) -> Option<&T> {
    match change {
        Change::Set(value) => Some(value),
        Change::Keep | Change::Clear => None,
    }
}
