//! The caller's own account: shown, changed, closed.

use serde::{Deserialize, Serialize};
use tidings_commands::users::Registered;
use tidings_domain::{
    Timestamp, UserId,
    user::{Change, ProfileChange},
    values::{Email, Invalid, Password, PersonName, PhoneNumber, Role},
};
use tidings_projections::model::User;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    shapes::shown,
    texts::{EmailText, PersonNameText, PhoneNumberText},
    users::Profile,
};
use crate::{
    app::{Acting, App, Reading},
    extract::{self, Body, Checked, present},
    json::Json,
    problem::{Checks, Kind, Problem},
    reply::Reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show_me, change_me, close_account))
}

/// An account as its owner sees it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub struct OwnProfile {
    #[serde(flatten)]
    public: Profile,
    email: Option<String>,
    phone_number: Option<String>,
    mfa_enabled: bool,
    #[schema(value_type = Vec<String>, example = json!(["operator"]))]
    roles: Vec<Role>,
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = DateTime)]
    modified_at: Timestamp,
}

impl From<User> for OwnProfile {
    fn from(mut user: User) -> Self {
        Self {
            email: user.email.take(),
            phone_number: user.phone_number.take(),
            mfa_enabled: user.mfa_enabled,
            roles: std::mem::take(&mut user.roles),
            modified_at: user.modified_at,
            public: user.into(),
        }
    }
}

impl OwnProfile {
    pub(super) fn registered(registered: Registered) -> Self {
        let (id, at) = (registered.user, registered.event.at);
        let identity = registered.event.identity.into_clear();
        let name = |name: Option<PersonName>| name.map(PersonName::into_string);
        let (mut username, mut names, mut email, mut phone_number) = (None, (None, None), None, None);
        if let Some(identity) = identity {
            username = Some(identity.username.into_string());
            names = (name(identity.first_name), name(identity.last_name));
            email = identity.email.map(Email::into_string);
            phone_number = identity.phone_number.map(PhoneNumber::into_string);
        }
        let public = Profile { id, username, first_name: names.0, last_name: names.1, created_at: at };
        Self { public, email, phone_number, mfa_enabled: false, roles: vec![], modified_at: at }
    }
}

/// The caller's own account
///
/// Whole, with addresses and roles.
#[utoipa::path(get, path = "/v1/users/me", tag = "Accounts", responses(
    (status = 200, description = "The account", body = OwnProfile),
))]
async fn show_me(reading: Reading) -> Result<Json<OwnProfile>, Problem> {
    let found = reading.views().user(reading.user()).await?;
    found.map(|found| Json(found.into())).ok_or_else(|| Kind::NoSuchUser.into())
}

/// What to change.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeMeRequest {
    #[serde(default, deserialize_with = "extract::change")]
    email: Change<String>,
    #[serde(default, deserialize_with = "extract::change")]
    phone_number: Change<String>,
    #[serde(default, deserialize_with = "extract::change")]
    first_name: Change<String>,
    #[serde(default, deserialize_with = "extract::change")]
    last_name: Change<String>,
    #[serde(default, deserialize_with = "present")]
    password: Option<String>,
    #[serde(default, deserialize_with = "present")]
    current_password: Option<String>,
}

/// Members of the profile; `null` takes one away, an absent one stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"first_name": "Ada", "email": null}))]
#[expect(dead_code, reason = "documents one of two forms of a request")]
struct ChangeProfileRequest {
    #[schema(value_type = Option<EmailText>)]
    email: Option<String>,
    #[schema(value_type = Option<PhoneNumberText>)]
    phone_number: Option<String>,
    #[schema(value_type = Option<PersonNameText>)]
    first_name: Option<String>,
    #[schema(value_type = Option<PersonNameText>)]
    last_name: Option<String>,
}

/// A new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents one of two forms of a request")]
struct ChangePasswordRequest {
    #[schema(min_length = 8, max_length = 128, format = Password)]
    password: String,
    #[schema(format = Password)]
    current_password: String,
}

/// Either of the two.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(as = ChangeMeRequest)]
#[expect(dead_code, reason = "documents the two forms of a request")]
enum ChangeForms {
    Profile(ChangeProfileRequest),
    Password(ChangePasswordRequest),
}

