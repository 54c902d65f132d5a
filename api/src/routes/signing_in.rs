//! Signing in, and staying so.

use axum::http::{HeaderMap, HeaderValue, header};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tidings_commands::{
    Outcome,
    sessions::{Login, OpenSession, SignIn, Whence},
};
use tidings_domain::{
    SessionId,
    session::IDLE_LIFETIME,
    values::{DeviceName, Password},
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    me::{OwnProfile, own_profile},
    shapes::shown,
    texts::DeviceNameText,
};
use crate::{
    app::{App, Stranger},
    auth::ACCESS_TOKEN_LIFETIME,
    extract::{Body, Caller, Checked, MaybeBody, present},
    problem::{Checks, Kind, Problem},
    reply::Reply,
};

const COOKIE: &str = "tidings_refresh";
/// By which a device is known that has signed in before: what strangers try does not touch it.
const DEVICE_COOKIE: &str = "tidings_device";
/// How long a device is known, in seconds: a year.
const DEVICE_KNOWN: i64 = 365 * 24 * 3600;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(sign_in)).routes(routes!(refresh_session))
}

/// Who signs in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignInRequest {
    #[serde(default, deserialize_with = "present")]
    username: Option<String>,
    #[serde(default, deserialize_with = "present")]
    email: Option<String>,
    password: String,
    otp: Option<String>,
    device_name: Option<String>,
}

/// By username.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"username": "ada", "password": "correct horse battery"}))]
#[expect(dead_code, reason = "documents one of two forms of a request")]
struct SignInByUsername {
    username: String,
    #[schema(format = Password)]
    password: String,
    /// The second factor, when that is on.
    otp: Option<String>,
    /// What the device is called.
    #[schema(value_type = Option<DeviceNameText>)]
    device_name: Option<String>,
}

/// By email address.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents one of two forms of a request")]
struct SignInByEmail {
    email: String,
    #[schema(format = Password)]
    password: String,
    /// The second factor, when that is on.
    otp: Option<String>,
    /// What the device is called.
    #[schema(value_type = Option<DeviceNameText>)]
    device_name: Option<String>,
}

/// Either of the two.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(as = SignInRequest)]
#[expect(dead_code, reason = "documents the two forms of a request")]
enum SignInForms {
    Username(SignInByUsername),
    Email(SignInByEmail),
}

impl Checked for SignInRequest {
    type Valid = SignIn;

    fn check(self, checks: &mut Checks) -> Option<SignIn> {
        let device = checks.optional("/device_name", self.device_name.as_deref(), DeviceName::parse);
        let login = match (self.username, self.email) {
            (Some(username), None) => Login::Username(username),
            (None, Some(email)) => Login::Email(email),
            (None, None) => {
                checks.malformed("/username", "is missing: give a username or an email address");
                return None;
            }
            (Some(_), Some(_)) => {
                checks.malformed("/email", "stands beside a username: give one of them");
                return None;
            }
        };
        let password = Password::parse(self.password).ok();
        Some(SignIn { login, password, otp: self.otp, device, from: Whence::default() })
    }
}

/// An open session and its tokens.
#[derive(Serialize, ToSchema)]
struct SessionTokens {
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = "uuid")]
    session_id: SessionId,
    /// For `Authorization: Bearer`.
    access_token: String,
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds for which the access token serves.
    #[schema(example = 300)]
    expires_in: u64,
    /// Serves once, for the next pair.
    refresh_token: String,
    /// Whose session it is.
    user: OwnProfile,
}

