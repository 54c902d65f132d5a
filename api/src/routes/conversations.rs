//! Conversations: listed, shown, renamed, put aside.

use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tidings_commands::Outcome;
use tidings_domain::{ConversationId, UserId, values::ConversationName};
use tidings_event_store::Position;
use tidings_projections::{
    Queries,
    model::{Conversation, ConversationAccess, InboxCursor, InboxFilter},
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    made::list_in_json,
    past::{Shown, View, Which},
    shapes::{ConversationBody, List},
    texts::ConversationNameText,
};
use crate::{
    app::{Acting, App, Reading},
    extract::{AsOf, Body, Checked, InQuery, Limit, Path, parsed},
    json::{in_json, json_response},
    problem::{Checks, Kind, Problem},
    reply::Reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(show_inbox))
        .routes(routes!(show_conversation, rename_conversation))
        .routes(routes!(change_conversation_settings))
}

/// A conversation, for somebody who is or was in it.
pub(super) async fn access(
    views: &dyn Queries,
    viewer: UserId,
    id: ConversationId,
) -> Result<ConversationBody, Problem> {
    accessed(views, viewer, id).await.map(Into::into)
}

async fn accessed(views: &dyn Queries, viewer: UserId, id: ConversationId) -> Result<Conversation, Problem> {
    match views.conversation(viewer, id).await? {
        ConversationAccess::Member(conversation) | ConversationAccess::Former(conversation) => Ok(*conversation),
        ConversationAccess::NeverMember => Err(Kind::NotAMember.into()),
        ConversationAccess::Missing => Err(Kind::NoSuchConversation.into()),
    }
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct InboxQuery {
    /// Only the archived, or only the others.
    archived: Option<bool>,
    /// Only those with unread messages, or only those without.
    unread: Option<bool>,
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
    /// `next` of the page before.
    #[param(ignore)]
    cursor: Option<String>,
    /// As it stood at this position of the log or at this time, but for what was erased since.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<AsOf>, inline)]
    as_of: Option<AsOf>,
}

/// The inbox
///
/// The caller's conversations, newest activity first, each with its exact unread count and last message.
#[utoipa::path(get, path = "/v1/conversations", tag = "Conversations", params(InboxQuery), responses(
    (status = 200, description = "Conversations", body = List<ConversationBody>),
))]
async fn show_inbox(reading: Reading, InQuery(asked): InQuery<InboxQuery>) -> Result<Response, Problem> {
    if asked.cursor.is_none() && asked.as_of.is_none() {
        return first_page(&reading, &asked).await;
    }
    let view = View::of(&reading, asked.as_of, Which::Own).await?;
    let list = view.list(inbox_list(&asked));
    let place: Option<(Position, Position)> = reading.app.cursors.open_some(&list, asked.cursor.as_deref())?;
    let cursor = place.map(|(began, after)| InboxCursor { began, after });
    let filter = InboxFilter { archived: asked.archived, unread: asked.unread };
    let mut page = view.views().inbox(reading.user(), filter, cursor, asked.limit.0).await?;
    let last = page.items.iter_mut().filter_map(|conversation| conversation.last_message.as_mut());
    view.hide(&reading, &mut last.collect::<Vec<_>>()).await?;
    let next = page.next.map(|next| reading.app.cursors.seal(&list, &(next.began, next.after))).transpose()?;
    Ok(view.answer(List { items: page.items.into_iter().map(ConversationBody::from).collect(), next }).into_response())
}

/// The name of the list, for its cursors.
fn inbox_list(asked: &InboxQuery) -> String {
    format!("inbox {:?} {:?}", asked.archived, asked.unread)
}