/// Either kind of change.
enum ChangeMe {
    Profile(ProfileChange),
    Password { current: Option<Password>, new: Password },
}

fn change<T>(
    checks: &mut Checks,
    pointer: &str,
    member: &Change<String>,
    parse: fn(&str) -> Result<T, Invalid>,
) -> Option<Change<T>> {
    match member {
        Change::Keep => Some(Change::Keep),
        Change::Clear => Some(Change::Clear),
        Change::Set(text) => checks.take(pointer, parse(text)).map(Change::Set),
    }
}

impl Checked for ChangeMeRequest {
    type Valid = ChangeMe;

    fn check(self, checks: &mut Checks) -> Option<ChangeMe> {
        let email = change(checks, "/email", &self.email, Email::parse);
        let phone_number = change(checks, "/phone_number", &self.phone_number, PhoneNumber::parse);
        let first_name = change(checks, "/first_name", &self.first_name, PersonName::parse);
        let last_name = change(checks, "/last_name", &self.last_name, PersonName::parse);
        let profile = ProfileChange {
            email: email?,
            phone_number: phone_number?,
            first_name: first_name?,
            last_name: last_name?,
        };
        match (self.password, self.current_password) {
            (None, None) => Some(ChangeMe::Profile(profile)),
            (None, Some(_)) => {
                checks.malformed("/password", "is missing");
                None
            }
            (Some(_), None) => {
                checks.malformed("/current_password", "is missing");
                None
            }
            (Some(_), Some(_)) if profile != ProfileChange::default() => {
                checks.note("/password", "is changed by itself, in a request of its own");
                None
            }
            (Some(new), Some(current)) => {
                let new = checks.take("/password", Password::parse(new))?;
                Some(ChangeMe::Password { current: Password::parse(current).ok(), new })
            }
        }
    }
}

/// Change the profile or the password
///
/// A new password ends all other sessions.
#[utoipa::path(patch, path = "/v1/users/me", tag = "Accounts", request_body = ChangeForms, responses(
    (status = 200, description = "The account now", body = OwnProfile),
))]
async fn change_me(acting: Acting, Body(wanted): Body<ChangeMeRequest>) -> Result<Reply<OwnProfile>, Problem> {
    let (commands, me) = (&acting.app.commands, acting.user());
    let outcome = match wanted {
        ChangeMe::Profile(change) => commands.change_profile(me, change, &acting.context).await?,
        ChangeMe::Password { current, new } => {
            commands.change_password(me, current.as_ref(), &new, &acting.context).await?
        }
    };
    let outcome = acting.done(outcome);
    let user = acting.reading().await?.user(me).await?.ok_or_else(|| Problem::from(Kind::NoSuchUser))?;
    Ok(Reply::ok(&outcome, user.into()))
}

/// What it takes to close an account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CloseMeRequest {
    #[schema(format = Password)]
    password: String,
}

impl Checked for CloseMeRequest {
    type Valid = Option<Password>;

    fn check(self, _checks: &mut Checks) -> Option<Option<Password>> {
        Some(Password::parse(self.password).ok())
    }
}

/// Close the account
///
/// For good: its personal data and the bodies of all its messages are erased.
#[utoipa::path(delete, path = "/v1/users/me", tag = "Accounts", request_body = CloseMeRequest, responses(
    (status = 204, description = "The account is closed"),
))]
async fn close_account(acting: Acting, Body(password): Body<CloseMeRequest>) -> Result<Reply<()>, Problem> {
    let outcome = acting.app.commands.close_account(acting.user(), password.as_ref(), &acting.context).await?;
    let outcome = acting.done(outcome);
    if let Some(position) = outcome.position {
        acting.app.wait_until_forgotten(acting.user(), position).await;
    }
    Ok(Reply::no_content(&outcome))
}

/// The account of a caller, for what shows it beside something else.
pub(super) async fn own_profile(app: &App, user: UserId) -> Result<OwnProfile, Problem> {
    app.consistency.wait(user, None).await?;
    let found = app.queries.user(user).await?;
    found.map(Into::into).ok_or_else(|| Kind::NoSuchUser.into())
}