/// Sign in
///
/// The answer to wrong credentials is the same, and takes the same time, for a name that nobody has. When the account has a
/// second factor, `otp` is a code of it or a recovery code: without it 401 `/problems/otp-required`, with a wrong one the
/// answer to wrong credentials. After some failures an address waits before it may try again, for 15 minutes at most: 429
/// `/problems/too-many-attempts` with `Retry-After`. Devices that show the cookie `tidings_device`, and addresses from which
/// the account was signed in to before, do not wait for what others got wrong.
#[utoipa::path(post, path = "/v1/sessions", tag = "Accounts", security(()), request_body = SignInForms, responses(
    (status = 201, description = "The session", body = SessionTokens, headers(
        ("Location", description = "Where it is"),
        ("Set-Cookie", description = "The refresh token as `tidings_refresh`; `tidings_device`, for the next sign-in"),
    )),
))]
async fn sign_in(
    stranger: Stranger,
    headers: HeaderMap,
    Body(who): Body<SignInRequest>,
) -> Result<Reply<SessionTokens>, Problem> {
    let from = Whence { address: stranger.address, device: from_cookie(&headers, DEVICE_COOKIE) };
    let who = SignIn { from, ..who };
    let outcome = stranger.app.commands.sign_in(who, &stranger.context).await?;
    let (body, cookie) = tokens(&stranger, &outcome).await?;
    let OpenSession { session, user, .. } = outcome.value;
    let device = set_cookie(DEVICE_COOKIE, &stranger.app.commands.device_token(user, session), DEVICE_KNOWN)?;
    let location = format!("/v1/sessions/{session}");
    Ok(Reply::created(&outcome, location, body).with_cookie(cookie).with_cookie(device).from_events())
}

async fn tokens(stranger: &Stranger, outcome: &Outcome<OpenSession>) -> Result<(SessionTokens, HeaderValue), Problem> {
    let OpenSession { session, user, credential, at, refresh_token } = &outcome.value;
    stranger.turned_out_to_be(*user, outcome);
    let caller = Caller { user: *user, session: *session, credential: *credential };
    let tokens = SessionTokens {
        session_id: *session,
        access_token: stranger.app.authenticator.issue(caller, *at)?,
        token_type: "Bearer",
        expires_in: ACCESS_TOKEN_LIFETIME.as_secs(),
        refresh_token: refresh_token.expose_secret().to_owned(),
        user: own_profile(&stranger.app, *user).await?,
    };
    Ok((tokens, set_cookie(COOKIE, refresh_token, IDLE_LIFETIME / 1000)?))
}

fn set_cookie(name: &str, token: &SecretString, seconds: i64) -> Result<HeaderValue, Problem> {
    let text = format!(
        "{name}={}; HttpOnly; Secure; SameSite=Strict; Path=/v1/sessions; Max-Age={seconds}",
        token.expose_secret(),
    );
    let mut value = HeaderValue::try_from(text).map_err(|error| Problem::new(Kind::Internal, error.to_string()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The refresh token, unless it comes as a cookie.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RefreshRequest {
    refresh_token: Option<String>,
}

impl Checked for RefreshRequest {
    type Valid = Option<SecretString>;

    fn check(self, _checks: &mut Checks) -> Option<Option<SecretString>> {
        Some(self.refresh_token.map(SecretString::from))
    }
}

/// Refresh
///
/// Exchanges a refresh token for the next pair. A token serves once; one that is seen again ends its session.
#[utoipa::path(post, path = "/v1/sessions/refresh", tag = "Accounts", security(()),
    request_body(content = Option<RefreshRequest>, description = "Not needed when the token comes as a cookie"),
    responses((status = 200, description = "The next pair", body = SessionTokens, headers(
        ("Set-Cookie", description = "The next refresh token as `tidings_refresh`"),
    ))),
)]
async fn refresh_session(
    stranger: Stranger,
    headers: HeaderMap,
    MaybeBody(token): MaybeBody<RefreshRequest>,
) -> Result<Reply<SessionTokens>, Problem> {
    let token = token.flatten().or_else(|| from_cookie(&headers, COOKIE));
    let token = token.ok_or_else(|| Problem::from(Kind::WrongCredentials))?;
    let outcome = stranger.app.commands.refresh(&token, &stranger.context).await?;
    let (body, cookie) = tokens(&stranger, &outcome).await?;
    Ok(Reply::ok(&outcome, body).with_cookie(cookie).from_events())
}

fn from_cookie(headers: &HeaderMap, wanted: &str) -> Option<SecretString> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == wanted).map(|(_, token)| SecretString::from(token.to_owned()))
}
