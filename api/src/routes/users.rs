//! Accounts: registration and public profiles.

use serde::{Deserialize, Serialize};
use tidings_commands::users::Registration;
use tidings_domain::{
    Timestamp, UserId,
    values::{Email, Password, PersonName, PhoneNumber, Username},
};
use tidings_projections::model::{User, UserCursor};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    me::OwnProfile,
    shapes::{List, shown},
    texts::{EmailText, PersonNameText, PhoneNumberText},
};
use crate::{
    app::{App, Reading, Stranger},
    extract::{Body, Checked, InQuery, Limit, Path, UserRef},
    json::Json,
    problem::{Checks, Kind, Problem},
    reply::Reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(register, find_users)).routes(routes!(show_user))
}

/// A new account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"username": "ada", "password": "correct horse battery", "first_name": "Ada"}))]
struct RegisterRequest {
    /// Unique; capitals are folded.
    #[schema(pattern = "^[A-Za-z0-9_.-]{3,32}$")]
    username: String,
    #[schema(min_length = 8, max_length = 128, format = Password)]
    password: String,
    /// Unique.
    #[schema(value_type = Option<EmailText>)]
    email: Option<String>,
    /// Unique; in international form (E.164).
    #[schema(value_type = Option<PhoneNumberText>)]
    phone_number: Option<String>,
    #[schema(value_type = Option<PersonNameText>)]
    first_name: Option<String>,
    #[schema(value_type = Option<PersonNameText>)]
    last_name: Option<String>,
}

impl Checked for RegisterRequest {
    type Valid = Registration;

    fn check(self, checks: &mut Checks) -> Option<Registration> {
        let email = checks.optional("/email", self.email.as_deref(), Email::parse);
        let phone_number = checks.optional("/phone_number", self.phone_number.as_deref(), PhoneNumber::parse);
        let first_name = checks.optional("/first_name", self.first_name.as_deref(), PersonName::parse);
        let last_name = checks.optional("/last_name", self.last_name.as_deref(), PersonName::parse);
        let username = checks.take("/username", Username::parse(&self.username));
        let password = checks.take("/password", Password::parse(self.password));
        Some(Registration {
            username: username?,
            password: Some(password?),
            email,
            phone_number,
            first_name,
            last_name,
            imported: false,
        })
    }
}

/// What everybody may know of an account.
#[derive(Debug, Serialize, ToSchema)]
pub struct Profile {
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = "uuid")]
    pub(super) id: UserId,
    pub(super) username: Option<String>,
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = DateTime)]
    pub(super) created_at: Timestamp,
}

impl From<User> for Profile {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            username: user.username,
            first_name: user.first_name,
            last_name: user.last_name,
            created_at: user.created_at,
        }
    }
}

/// Register
///
/// Makes an account. 409 when the username, email address or phone number is taken.
#[utoipa::path(post, path = "/v1/users", tag = "Accounts", security(()), request_body = RegisterRequest, responses(
    (status = 201, description = "The account", body = OwnProfile, headers(("Location", description = "Where it is"))),
))]
async fn register(stranger: Stranger, Body(registration): Body<RegisterRequest>) -> Result<Reply<OwnProfile>, Problem> {
    let outcome = stranger.app.commands.register(registration, &stranger.context).await?;
    let user = outcome.value.user;
    stranger.turned_out_to_be(user, &outcome);
    let body = OwnProfile::registered(outcome.value.clone());
    Ok(Reply::created(&outcome, format!("/v1/users/{user}"), body).from_events())
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct SearchQuery {
    /// Beginnings of words of the username, first or last name; all must match.
    #[serde(default)]
    query: String,
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
    /// `next` of the page before.
    #[param(ignore)]
    cursor: Option<String>,
}

/// Find people
///
/// By the beginnings of their names; everybody, by username, without a query.
#[utoipa::path(get, path = "/v1/users", tag = "Accounts", params(SearchQuery), responses(
    (status = 200, description = "Public profiles", body = List<Profile>),
))]
async fn find_users(reading: Reading, InQuery(asked): InQuery<SearchQuery>) -> Result<Json<List<Profile>>, Problem> {
    let list = format!("users {}", asked.query);
    let place: Option<(String, String)> = reading.app.cursors.open_some(&list, asked.cursor.as_deref())?;
    let cursor = place.map(|(term, username)| UserCursor { term, username });
    let page = reading.views().search_users(&asked.query, cursor.as_ref(), asked.limit.0).await?;
    let next = page.next.map(|next| reading.app.cursors.seal(&list, &(next.term, next.username))).transpose()?;
    Ok(Json(List { items: page.items.into_iter().map(Into::into).collect(), next }))
}

/// A profile
///
/// What everybody may know of an account; the caller's own, whole, is at `/v1/users/me`.
#[utoipa::path(get, path = "/v1/users/{user}", tag = "Accounts",
    params(("user" = String, Path, description = "An id or a username")),
    responses((status = 200, description = "The profile", body = Profile)),
)]
async fn show_user(reading: Reading, Path((user,)): Path<(UserRef,)>) -> Result<Json<Profile>, Problem> {
    let views = reading.views();
    let found = match &user {
        UserRef::Me => views.user(reading.user()).await?,
        UserRef::Id(id) => views.user(*id).await?,
        UserRef::Name(name) => views.user_by_username(name.as_str()).await?,
    };
    let found = found.filter(|found| !found.closed).ok_or_else(|| Problem::from(Kind::NoSuchUser))?;
    Ok(Json(found.into()))
}
