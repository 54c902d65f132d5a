//! Legal holds: operators place and release them; operators and auditors see them.

use serde::{Deserialize, Serialize};
use tidings_domain::{
    ConversationId, Timestamp, UserId,
    conversation::ConversationRefusal,
    hold::{Hold, HoldTarget},
    values::HoldReason,
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    offices::{Operator, Overseer},
    shapes::{List, shown, shown_option},
};
use crate::{
    app::{Acting, App},
    extract::{Body, Checked, InQuery, Limit, Path},
    json::Json,
    problem::{Checks, Problem},
    reply::Reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_holds))
        .routes(routes!(hold_conversation, release_conversation))
        .routes(routes!(hold_user, release_user))
}

/// Something that is not erased for now. One of the two ids is there.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Hold)]
struct HoldBody {
    #[serde(serialize_with = "shown_option")]
    #[schema(value_type = Option<String>, format = "uuid")]
    conversation_id: Option<ConversationId>,
    #[serde(serialize_with = "shown_option")]
    #[schema(value_type = Option<String>, format = "uuid")]
    user_id: Option<UserId>,
    reason: Option<String>,
    #[serde(serialize_with = "shown_option")]
    #[schema(value_type = Option<String>, format = "uuid")]
    placed_by: Option<UserId>,
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
}

impl From<(HoldTarget, &Hold)> for HoldBody {
    fn from((target, hold): (HoldTarget, &Hold)) -> Self {
        let (conversation_id, user_id) = match target {
            HoldTarget::Conversation(id) => (Some(id), None),
            HoldTarget::User(id) => (None, Some(id)),
        };
        let reason = hold.reason.clone().map(HoldReason::into_string);
        Self { conversation_id, user_id, reason, placed_by: hold.by, since: hold.since }
    }
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct HoldsQuery {
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
    /// `next` of the page before.
    #[param(ignore)]
    cursor: Option<String>,
}

const LIST: &str = "holds";

/// What is held
#[utoipa::path(get, path = "/v1/admin/holds", tag = "Operation", params(HoldsQuery), responses(
    (status = 200, description = "Holds", body = List<HoldBody>),
))]
async fn list_holds(
    Overseer(acting): Overseer,
    InQuery(asked): InQuery<HoldsQuery>,
) -> Result<Json<List<HoldBody>>, Problem> {
    let cursors = &acting.app.cursors;
    let after: Option<HoldTarget> = cursors.open_some(LIST, asked.cursor.as_deref())?;
    let holds = acting.app.commands.holds().await?;
    let mut rest = holds.iter().filter(|(target, _)| after.is_none_or(|after| *target > after));
    let found: Vec<_> = rest.by_ref().take(asked.limit.0).collect();
    let last = found.last().map(|(target, _)| *target).filter(|_| rest.next().is_some());
    let next = last.map(|last| cursors.seal(LIST, &last)).transpose()?;
    Ok(Json(List { items: found.into_iter().map(Into::into).collect(), next }))
}

/// Why it is held.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HoldRequest {
    #[schema(min_length = 1, max_length = 1000, example = "case 12/2026")]
    reason: String,
}

impl Checked for HoldRequest {
    type Valid = HoldReason;

    fn check(self, checks: &mut Checks) -> Option<HoldReason> {
        checks.take("/reason", HoldReason::parse(self.reason))
    }
}

async fn place(acting: Acting, target: HoldTarget, reason: HoldReason) -> Result<Reply<()>, Problem> {
    let outcome = acting.app.commands.place_hold(target, reason, &acting.context).await?;
    Ok(Reply::no_content(&acting.done(outcome)))
}

async fn release(acting: Acting, target: HoldTarget) -> Result<Reply<()>, Problem> {
    let outcome = acting.app.commands.release_hold(target, &acting.context).await?;
    Ok(Reply::no_content(&acting.done(outcome)))
}

/// An account, closed ones too.
async fn somebody(acting: &Acting, user: &str) -> Result<HoldTarget, Problem> {
    let commands = &acting.app.commands;
    if let Ok(id) = user.parse()
        && commands.account(id).await?.is_some()
    {
        return Ok(HoldTarget::User(id));
    }
    Ok(HoldTarget::User(commands.resolve_user(user, acting.user()).await?))
}

/// Hold a conversation
///
/// Until it is released, nothing in it is erased: what its people delete is not shown any more, but its key is kept, and no
/// rule deletes anything. The accounts of those who are or were in it may be closed, and keep their keys.
#[utoipa::path(put, path = "/v1/admin/holds/conversations/{conversation}", tag = "Operation",
    params(("conversation" = String, Path, format = "uuid", description = "Which")), request_body = HoldRequest,
    responses((status = 204, description = "It is held")),
)]
async fn hold_conversation(
    Operator(acting): Operator,
    Path((conversation,)): Path<(ConversationId,)>,
    Body(reason): Body<HoldRequest>,
) -> Result<Reply<()>, Problem> {
    if !acting.app.commands.is_conversation(conversation).await? {
        return Err(ConversationRefusal::NoSuchConversation.into());
    }
    place(acting, HoldTarget::Conversation(conversation), reason).await
}

/// Release a conversation
///
/// What was to be erased meanwhile is erased now, unless something else holds it.
#[utoipa::path(delete, path = "/v1/admin/holds/conversations/{conversation}", tag = "Operation",
    params(("conversation" = String, Path, format = "uuid", description = "Which")),
    responses((status = 204, description = "It is not held")),
)]
async fn release_conversation(
    Operator(acting): Operator,
    Path((conversation,)): Path<(ConversationId,)>,
) -> Result<Reply<()>, Problem> {
    release(acting, HoldTarget::Conversation(conversation)).await
}

/// Hold a person
///
/// Until they are released, nothing that they wrote is erased, nor who they are, also when they close their account.
#[utoipa::path(put, path = "/v1/admin/holds/users/{user}", tag = "Operation",
    params(("user" = String, Path, description = "An id, a username, or `me`")), request_body = HoldRequest,
    responses((status = 204, description = "They are held")),
)]
async fn hold_user(
    Operator(acting): Operator,
    Path((user,)): Path<(String,)>,
    Body(reason): Body<HoldRequest>,
) -> Result<Reply<()>, Problem> {
    let target = somebody(&acting, &user).await?;
    place(acting, target, reason).await
}

/// Release a person
///
/// What was to be erased meanwhile is erased now, unless something else holds it.
#[utoipa::path(delete, path = "/v1/admin/holds/users/{user}", tag = "Operation",
    params(("user" = String, Path, description = "An id, a username, or `me`")),
    responses((status = 204, description = "They are not held")),
)]
async fn release_user(Operator(acting): Operator, Path((user,)): Path<(String,)>) -> Result<Reply<()>, Problem> {
    let target = somebody(&acting, &user).await?;
    release(acting, target).await
}
