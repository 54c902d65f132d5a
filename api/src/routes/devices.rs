//! Devices and their public keys, for end-to-end encryption. The server hands keys on and reads none.

use serde::{Deserialize, Serialize};
use tidings_commands::devices::Publication;
use tidings_domain::{
    Timestamp,
    values::{DeviceId, PublicKey},
};
use tidings_projections::model::Device;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    shapes::{List, shown_option},
    texts::PublicKeyText,
};
use crate::{
    app::{Acting, App, Reading},
    extract::{Body, Checked, InQuery, Limit, Path},
    json::Json,
    problem::{Checks, Kind, Problem},
    reply::Reply,
};

/// The most key packages of one request.
const MOST_PACKAGES: usize = 100;
/// The most bytes of all keys of one request, decoded: sealed, they must fit into one event of any log.
const MOST_BYTES: usize = 256 * 1024;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(publish_keys, remove_device))
        .routes(routes!(list_devices))
        .routes(routes!(claim_key_package))
}

/// A device as it is shown. What is left of its keys is for its owner alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Device)]
pub struct DeviceBody {
    /// What its owner's clients call it.
    #[schema(example = "phone")]
    device: String,
    /// Base64.
    identity_key: String,
    /// How many key packages nobody has claimed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    key_packages: Option<u64>,
    /// Whether one is handed out when there is none of those.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    fallback: Option<bool>,
    /// When keys of it were last published.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shown_option")]
    #[schema(value_type = String, format = DateTime, nullable = false, required = false)]
    published_at: Option<Timestamp>,
}

impl DeviceBody {
    /// As its owner sees it.
    pub fn of_owner(device: Device) -> Self {
        let Device { id, identity_key, key_packages, fallback, published_at, .. } = device;
        Self {
            device: id,
            identity_key,
            key_packages: Some(key_packages),
            fallback: Some(fallback),
            published_at: Some(published_at),
        }
    }

    fn of_another(device: Device) -> Self {
        let Device { id, identity_key, .. } = device;
        Self { device: id, identity_key, key_packages: None, fallback: None, published_at: None }
    }
}

/// Public keys of a device.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PublishKeysRequest {
    /// Another one than before makes all earlier packages void.
    #[schema(value_type = PublicKeyText)]
    identity_key: String,
    /// To be handed out once each, in this order. Those that were published before are passed over.
    #[schema(value_type = Vec<PublicKeyText>, max_items = 100)]
    key_packages: Vec<String>,
    /// To be handed out when there is none of those; without it the one before stays.
    #[schema(value_type = Option<PublicKeyText>)]
    fallback_key_package: Option<String>,
}

impl Checked for PublishKeysRequest {
    type Valid = Publication;

    fn check(self, checks: &mut Checks) -> Option<Publication> {
        let identity_key = checks.take("/identity_key", PublicKey::parse(&self.identity_key));
        let fallback = checks.optional("/fallback_key_package", self.fallback_key_package.as_deref(), PublicKey::parse);
        if self.key_packages.len() > MOST_PACKAGES {
            checks.note("/key_packages", format!("must be at most {MOST_PACKAGES}"));
            return None;
        }
        let mut key_packages = Vec::with_capacity(self.key_packages.len());
        for (nth, package) in self.key_packages.iter().enumerate() {
            key_packages.extend(checks.take(format!("/key_packages/{nth}"), PublicKey::parse(package)));
        }
        let all = key_packages.iter().chain(&identity_key).chain(&fallback);
        if all.map(PublicKey::len).sum::<usize>() > MOST_BYTES {
            checks.note("/key_packages", format!("must have at most {MOST_BYTES} bytes together with the other keys"));
        }
        Some(Publication { identity_key: identity_key?, key_packages, fallback })
    }
}

