//! Conversations as they stood, for auditors.

use serde::{Deserialize, Serialize};
use tidings_domain::{
    ConversationId,
    access::{ContentAccessed, Shown},
};
use tidings_event_store::Position;
use tidings_projections::{
    Past,
    model::{MemberCursor, MessageAnchor},
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    messages::{from_place, to_place},
    offices::Auditor,
    shapes::{ConversationBody, List, MemberBody, MessageBody},
};
use crate::{
    app::{Acting, App},
    audit,
    extract::{AsOf, InQuery, Limit, Path, parsed},
    problem::{Kind, Problem},
    reply::Reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(show_conversation_as_of))
        .routes(routes!(list_members_as_of))
        .routes(routes!(list_messages_as_of))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct MomentQuery {
    /// A position of the log, or a time: then what the store had taken by it. The end of the log when not given.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<AsOf>, inline)]
    pub(super) as_of: Option<AsOf>,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct PageQuery {
    /// A position of the log, or a time: then what the store had taken by it. The end of the log when not given.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<AsOf>, inline)]
    as_of: Option<AsOf>,
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
    /// `next` of the page before.
    #[param(ignore)]
    cursor: Option<String>,
}

/// A stretch of a list as it stood.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PastList<T> {
    /// As of this position. The pages that follow name it, too, where a time was asked for that goes on.
    as_of: u64,
    /// In the list's order.
    items: Vec<T>,
    /// Where the list goes on, for `cursor`; `null` at the end.
    next: Option<String>,
}

impl<T> PastList<T> {
    pub(super) fn of(as_of: Position, list: List<T>) -> Self {
        Self { as_of: as_of.get(), items: list.items, next: list.next }
    }
}

/// A conversation as it stood, as nobody in particular saw it.
#[derive(Debug, Serialize, ToSchema)]
struct PastConversation {
    /// As of this position.
    as_of: u64,
    /// Its `my_role` is `null`, nothing is unread.
    conversation: ConversationBody,
    /// The first of its people then; all at `…/members`.
    members: List<MemberBody>,
    /// The newest of its messages then; all at `…/messages`.
    messages: List<MessageBody>,
}

/// Notes an access as of a position.
pub(super) async fn noted<T>(
    acting: &Acting,
    access: ContentAccessed,
    as_of: Position,
    body: T,
) -> Result<Reply<T>, Problem> {
    let noted = audit::note(acting, ContentAccessed { as_of: Some(as_of.get()), ..access }).await?;
    Ok(Reply::ok(&noted, body))
}

fn of_conversation(acting: &Acting, shown: Shown, id: ConversationId) -> ContentAccessed {
    ContentAccessed { conversation: Some(id), ..audit::shown_to(acting, shown) }
}

async fn conversation(
    acting: &Acting,
    id: ConversationId,
    as_of: Option<AsOf>,
) -> Result<(Past, ConversationBody, Position), Problem> {
    let position = acting.app.audit.position_of(as_of).await?;
    let past = acting.app.past.of_auditors.conversations(&[id], None, position).await?;
    let found = past.conversation_of(id)?.ok_or_else(|| Problem::from(Kind::NoSuchConversation))?;
    Ok((past, found.into(), position))
}

async fn members(
    acting: &Acting,
    past: &Past,
    (id, as_of): (ConversationId, Position),
    (limit, cursor): (Limit, Option<&str>),
) -> Result<List<MemberBody>, Problem> {
    let list = format!("members {id} as of {as_of}, audited");
    let cursor = acting.app.cursors.open_some(&list, cursor)?.map(MemberCursor);
    let page = past.members(id, cursor, limit.0).await?;
    let next = page.next.map(|MemberCursor(next)| acting.app.cursors.seal(&list, &next)).transpose()?;
    Ok(List { items: page.items.into_iter().map(Into::into).collect(), next })
}

fn messages(
    acting: &Acting,
    past: &Past,
    (id, as_of): (ConversationId, Position),
    (limit, cursor): (Limit, Option<&str>),
) -> Result<List<MessageBody>, Problem> {
    let list = format!("messages {id} as of {as_of}, audited");
    let anchor = acting.app.cursors.open_some(&list, cursor)?.map_or(MessageAnchor::Newest, from_place);
    let page = past.messages_of(id, anchor, limit.0)?.ok_or_else(|| Problem::from(Kind::NoSuchConversation))?;
    let next = page.next.map(|next| acting.app.cursors.seal(&list, &to_place(next))).transpose()?;
    Ok(List { items: page.items.into_iter().map(Into::into).collect(), next })
}

/// A conversation as it stood
///
/// With its people and its newest messages. What was erased since stays erased.
#[utoipa::path(get, path = "/v1/audit/conversations/{conversation}", tag = "Audit",
    params(("conversation" = String, Path, format = "uuid", description = "Which"), MomentQuery),
    responses((status = 200, description = "The conversation then", body = PastConversation)),
)]
async fn show_conversation_as_of(
    Auditor(acting): Auditor,
    Path((id,)): Path<(ConversationId,)>,
    InQuery(asked): InQuery<MomentQuery>,
) -> Result<Reply<PastConversation>, Problem> {
    let (past, conversation, as_of) = conversation(&acting, id, asked.as_of).await?;
    let first = || (Limit::default(), None);
    let members = members(&acting, &past, (id, as_of), first()).await?;
    let messages = messages(&acting, &past, (id, as_of), first())?;
    let body = PastConversation { as_of: as_of.get(), conversation, members, messages };
    noted(&acting, of_conversation(&acting, Shown::Conversation, id), as_of, body).await
}

/// The members as they were
#[utoipa::path(get, path = "/v1/audit/conversations/{conversation}/members", tag = "Audit",
    params(("conversation" = String, Path, format = "uuid", description = "Which"), PageQuery),
    responses((status = 200, description = "The members then", body = PastList<MemberBody>)),
)]
async fn list_members_as_of(
    Auditor(acting): Auditor,
    Path((id,)): Path<(ConversationId,)>,
    InQuery(asked): InQuery<PageQuery>,
) -> Result<Reply<PastList<MemberBody>>, Problem> {
    let (past, _, as_of) = conversation(&acting, id, asked.as_of).await?;
    let list = members(&acting, &past, (id, as_of), (asked.limit, asked.cursor.as_deref())).await?;
    noted(&acting, of_conversation(&acting, Shown::Members, id), as_of, PastList::of(as_of, list)).await
}

/// The messages as they stood
///
/// Newest first, also those that somebody has hidden. What was erased since stays erased.
#[utoipa::path(get, path = "/v1/audit/conversations/{conversation}/messages", tag = "Audit",
    params(("conversation" = String, Path, format = "uuid", description = "Which"), PageQuery),
    responses((status = 200, description = "The messages then", body = PastList<MessageBody>)),
)]
async fn list_messages_as_of(
    Auditor(acting): Auditor,
    Path((id,)): Path<(ConversationId,)>,
    InQuery(asked): InQuery<PageQuery>,
) -> Result<Reply<PastList<MessageBody>>, Problem> {
    let (past, _, as_of) = conversation(&acting, id, asked.as_of).await?;
    let list = messages(&acting, &past, (id, as_of), (asked.limit, asked.cursor.as_deref()))?;
    noted(&acting, of_conversation(&acting, Shown::Messages, id), as_of, PastList::of(as_of, list)).await
}
