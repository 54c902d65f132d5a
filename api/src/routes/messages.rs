//! Messages: sent, listed, shown, edited, deleted.

use axum::Json;
use serde::Deserialize;
use tidings_commands::{
    Context,
    messages::{Draft, Edit, Sent},
};
use tidings_domain::{
    ConversationId, MessageId, Timestamp,
    conversation::MessageContent,
    values::{Body as MessageText, ContentType, Subject},
};
use tidings_projections::model::{MessageAnchor, MessageVersion};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    conversations::{named, resolve},
    shapes::{List, MessageBody, shown},
};
use crate::{
    app::{Acting, App, Reading},
    extract::{Body, Checked, Limit, Path, Query, double_option, parsed},
    problem::{Checks, Kind, Problem},
    reply::Reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(send, list))
        .routes(routes!(send_to))
        .routes(routes!(show, edit, delete))
        .routes(routes!(history))
}

/// A message to send.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"body": "Hello, @grace!"}))]
struct SendRequest {
    /// 1 to 65,536 bytes.
    #[schema(value_type = String, min_length = 1, max_length = 65536)]
    body: Option<String>,
    #[schema(min_length = 1, max_length = 255, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
    subject: Option<String>,
    /// What the body is: `text/plain` unless it says otherwise. An end-to-end encrypted body is base64 of any type.
    #[schema(example = "text/plain", pattern = "^[a-z]+/[a-z0-9.+-]+$")]
    content_type: Option<String>,
    /// The message it answers, of the same conversation.
    #[schema(example = json!(null))]
    reply_to: Option<String>,
    /// Always empty in this version.
    #[schema(max_items = 0)]
    attachments: Option<Vec<String>>,
}

impl Checked for SendRequest {
    type Valid = Draft;

    fn check(self, checks: &mut Checks) -> Option<Draft> {
        let subject = checks.optional("/subject", self.subject.as_deref(), Subject::parse);
        let content_type = match self.content_type {
            Some(text) => checks.take("/content_type", ContentType::parse(&text)),
            None => Some(ContentType::plain_text()),
        };
        let reply_to = self.reply_to.map(|id| id.parse::<MessageId>());
        if reply_to.as_ref().is_some_and(Result::is_err) {
            checks.note("/reply_to", "must be the id of a message");
        }
        for (at, _) in self.attachments.iter().flatten().enumerate() {
            checks.note(format!("/attachments/{at}"), "there is no such attachment");
        }
        let body = match self.body {
            Some(body) => checks.take("/body", MessageText::parse(&body)),
            None => {
                checks.malformed("/body", "is missing");
                None
            }
        };
        let content = MessageContent { subject, body: Some(body?) };
        Some(Draft { content, content_type: content_type?, reply_to: reply_to.and_then(Result::ok) })
    }
}

/// Send a message
///
/// The answer means that it is durable.
#[utoipa::path(post, path = "/v1/conversations/{conversation}/messages", tag = "Messages", request_body = SendRequest,
    params(("conversation" = String, Path, format = "uuid", description = "Where to")),
    responses((status = 201, description = "The message", body = MessageBody, headers(
        ("Location", description = "Where it is"),
    ))),
)]
async fn send(
    acting: Acting,
    Path((conversation,)): Path<(ConversationId,)>,
    Body(draft): Body<SendRequest>,
) -> Result<Reply<MessageBody>, Problem> {
    send_into(&acting, conversation, draft).await
}

async fn send_into(
    acting: &Acting,
    conversation: ConversationId,
    draft: Draft,
) -> Result<Reply<MessageBody>, Problem> {
    let reply_to = draft.reply_to;
    let outcome = acting.app.commands.send(conversation, acting.user(), draft, &acting.context).await?;
    let outcome = acting.done(outcome);
    let body = as_sent(&acting.app, outcome.value.clone(), reply_to).await?;
    Ok(Reply::created(&outcome, format!("/v1/messages/{}", body.id), body).from_events())
}

