//! Messages: listed, shown, edited, deleted.

use serde::Deserialize;
use tidings_commands::messages::Edit;
use tidings_domain::{
    ConversationId, MessageId, Timestamp,
    user::Change,
    values::{Body as MessageText, Subject},
};
use tidings_projections::model::{MessageAnchor, MessageVersion};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::past::{Shown, View, Which};
use super::shapes::{List, MessageBody, shown};
use super::texts::{BodyText, MessageIdText, SubjectText};
use crate::{
    app::{Acting, App, Reading},
    extract::{AsOf, Body, Checked, InQuery, Limit, MessageRef, Path, change, parsed},
    json::Json,
    problem::{Checks, Kind, Problem},
    reply::Reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_messages))
        .routes(routes!(show_message, edit_message, delete_message))
        .routes(routes!(show_history))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct MessagesQuery {
    /// Only those before this message.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<MessageIdText>, inline)]
    before: Option<MessageRef>,
    /// Only those after this message: the page nearest to it.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<MessageIdText>, inline)]
    after: Option<MessageRef>,
    /// This message and those on both sides of it.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<MessageIdText>, inline)]
    around: Option<MessageRef>,
    /// Only the unread, or only the read.
    unread: Option<bool>,
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
    /// `next` of the page before.
    #[param(ignore)]
    cursor: Option<String>,
    /// As they stood at this position of the log or at this time, but for what was erased since.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<AsOf>, inline)]
    as_of: Option<AsOf>,
}

impl MessagesQuery {
    /// Where to begin, and before which `seq` to stop: `before` and `after` together are a stretch, and `around` goes
    /// before both.
    fn stretch(&self, conversation: ConversationId) -> Result<(MessageAnchor, u64), Problem> {
        let seq = |id: Option<MessageRef>| id.map(|id| id.id_in(conversation).map(|id| id.seq)).transpose();
        Ok(match (seq(self.around)?, seq(self.before)?, seq(self.after)?) {
            (Some(around), _, _) => (MessageAnchor::Around(around), 0),
            (None, Some(before), after) => (MessageAnchor::Before(before), after.unwrap_or(0)),
            (None, None, Some(after)) => (MessageAnchor::After(after), 0),
            (None, None, None) => (MessageAnchor::Newest, 0),
        })
    }
}

/// How an anchor stands in a cursor.
pub(super) fn to_place(anchor: MessageAnchor) -> (u8, u64) {
    match anchor {
        MessageAnchor::Newest => (0, 0),
        MessageAnchor::Before(seq) => (1, seq),
        MessageAnchor::After(seq) => (2, seq),
        MessageAnchor::Around(seq) => (3, seq),
    }
}

pub(super) fn from_place(place: (u8, u64)) -> MessageAnchor {
    match place {
        (1, seq) => MessageAnchor::Before(seq),
        (2, seq) => MessageAnchor::After(seq),
        (3, seq) => MessageAnchor::Around(seq),
        (_, _) => MessageAnchor::Newest,
    }
}

/// The messages of a conversation
///
/// Newest first, always.
#[utoipa::path(get, path = "/v1/conversations/{conversation}/messages", tag = "Messages",
    params(("conversation" = String, Path, format = "uuid", description = "Which"), MessagesQuery),
    responses((status = 200, description = "Messages", body = List<MessageBody>)),
)]
async fn list_messages(
    reading: Reading,
    Path((conversation,)): Path<(ConversationId,)>,
    InQuery(asked): InQuery<MessagesQuery>,
) -> Result<Shown<List<MessageBody>>, Problem> {
    let (begin, stop) = asked.stretch(conversation)?;
    let view = View::of(&reading, asked.as_of, Which::One(conversation)).await?;
    let list = view.list(format!("messages {conversation} {stop} {:?}", asked.unread));
    let place = reading.app.cursors.open_some(&list, asked.cursor.as_deref())?;
    let anchor = place.map_or(begin, from_place);
    let page = view.views().messages(reading.user(), conversation, anchor, asked.unread, asked.limit.0).await?;
    let Some(mut page) = page else {
        // says which: no such conversation, or not in it
        reading.app.commands.standing(conversation, reading.user()).await?;
        return Err(Kind::NotAMember.into());
    };
    let found = page.items.len();
    page.items.retain(|message| message.id.seq > stop);
    view.hide(&reading, &mut page.items.iter_mut().collect::<Vec<_>>()).await?;
    let next = page.next.filter(|_| page.items.len() == found);
    let next = next.map(|next| reading.app.cursors.seal(&list, &to_place(next))).transpose()?;
    Ok(view.answer(List { items: page.items.into_iter().map(Into::into).collect(), next }))
}

