//! The caller's second factor: codes by time (RFC 6238).

use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use tidings_domain::values::{Otp, Password};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::{Acting, App},
    extract::{Body, Checked},
    problem::{Checks, Problem},
    reply::Reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(make_totp_secret, confirm_totp, remove_totp))
}

/// What an authenticator is given.
#[derive(Serialize, ToSchema)]
struct TotpSecretBody {
    /// To be typed in: base32.
    #[schema(pattern = "^[A-Z2-7]{32}$")]
    secret: String,
    /// To be scanned.
    #[schema(example = "otpauth://totp/Tidings:ada?secret=…&issuer=Tidings")]
    otpauth_uri: String,
}

/// Make a secret for an authenticator
///
/// Nothing is asked for until a code of it has been shown with PUT. 409 `/problems/mfa-enabled` when a second factor is on.
#[utoipa::path(post, path = "/v1/users/me/totp", tag = "Accounts", responses(
    (status = 200, description = "The secret", body = TotpSecretBody),
))]
async fn make_totp_secret(acting: Acting) -> Result<Reply<TotpSecretBody>, Problem> {
    let outcome = acting.app.commands.offer_totp(acting.user(), &acting.context).await?;
    let outcome = acting.done(outcome);
    let offer = &outcome.value;
    let body = TotpSecretBody { secret: offer.secret.as_str().to_owned(), otpauth_uri: offer.uri.clone() };
    Ok(Reply::ok(&outcome, body).from_events())
}

/// A code of the secret that was made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConfirmTotpRequest {
    #[schema(pattern = "^[0-9]{6}$", example = "123456")]
    otp: String,
}

impl Checked for ConfirmTotpRequest {
    type Valid = Otp;

    fn check(self, checks: &mut Checks) -> Option<Otp> {
        checks.take("/otp", Otp::parse(&self.otp))
    }
}

/// The codes for when there is no authenticator.
#[derive(Serialize, ToSchema)]
struct RecoveryCodesBody {
    /// Each serves once as `otp`. They are shown this once.
    #[schema(min_items = 10, max_items = 10, example = json!(["0f1e-2d3c-4b5a-6978"]))]
    recovery_codes: Vec<String>,
}

/// Turn the second factor on
///
/// From here on signing in takes a code. 403 `/problems/wrong-otp` for a wrong one.
#[utoipa::path(put, path = "/v1/users/me/totp", tag = "Accounts", request_body = ConfirmTotpRequest, responses(
    (status = 200, description = "It is on", body = RecoveryCodesBody),
))]
async fn confirm_totp(
    acting: Acting,
    Body(otp): Body<ConfirmTotpRequest>,
) -> Result<Reply<RecoveryCodesBody>, Problem> {
    let outcome = acting.app.commands.enable_totp(acting.user(), &otp, &acting.context).await?;
    let outcome = acting.done(outcome);
    let recovery_codes = outcome.value.iter().map(|code| code.expose_secret().to_owned()).collect();
    Ok(Reply::ok(&outcome, RecoveryCodesBody { recovery_codes }).from_events())
}

/// What it takes to do without.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RemoveTotpRequest {
    #[schema(format = Password)]
    password: String,
}

impl Checked for RemoveTotpRequest {
    type Valid = Option<Password>;

    fn check(self, _checks: &mut Checks) -> Option<Option<Password>> {
        Some(Password::parse(self.password).ok())
    }
}

/// Turn the second factor off
///
/// Signing in takes the password alone; the recovery codes are void.
#[utoipa::path(delete, path = "/v1/users/me/totp", tag = "Accounts", request_body = RemoveTotpRequest, responses(
    (status = 204, description = "It is off"),
))]
async fn remove_totp(acting: Acting, Body(password): Body<RemoveTotpRequest>) -> Result<Reply<()>, Problem> {
    let outcome = acting.app.commands.disable_totp(acting.user(), password.as_ref(), &acting.context).await?;
    Ok(Reply::no_content(&acting.done(outcome)))
}