/// A message as its sender sees it in the moment it is sent, from its event alone.
async fn as_sent(app: &App, sent: Sent, reply_to: Option<MessageId>) -> Result<MessageBody, Problem> {
    let Sent { id, event } = sent;
    let mut mentions = Vec::with_capacity(event.mentions.len());
    for user in &event.mentions {
        mentions.push(named(app, *user).await?);
    }
    let content = event.content.into_clear();
    let (subject, body) = content.map_or((None, None), |content| (content.subject, content.body));
    Ok(MessageBody {
        id,
        conversation_id: id.conversation,
        seq: id.seq,
        sender: named(app, event.sender).await?,
        subject: subject.map(Subject::into_string),
        body: body.map(MessageText::into_string),
        content_type: event.content_type.into_string(),
        reply_to,
        mentions,
        attachments: vec![],
        reactions: vec![],
        created_at: event.at,
        edited_at: None,
        deleted_at: None,
        read: true,
        pinned: false,
    })
}

/// A message and whom it is for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"to": ["grace"], "body": "Hello!"}))]
struct SendToRequest {
    /// The others, by id or username.
    #[schema(min_items = 1, max_items = 20)]
    to: Vec<String>,
    /// 1 to 65,536 bytes.
    #[schema(value_type = String, min_length = 1, max_length = 65536)]
    body: Option<String>,
    #[schema(min_length = 1, max_length = 255, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
    subject: Option<String>,
    #[schema(example = "text/plain", pattern = "^[a-z]+/[a-z0-9.+-]+$")]
    content_type: Option<String>,
    #[schema(example = json!(null))]
    reply_to: Option<String>,
    /// Always empty in this version.
    #[schema(max_items = 0)]
    attachments: Option<Vec<String>>,
}

impl Checked for SendToRequest {
    type Valid = (Vec<String>, Draft);

    fn check(self, checks: &mut Checks) -> Option<(Vec<String>, Draft)> {
        let Self { to, body, subject, content_type, reply_to, attachments } = self;
        let draft = SendRequest { body, subject, content_type, reply_to, attachments }.check(checks);
        Some((to, draft?))
    }
}

