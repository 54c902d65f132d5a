//! How far a conversation is read, delivered, and who is typing in it.

use serde::Deserialize;
use tidings_commands::Outcome;
use tidings_domain::ConversationId;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::shapes::UnreadBody;
use super::texts::MessageIdText;
use crate::{
    app::{Acting, App},
    extract::{Body, Checked, MessageRef, Path},
    problem::{Checks, Problem},
    reply::Reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(read_up_to)).routes(routes!(delivered_up_to)).routes(routes!(tell_typing))
}

/// Up to where.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UpToRequest {
    /// The id of a message of the conversation.
    #[schema(value_type = MessageIdText)]
    up_to: String,
}

impl Checked for UpToRequest {
    type Valid = MessageRef;

    fn check(self, checks: &mut Checks) -> Option<MessageRef> {
        checks.take("/up_to", self.up_to.parse())
    }
}

/// The count that an answer shows once something was read.
pub(super) async fn unread(
    acting: &Acting,
    conversation: ConversationId,
    outcome: Outcome<()>,
) -> Result<Reply<UnreadBody>, Problem> {
    let outcome = acting.done(outcome);
    let unread = acting.reading().await?.unread(acting.user(), conversation).await?;
    Ok(Reply::ok(&outcome, UnreadBody { unread }))
}

/// Read up to a message
///
/// Moves forward only: a message behind the mark changes nothing.
#[utoipa::path(put, path = "/v1/conversations/{conversation}/read", tag = "Conversations", request_body = UpToRequest,
    params(("conversation" = String, Path, format = "uuid", description = "Which")),
    responses((status = 200, description = "The conversation's count now", body = UnreadBody)),
)]
async fn read_up_to(
    acting: Acting,
    Path((conversation,)): Path<(ConversationId,)>,
    Body(up_to): Body<UpToRequest>,
) -> Result<Reply<UnreadBody>, Problem> {
    acting.app.commands.standing(conversation, acting.user()).await?.member()?;
    let id = up_to.id_in(conversation)?;
    let outcome = acting.app.commands.read_up_to(id, acting.user(), &acting.context).await?;
    unread(&acting, conversation, outcome).await
}

/// Delivered up to a message
#[utoipa::path(put, path = "/v1/conversations/{conversation}/delivered", tag = "Conversations",
    request_body = UpToRequest,
    params(("conversation" = String, Path, format = "uuid", description = "Which")),
    responses((status = 204, description = "Noted")),
)]
async fn delivered_up_to(
    acting: Acting,
    Path((conversation,)): Path<(ConversationId,)>,
    Body(up_to): Body<UpToRequest>,
) -> Result<Reply<()>, Problem> {
    acting.app.commands.standing(conversation, acting.user()).await?.member()?;
    let id = up_to.id_in(conversation)?;
    let outcome = acting.app.commands.delivered_up_to(id, acting.user(), &acting.context).await?;
    Ok(Reply::no_content(&acting.done(outcome)))
}

/// Typing
///
/// Shown to the other members who listen now, and kept nowhere.
#[utoipa::path(put, path = "/v1/conversations/{conversation}/typing", tag = "Conversations",
    params(("conversation" = String, Path, format = "uuid", description = "Which")),
    responses((status = 204, description = "Passed on")),
)]
async fn tell_typing(acting: Acting, Path((conversation,)): Path<(ConversationId,)>) -> Result<Reply<()>, Problem> {
    acting.app.commands.standing(conversation, acting.user()).await?.speaker()?;
    acting.app.live.typing(conversation, acting.user());
    Ok(Reply::no_content(&Outcome { value: (), position: None, replayed: false }))
}
