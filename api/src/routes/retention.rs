//! How long a conversation's messages are kept.

use serde::{Deserialize, Serialize};
use tidings_domain::{
    ConversationId,
    values::{Retention, Role},
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::offices::holds;
use crate::{
    app::{Acting, App},
    extract::{Body, Checked, Path, present},
    json::Json,
    problem::{Checks, Problem},
    reply::Reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show_retention, keep_messages_for, keep_messages))
}

/// How long messages are kept, in seconds; `null` is for ever.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Retention)]
struct RetentionBody {
    /// By the conversation's own rule.
    seconds: Option<u64>,
    /// By the rule for all conversations.
    of_all_seconds: Option<u64>,
    /// The shorter of the two, which is the one that counts.
    in_force_seconds: Option<u64>,
}

impl RetentionBody {
    fn of(own: Option<Retention>, of_all: Option<Retention>) -> Self {
        let seconds = |kept: Option<Retention>| kept.map(Retention::seconds);
        Self {
            seconds: seconds(own),
            of_all_seconds: seconds(of_all),
            in_force_seconds: seconds(own.into_iter().chain(of_all).min()),
        }
    }
}

/// How long: one of the two.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"days": 30}))]
struct KeepForRequest {
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = u64, required = false, minimum = 1, maximum = 36500)]
    days: Option<u64>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = u64, required = false, minimum = 1, maximum = 3_153_600_000_u64)]
    seconds: Option<u64>,
}

impl Checked for KeepForRequest {
    type Valid = Retention;

    fn check(self, checks: &mut Checks) -> Option<Retention> {
        match (self.days, self.seconds) {
            (Some(days), None) => checks.take("/days", Retention::of_days(days)),
            (None, Some(seconds)) => checks.take("/seconds", Retention::of_seconds(seconds)),
            (None, None) => {
                checks.malformed("/days", "is missing");
                None
            }
            (Some(_), Some(_)) => {
                checks.note("/seconds", "is the same as days, otherwise");
                None
            }
        }
    }
}

/// How long messages are kept
#[utoipa::path(get, path = "/v1/conversations/{conversation}/retention", tag = "Conversations",
    params(("conversation" = String, Path, format = "uuid", description = "Which")),
    responses((status = 200, description = "How long", body = RetentionBody)),
)]
async fn show_retention(
    acting: Acting,
    Path((conversation,)): Path<(ConversationId,)>,
) -> Result<Json<RetentionBody>, Problem> {
    let commands = &acting.app.commands;
    let inside = commands.must_be_in(conversation, acting.user()).await;
    if inside.is_err() && !holds(&acting, Role::Operator).await? {
        inside?;
    }
    let own = commands.retention_of(conversation).await?;
    Ok(Json(RetentionBody::of(own, acting.app.retention)))
}

async fn keep(
    acting: Acting,
    conversation: ConversationId,
    retention: Option<Retention>,
) -> Result<Reply<RetentionBody>, Problem> {
    let operates = holds(&acting, Role::Operator).await?;
    let commands = &acting.app.commands;
    let outcome = commands.keep_for(conversation, acting.user(), operates, retention, &acting.context).await?;
    let body = RetentionBody::of(retention, acting.app.retention);
    Ok(Reply::ok(&acting.done(outcome), body))
}

/// Keep messages for a time
///
/// A message that is older is deleted for everyone. The owner and admins of a group may say so, and operators.
#[utoipa::path(put, path = "/v1/conversations/{conversation}/retention", tag = "Conversations",
    params(("conversation" = String, Path, format = "uuid", description = "Which")), request_body = KeepForRequest,
    responses((status = 200, description = "How long they are kept now", body = RetentionBody)),
)]
async fn keep_messages_for(
    acting: Acting,
    Path((conversation,)): Path<(ConversationId,)>,
    Body(retention): Body<KeepForRequest>,
) -> Result<Reply<RetentionBody>, Problem> {
    keep(acting, conversation, Some(retention)).await
}

/// Keep messages
///
/// For ever, or as long as the rule for all conversations says.
#[utoipa::path(delete, path = "/v1/conversations/{conversation}/retention", tag = "Conversations",
    params(("conversation" = String, Path, format = "uuid", description = "Which")),
    responses((status = 200, description = "How long they are kept now", body = RetentionBody)),
)]
async fn keep_messages(
    acting: Acting,
    Path((conversation,)): Path<(ConversationId,)>,
) -> Result<Reply<RetentionBody>, Problem> {
    keep(acting, conversation, None).await
}