/// Send a message to people
///
/// Goes to the direct conversation of exactly these people and the caller, which is made at need.
#[utoipa::path(post, path = "/v1/messages", tag = "Messages", request_body = SendToRequest, responses(
    (status = 201, description = "The message", body = MessageBody, headers(("Location", description = "Where it is"))),
))]
async fn send_to(
    acting: Acting,
    Body((to, draft)): Body<SendToRequest>,
) -> Result<Reply<MessageBody>, Problem> {
    let members = resolve(&acting, &to).await?;
    // the key belongs to the message: making the conversation is idempotent by itself
    let context = Context { key: None, ..acting.context.clone() };
    let started = acting.app.commands.start_direct(acting.user(), members, &context).await;
    let started = started.map_err(|error| Problem::from(error).at_member("/members", "/to"))?;
    send_into(&acting, started.value.conversation, draft).await
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct MessagesQuery {
    /// Only those before this message.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>)]
    before: Option<MessageId>,
    /// Only those after this message: the page nearest to it.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>)]
    after: Option<MessageId>,
    /// This message and those on both sides of it.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>)]
    around: Option<MessageId>,
    /// Only the unread, or only the read.
    unread: Option<bool>,
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
    /// `next` of the page before.
    cursor: Option<String>,
}

impl MessagesQuery {
    fn anchor(&self, conversation: ConversationId) -> Result<MessageAnchor, Problem> {
        let anchors = [
            ("/before", self.before, MessageAnchor::Before as fn(u64) -> MessageAnchor),
            ("/after", self.after, MessageAnchor::After),
            ("/around", self.around, MessageAnchor::Around),
        ];
        let mut given = anchors.into_iter().filter_map(|(name, id, anchor)| Some((name, id?, anchor)));
        let Some((name, id, anchor)) = given.next() else { return Ok(MessageAnchor::Newest) };
        if let Some((other, _, _)) = given.next() {
            return Err(Problem::malformed(other, format!("stands beside {name}: give one of them")));
        }
        if id.conversation == conversation {
            Ok(anchor(id.seq))
        } else {
            Err(Problem::malformed(name, "is a message of another conversation"))
        }
    }
}

/// How an anchor stands in a cursor.
fn to_place(anchor: MessageAnchor) -> (u8, u64) {
    match anchor {
        MessageAnchor::Newest => (0, 0),
        MessageAnchor::Before(seq) => (1, seq),
        MessageAnchor::After(seq) => (2, seq),
        MessageAnchor::Around(seq) => (3, seq),
    }
}

fn from_place(place: (u8, u64)) -> MessageAnchor {
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
async fn list(
    reading: Reading,
    Path((conversation,)): Path<(ConversationId,)>,
    Query(asked): Query<MessagesQuery>,
) -> Result<Json<List<MessageBody>>, Problem> {
    let list = format!("messages {conversation} {:?}", asked.unread);
    let asked_anchor = asked.anchor(conversation)?;
    let place = reading.app.cursors.open_some(&list, asked.cursor.as_deref())?;
    let anchor = place.map_or(asked_anchor, from_place);
    let page = reading.views().messages(reading.user(), conversation, anchor, asked.unread, asked.limit.0).await?;
    let Some(page) = page else {
        // says which: no such conversation, or not in it
        reading.app.commands.standing(conversation, reading.user()).await?;
        return Err(Kind::NotAMember.into());
    };
    let next = page.next.map(|next| reading.app.cursors.seal(&list, &to_place(next))).transpose()?;
    Ok(Json(List { items: page.items.into_iter().map(Into::into).collect(), next }))
}

/// A message
///
/// 404 to those who may not see it.
#[utoipa::path(get, path = "/v1/messages/{message}", tag = "Messages",
    params(("message" = String, Path, description = "Which")),
    responses((status = 200, description = "The message", body = MessageBody)),
)]
async fn show(reading: Reading, Path((id,)): Path<(MessageId,)>) -> Result<Json<MessageBody>, Problem> {
    let message = reading.views().message(reading.user(), id).await?;
    message.map(|message| Json(message.into())).ok_or_else(|| Kind::NoSuchMessage.into())
}

/// What a message is to say.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EditRequest {
    /// 1 to 65,536 bytes.
    #[schema(min_length = 1, max_length = 65536)]
    body: String,
    /// `null` takes it away; absent leaves it.
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 255, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
    subject: Option<Option<String>>,
}

impl Checked for EditRequest {
    type Valid = Edit;

    fn check(self, checks: &mut Checks) -> Option<Edit> {
        let subject = self.subject.map(|subject| checks.optional("/subject", subject.as_deref(), Subject::parse));
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
async fn edit(
    acting: Acting,
    Path((id,)): Path<(MessageId,)>,
    Body(edit): Body<EditRequest>,
) -> Result<Reply<MessageBody>, Problem> {
    let outcome = acting.app.commands.edit(id, acting.user(), edit, &acting.context).await?;
    let outcome = acting.done(outcome);
    let message = acting.reading().await?.message(acting.user(), id).await?;
    message.map(|message| Reply::ok(&outcome, message.into())).ok_or_else(|| Kind::NoSuchMessage.into())
}

/// For whom a message is deleted.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum DeleteFor {
    Everyone,
    Me,
}

#[derive(Deserialize, IntoParams)]
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
async fn delete(
    acting: Acting,
    Path((id,)): Path<(MessageId,)>,
    Query(asked): Query<DeleteQuery>,
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
async fn history(reading: Reading, Path((id,)): Path<(MessageId,)>) -> Result<Json<List<Version>>, Problem> {
    let versions = reading.views().history(reading.user(), id).await?;
    let versions = versions.ok_or_else(|| Problem::from(Kind::NoSuchMessage))?;
    Ok(Json(List { items: versions.into_iter().map(Into::into).collect(), next: None }))
}