/// What most ask for, most of the time: as it was shown before, unless something of it has changed.
async fn first_page(reading: &Reading, asked: &InboxQuery) -> Result<Response, Problem> {
    let filter = InboxFilter { archived: asked.archived, unread: asked.unread };
    let page = reading.views().inbox_page(reading.user(), filter, asked.limit.0).await?;
    let form = page.form(|page| {
        let next = page.next.map(|next| reading.app.cursors.seal(&inbox_list(asked), &(next.began, next.after)));
        let items = page.items.iter().map(|item| item.form(|one| in_json(&ConversationBody::from(one.clone()))));
        list_in_json(items, next.transpose()?.as_deref())
    })?;
    Ok(json_response(form))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct ConversationQuery {
    /// As it stood at this position of the log or at this time, but for what was erased since.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<AsOf>, inline)]
    as_of: Option<AsOf>,
}

/// A conversation
#[utoipa::path(get, path = "/v1/conversations/{conversation}", tag = "Conversations",
    params(("conversation" = String, Path, format = "uuid", description = "Which"), ConversationQuery),
    responses((status = 200, description = "The conversation", body = ConversationBody)),
)]
async fn show_conversation(
    reading: Reading,
    Path((id,)): Path<(ConversationId,)>,
    InQuery(asked): InQuery<ConversationQuery>,
) -> Result<Shown<ConversationBody>, Problem> {
    let view = View::of(&reading, asked.as_of, Which::One(id)).await?;
    let mut conversation = accessed(view.views(), reading.user(), id).await?;
    view.hide(&reading, &mut conversation.last_message.as_mut().into_iter().collect::<Vec<_>>()).await?;
    Ok(view.answer(conversation.into()))
}

/// A conversation as the answer to a command, with its last message.
pub(super) fn showing<T>(outcome: &Outcome<T>, conversation: ConversationBody) -> Reply<ConversationBody> {
    let shown = conversation.last_message.as_ref().map(|message| message.id);
    Reply::ok(outcome, conversation).showing(shown)
}

/// What a group is to be called.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RenameRequest {
    #[schema(value_type = ConversationNameText)]
    name: String,
}

impl Checked for RenameRequest {
    type Valid = ConversationName;

    fn check(self, checks: &mut Checks) -> Option<ConversationName> {
        checks.take("/name", ConversationName::parse(&self.name))
    }
}

/// Rename a group
///
/// Owner and admins only.
#[utoipa::path(patch, path = "/v1/conversations/{conversation}", tag = "Conversations", request_body = RenameRequest,
    params(("conversation" = String, Path, format = "uuid", description = "Which")),
    responses((status = 200, description = "The conversation now", body = ConversationBody)),
)]
async fn rename_conversation(
    acting: Acting,
    Path((id,)): Path<(ConversationId,)>,
    Body(name): Body<RenameRequest>,
) -> Result<Reply<ConversationBody>, Problem> {
    let outcome = acting.app.commands.rename(id, acting.user(), name, &acting.context).await?;
    let outcome = acting.done(outcome);
    Ok(showing(&outcome, access(acting.reading().await?, acting.user(), id).await?))
}

/// The caller's own settings for a conversation; an absent one stays as it is.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SettingsRequest {
    /// No notifications.
    muted: Option<bool>,
    /// Out of the way.
    archived: Option<bool>,
}

impl Checked for SettingsRequest {
    type Valid = Self;

    fn check(self, _checks: &mut Checks) -> Option<Self> {
        Some(self)
    }
}

/// Mute or archive a conversation
#[utoipa::path(patch, path = "/v1/conversations/{conversation}/settings", tag = "Conversations",
    request_body = SettingsRequest,
    params(("conversation" = String, Path, format = "uuid", description = "Which")),
    responses((status = 200, description = "The conversation now", body = ConversationBody)),
)]
async fn change_conversation_settings(
    acting: Acting,
    Path((id,)): Path<(ConversationId,)>,
    Body(settings): Body<SettingsRequest>,
) -> Result<Reply<ConversationBody>, Problem> {
    let SettingsRequest { muted, archived } = settings;
    let outcome = acting.app.commands.change_settings(id, acting.user(), muted, archived, &acting.context).await?;
    let outcome = acting.done(outcome);
    Ok(showing(&outcome, access(acting.reading().await?, acting.user(), id).await?))
}