/// A message
///
/// 404 to those who may not see it.
#[utoipa::path(get, path = "/v1/messages/{message}", tag = "Messages",
    params(("message" = String, Path, description = "Which")),
    responses((status = 200, description = "The message", body = MessageBody)),
)]
async fn show_message(reading: Reading, Path((id,)): Path<(MessageId,)>) -> Result<Json<MessageBody>, Problem> {
    let message = reading.views().message(reading.user(), id).await?;
    message.map(|message| Json(message.into())).ok_or_else(|| Kind::NoSuchMessage.into())
}

/// What a message is to say.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EditRequest {
    /// 1 to 65,536 bytes.
    #[schema(value_type = BodyText)]
    body: String,
    /// `null` takes it away; absent leaves it.
    #[serde(default, deserialize_with = "change")]
    #[schema(value_type = Option<SubjectText>)]
    subject: Change<String>,
}

impl Checked for EditRequest {
    type Valid = Edit;

    fn check(self, checks: &mut Checks) -> Option<Edit> {
        let subject = match self.subject {
            Change::Keep => None,
            Change::Clear => Some(None),
            Change::Set(subject) => Some(Some(checks.take("/subject", Subject::parse(&subject))?)),
        };
        let body = checks.take("/body", MessageText::parse(&self.body));
        Some(Edit { body: body?, subject })
    }
}

/// Edit a message
///
/// Its sender only.
#[utoipa::path(patch, path = "/v1/messages/{message}", tag = "Messages", request_body = EditRequest,
    params(("message" = String, Path, description = "Which")),
    responses((status = 200, description = "The message now", body = MessageBody)),
)]
async fn edit_message(
    acting: Acting,
    Path((id,)): Path<(MessageId,)>,
    Body(edit): Body<EditRequest>,
) -> Result<Reply<MessageBody>, Problem> {
    let outcome = acting.app.commands.edit(id, acting.user(), edit, &acting.context).await?;
    let outcome = acting.done(outcome);
    let message = acting.reading().await?.message(acting.user(), id).await?;
    message
        .map(|message| Reply::ok(&outcome, message.into()).showing(Some(id)))
        .ok_or_else(|| Kind::NoSuchMessage.into())
}

/// For whom a message is deleted.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum DeleteFor {
    Everyone,
    Me,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct DeleteQuery {
    /// Everyone, for its sender; oneself, for all others.
    #[serde(rename = "for")]
    #[param(inline)]
    whom: Option<DeleteFor>,
}

/// Delete a message
///
/// For everyone: its text is gone for all, its key destroyed. For oneself: it is hidden.
#[utoipa::path(delete, path = "/v1/messages/{message}", tag = "Messages",
    params(("message" = String, Path, description = "Which"), DeleteQuery),
    responses((status = 204, description = "It is deleted")),
)]
async fn delete_message(
    acting: Acting,
    Path((id,)): Path<(MessageId,)>,
    InQuery(asked): InQuery<DeleteQuery>,
) -> Result<Reply<()>, Problem> {
    let (commands, me) = (&acting.app.commands, acting.user());
    let whom = match asked.whom {
        Some(whom) => whom,
        None if commands.sender(id, me).await? == me => DeleteFor::Everyone,
        None => DeleteFor::Me,
    };
    let outcome = match whom {
        DeleteFor::Everyone => commands.delete_for_everyone(id, me, &acting.context).await?,
        DeleteFor::Me => commands.hide(id, me, &acting.context).await?,
    };
    Ok(Reply::no_content(&acting.done(outcome)))
}

/// What a message said at some time.
#[derive(Debug, serde::Serialize, ToSchema)]
struct Version {
    body: Option<String>,
    subject: Option<String>,
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

impl From<MessageVersion> for Version {
    fn from(version: MessageVersion) -> Self {
        Self { body: version.body, subject: version.subject, at: version.at }
    }
}

/// What a message said
///
/// Every version with its time, oldest first; none of a deleted message.
#[utoipa::path(get, path = "/v1/messages/{message}/history", tag = "Messages",
    params(("message" = String, Path, description = "Which")),
    responses((status = 200, description = "All versions", body = List<Version>)),
)]
async fn show_history(reading: Reading, Path((id,)): Path<(MessageId,)>) -> Result<Json<List<Version>>, Problem> {
    let versions = reading.views().history(reading.user(), id).await?;
    let versions = versions.ok_or_else(|| Problem::from(Kind::NoSuchMessage))?;
    Ok(Json(List { items: versions.into_iter().map(Into::into).collect(), next: None }))
}
