//! Contacts: asked, accepted, ended, listed.

use serde::{Deserialize, Serialize};
use tidings_domain::Timestamp;
use tidings_event_store::Position;
use tidings_projections::model::{Contact, ContactCursor, ContactState};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    shapes::{List, shown},
    users::Profile,
};
use crate::{
    app::{Acting, App, Reading},
    extract::{InQuery, Limit, Path, parsed},
    json::Json,
    problem::{Kind, Problem},
    reply::Reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_contacts)).routes(routes!(put_contact, remove_contact))
}

/// Somebody who is a contact of the caller, or asks, or was asked to be one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Contact)]
pub struct ContactBody {
    user: Profile,
    /// `accepted`; `incoming`: the other has asked; `outgoing`: the caller has.
    #[schema(value_type = String, pattern = "^(accepted|incoming|outgoing)$")]
    state: &'static str,
    /// Since when it is so.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
}

impl From<Contact> for ContactBody {
    fn from(contact: Contact) -> Self {
        Self { user: contact.user.into(), state: contact.state.as_str(), since: contact.since }
    }
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct ContactsQuery {
    /// `accepted` (the default), `incoming` or `outgoing`.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>, pattern = "^(accepted|incoming|outgoing)$")]
    state: Option<ContactState>,
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
    /// `next` of the page before.
    #[param(ignore)]
    cursor: Option<String>,
}

/// Contacts
///
/// The newest first: contacts, or those who have asked, or those whom the caller has asked. Nobody else sees them. Closed
/// accounts are not in them.
#[utoipa::path(get, path = "/v1/contacts", tag = "Accounts", params(ContactsQuery), responses(
    (status = 200, description = "Those in this state", body = List<ContactBody>),
))]
async fn list_contacts(
    reading: Reading,
    InQuery(asked): InQuery<ContactsQuery>,
) -> Result<Json<List<ContactBody>>, Problem> {
    let (me, state) = (reading.user(), asked.state.unwrap_or_default());
    let list = format!("contacts {}", state.as_str());
    let place: Option<u64> = reading.app.cursors.open_some(&list, asked.cursor.as_deref())?;
    let cursor = place.map(|place| ContactCursor(Position::new(place)));
    let page = reading.views().contacts(me, state, cursor, asked.limit.0).await?;
    let next = page.next.map(|ContactCursor(at)| reading.app.cursors.seal(&list, &at.get())).transpose()?;
    Ok(Json(List { items: page.items.into_iter().map(Into::into).collect(), next }))
}

/// Ask for a contact, or accept
///
/// Asks somebody to be a contact, or accepts where they have asked: two who ask each other are contacts. 403
/// `/problems/blocked` when they block the caller, 409 `/problems/unblock-first` when the caller blocks them.
#[utoipa::path(put, path = "/v1/contacts/{user}", tag = "Accounts",
    params(("user" = String, Path, description = "An id or a username")),
    responses((status = 200, description = "What they are now", body = ContactBody)),
)]
async fn put_contact(acting: Acting, Path((user,)): Path<(String,)>) -> Result<Reply<ContactBody>, Problem> {
    let (commands, me) = (&acting.app.commands, acting.user());
    let user = commands.resolve_user(&user, me).await?;
    let outcome = acting.done(commands.ask_contact(me, user, &acting.context).await?);
    let contact = acting.reading().await?.contact(me, user).await?;
    let contact = contact.ok_or_else(|| Problem::new(Kind::NotFound, "the other has declined meanwhile"))?;
    Ok(Reply::ok(&outcome, contact.into()))
}

/// Withdraw, decline or end
///
/// Takes the caller's request back, declines the other's, or ends the contact, whichever there is.
#[utoipa::path(delete, path = "/v1/contacts/{user}", tag = "Accounts",
    params(("user" = String, Path, description = "An id or a username")),
    responses((status = 204, description = "There is neither contact nor request")),
)]
async fn remove_contact(acting: Acting, Path((user,)): Path<(String,)>) -> Result<Reply<()>, Problem> {
    let (commands, me) = (&acting.app.commands, acting.user());
    let user = commands.resolve_user(&user, me).await?;
    let outcome = commands.end_contact(me, user, &acting.context).await?;
    Ok(Reply::no_content(&acting.done(outcome)))
}
