//! What is done to a message: marked read or unread, reacted to, pinned; and who it reached.

use serde::{Deserialize, Serialize};
use tidings_domain::{MessageId, Timestamp, values::Emoji};
use tidings_projections::model::{MemberCursor, Receipt};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    EmojiText,
    reading::unread,
    shapes::{List, UnreadBody, UserRefBody, shown, shown_option},
};
use crate::{
    app::{Acting, App, Reading},
    extract::{InQuery, Limit, Path},
    json::Json,
    problem::{Kind, Problem},
    reply::Reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(mark_read, mark_unread))
        .routes(routes!(add_reaction, remove_reaction))
        .routes(routes!(pin_message, unpin_message))
        .routes(routes!(list_receipts))
}

/// Mark one message read
#[utoipa::path(put, path = "/v1/messages/{message}/read", tag = "Messages",
    params(("message" = String, Path, description = "Which")),
    responses((status = 200, description = "The conversation's count now", body = UnreadBody)),
)]
async fn mark_read(acting: Acting, Path((id,)): Path<(MessageId,)>) -> Result<Reply<UnreadBody>, Problem> {
    let outcome = acting.app.commands.mark_read(id, acting.user(), &acting.context).await?;
    unread(&acting, id.conversation, outcome).await
}

/// Mark one message unread
///
/// One that may never count, such as one's own, stays as it is.
#[utoipa::path(delete, path = "/v1/messages/{message}/read", tag = "Messages",
    params(("message" = String, Path, description = "Which")),
    responses((status = 200, description = "The conversation's count now", body = UnreadBody)),
)]
async fn mark_unread(acting: Acting, Path((id,)): Path<(MessageId,)>) -> Result<Reply<UnreadBody>, Problem> {
    let outcome = acting.app.commands.mark_unread(id, acting.user(), &acting.context).await?;
    unread(&acting, id.conversation, outcome).await
}

async fn reaction(acting: Acting, id: MessageId, emoji: &str, there: bool) -> Result<Reply<()>, Problem> {
    let emoji = Emoji::parse(emoji).map_err(|why| Problem::invalid("/emoji", why.to_string()))?;
    let outcome = acting.app.commands.react(id, acting.user(), emoji, there, &acting.context).await?;
    Ok(Reply::no_content(&acting.done(outcome)))
}

/// React to a message
///
/// With exactly one emoji; once for each of them.
#[utoipa::path(put, path = "/v1/messages/{message}/reactions/{emoji}", tag = "Messages",
    params(
        ("message" = String, Path, description = "Which"),
        ("emoji" = EmojiText, Path, description = "Exactly one emoji", example = "👍"),
    ),
    responses((status = 204, description = "It is there")),
)]
async fn add_reaction(acting: Acting, Path((id, emoji)): Path<(MessageId, String)>) -> Result<Reply<()>, Problem> {
    reaction(acting, id, &emoji, true).await
}

/// Take a reaction back
#[utoipa::path(delete, path = "/v1/messages/{message}/reactions/{emoji}", tag = "Messages",
    params(
        ("message" = String, Path, description = "Which"),
        ("emoji" = EmojiText, Path, description = "Exactly one emoji", example = "👍"),
    ),
    responses((status = 204, description = "It is not there")),
)]
async fn remove_reaction(acting: Acting, Path((id, emoji)): Path<(MessageId, String)>) -> Result<Reply<()>, Problem> {
    reaction(acting, id, &emoji, false).await
}

/// Pin a message
///
/// Owner and admins; both, in a direct conversation.
#[utoipa::path(put, path = "/v1/messages/{message}/pin", tag = "Messages",
    params(("message" = String, Path, description = "Which")),
    responses((status = 204, description = "It is pinned")),
)]
async fn pin_message(acting: Acting, Path((id,)): Path<(MessageId,)>) -> Result<Reply<()>, Problem> {
    let outcome = acting.app.commands.pin(id, acting.user(), true, &acting.context).await?;
    Ok(Reply::no_content(&acting.done(outcome)))
}

/// Unpin a message
#[utoipa::path(delete, path = "/v1/messages/{message}/pin", tag = "Messages",
    params(("message" = String, Path, description = "Which")),
    responses((status = 204, description = "It is not pinned")),
)]
async fn unpin_message(acting: Acting, Path((id,)): Path<(MessageId,)>) -> Result<Reply<()>, Problem> {
    let outcome = acting.app.commands.pin(id, acting.user(), false, &acting.context).await?;
    Ok(Reply::no_content(&acting.done(outcome)))
}

/// That a message reached somebody.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Receipt)]
struct ReceiptBody {
    user: UserRefBody,
    /// When the message was sent.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = DateTime)]
    sent_at: Timestamp,
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = DateTime)]
    delivered_at: Timestamp,
    #[serde(serialize_with = "shown_option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    read_at: Option<Timestamp>,
}

impl From<Receipt> for ReceiptBody {
    fn from(receipt: Receipt) -> Self {
        let Receipt { user, sent_at, delivered_at, read_at } = receipt;
        Self { user: user.into(), sent_at, delivered_at, read_at }
    }
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct ReceiptsQuery {
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
    /// `next` of the page before.
    #[param(ignore)]
    cursor: Option<String>,
}

/// Whom a message reached
///
/// To whom it was delivered and by whom it was read, and when.
#[utoipa::path(get, path = "/v1/messages/{message}/receipts", tag = "Messages",
    params(("message" = String, Path, description = "Which"), ReceiptsQuery),
    responses((status = 200, description = "Receipts", body = List<ReceiptBody>)),
)]
async fn list_receipts(
    reading: Reading,
    Path((id,)): Path<(MessageId,)>,
    InQuery(asked): InQuery<ReceiptsQuery>,
) -> Result<Json<List<ReceiptBody>>, Problem> {
    let list = format!("receipts {id}");
    let cursor = reading.app.cursors.open_some(&list, asked.cursor.as_deref())?.map(MemberCursor);
    let page = reading.views().receipts(reading.user(), id, cursor, asked.limit.0).await?;
    let page = page.ok_or_else(|| Problem::from(Kind::NoSuchMessage))?;
    let next = page.next.map(|MemberCursor(next)| reading.app.cursors.seal(&list, &next)).transpose()?;
    Ok(Json(List { items: page.items.into_iter().map(Into::into).collect(), next }))
}