/// Publish public keys
///
/// Adds a device, or key packages to one that is there. At most 20 devices, and 200 key packages of each that wait to be
/// claimed: 409 beyond.
#[utoipa::path(put, path = "/v1/users/me/devices/{device}", tag = "Accounts", request_body = PublishKeysRequest,
    params(("device" = String, Path, pattern = "^[A-Za-z0-9_.-]{1,64}$", description = "What the client calls it")),
    responses((status = 200, description = "The device now", body = DeviceBody)),
)]
async fn publish_keys(
    acting: Acting,
    Path((device,)): Path<(DeviceId,)>,
    Body(publication): Body<PublishKeysRequest>,
) -> Result<Reply<DeviceBody>, Problem> {
    let (commands, me) = (&acting.app.commands, acting.user());
    let outcome = commands.publish_keys(me, device.clone(), publication, &acting.context).await?;
    let outcome = acting.done(outcome);
    let devices = acting.reading().await?.devices(me).await?;
    let found = devices.into_iter().find(|found| found.id == device.as_str());
    let found = found.ok_or_else(|| Problem::new(Kind::NoSuchDevice, "it was removed meanwhile"))?;
    Ok(Reply::ok(&outcome, DeviceBody::of_owner(found)))
}

/// Remove a device
///
/// With what is left of its keys.
#[utoipa::path(delete, path = "/v1/users/me/devices/{device}", tag = "Accounts",
    params(("device" = String, Path, pattern = "^[A-Za-z0-9_.-]{1,64}$", description = "What the client calls it")),
    responses((status = 204, description = "It is gone")),
)]
async fn remove_device(acting: Acting, Path((device,)): Path<(DeviceId,)>) -> Result<Reply<()>, Problem> {
    let outcome = acting.app.commands.remove_device(acting.user(), device, &acting.context).await?;
    Ok(Reply::no_content(&acting.done(outcome)))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct DevicesQuery {
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
    /// `next` of the page before.
    #[param(ignore)]
    cursor: Option<String>,
}

/// Somebody's devices
///
/// In the order in which they were added, with their identity keys. Their owner also sees how many key packages are left.
#[utoipa::path(get, path = "/v1/users/{user}/devices", tag = "Accounts",
    params(("user" = String, Path, description = "An id, a username, or `me`"), DevicesQuery),
    responses((status = 200, description = "The devices", body = List<DeviceBody>)),
)]
async fn list_devices(
    reading: Reading,
    Path((user,)): Path<(String,)>,
    InQuery(asked): InQuery<DevicesQuery>,
) -> Result<Json<List<DeviceBody>>, Problem> {
    let user = reading.app.commands.resolve_user(&user, reading.user()).await?;
    let list = format!("devices {user}");
    let after: Option<u32> = reading.app.cursors.open_some(&list, asked.cursor.as_deref())?;
    let mut devices = reading.views().devices(user).await?;
    devices.retain(|device| after.is_none_or(|after| device.number > after));
    let more = devices.len() > asked.limit.0;
    devices.truncate(asked.limit.0);
    let last = devices.last().filter(|_| more).map(|device| device.number);
    let next = last.map(|last| reading.app.cursors.seal(&list, &last)).transpose()?;
    let shown = if user == reading.user() { DeviceBody::of_owner } else { DeviceBody::of_another };
    Ok(Json(List { items: devices.into_iter().map(shown).collect(), next }))
}

/// A key package that was handed out.
#[derive(Serialize, ToSchema)]
struct ClaimBody {
    /// Of which device.
    #[schema(example = "phone")]
    device: String,
    /// Base64.
    key_package: String,
    /// Whether others may have it as well, for no other was left.
    fallback: bool,
}

/// Claim a key package
///
/// Each is handed out once, to whoever comes first; the fallback when none is left. Without a fallback: 409
/// `/problems/no-key-packages`.
#[utoipa::path(post, path = "/v1/users/{user}/devices/{device}/claim", tag = "Accounts",
    params(
        ("user" = String, Path, description = "An id, a username, or `me`"),
        ("device" = String, Path, pattern = "^[A-Za-z0-9_.-]{1,64}$", description = "Which device"),
    ),
    responses((status = 200, description = "The key package", body = ClaimBody)),
)]
async fn claim_key_package(
    acting: Acting,
    Path((user, device)): Path<(String, DeviceId)>,
) -> Result<Reply<ClaimBody>, Problem> {
    let (commands, me) = (&acting.app.commands, acting.user());
    let user = commands.resolve_user(&user, me).await?;
    let outcome = acting.done(commands.claim_key_package(user, device.clone(), me, &acting.context).await?);
    let (key_package, fallback) = (outcome.value.key_package.as_str().to_owned(), outcome.value.fallback);
    Ok(Reply::ok(&outcome, ClaimBody { device: device.into_string(), key_package, fallback }))
}
