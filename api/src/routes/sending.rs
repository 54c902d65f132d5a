//! Messages: sent into a conversation, or to people.

use serde::Deserialize;
use tidings_commands::{
    Context, Error, Refusal,
    messages::{Draft, Sent},
};
use tidings_domain::{
    AttachmentId, ConversationId, IdError, MessageId,
    attachment::{AttachmentRefusal, MAX_ATTACHMENTS},
    conversation::{ConversationRefusal, MessageContent},
    values::{Body as MessageText, ContentType, Subject},
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::texts::{BodyText, ContentTypeText, MessageIdText, SubjectText};
use super::{
    shapes::{AttachmentBody, MessageBody},
    starting::{named, resolve},
};
use crate::{
    app::{Acting, App},
    extract::{Body, Checked, MessageRef, Path},
    problem::{Checks, FieldError, Kind, Problem},
    reply::Reply,
};

const NO_SUCH_ATTACHMENT: &str = "there is no such attachment";

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(send_message)).routes(routes!(send_to_people))
}

/// A message to send.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"body": "Hello, @grace!"}))]
pub(super) struct SendRequest {
    /// 1 to 65,536 bytes; may be missing where something is attached.
    #[schema(value_type = Option<BodyText>)]
    pub(super) body: Option<String>,
    #[schema(value_type = Option<SubjectText>)]
    pub(super) subject: Option<String>,
    /// What the body is: `text/plain` unless it says otherwise. An end-to-end encrypted body is base64 of any type.
    #[schema(value_type = Option<ContentTypeText>)]
    pub(super) content_type: Option<String>,
    /// The message it answers, of the same conversation.
    #[schema(value_type = Option<MessageIdText>)]
    pub(super) reply_to: Option<String>,
    /// What the caller uploaded and no other message has, each once.
    #[schema(max_items = 10)]
    pub(super) attachments: Option<Vec<String>>,
}

/// A message to send, checked.
pub(super) struct Letter {
    content: MessageContent,
    content_type: ContentType,
    reply_to: Option<MessageRef>,
    attachments: Vec<AttachmentId>,
}

impl Letter {
    pub(super) fn draft(self) -> Result<Draft, Problem> {
        let Self { content, content_type, reply_to, attachments } = self;
        let reply_to = reply_to.map(MessageRef::id).transpose().map_err(|_| ConversationRefusal::NoSuchReply)?;
        Ok(Draft { content, content_type, reply_to, attachments })
    }
}

impl Checked for SendRequest {
    type Valid = Letter;

    fn check(self, checks: &mut Checks) -> Option<Letter> {
        let subject = checks.optional("/subject", self.subject.as_deref(), Subject::parse);
        let content_type = match self.content_type {
            Some(text) => checks.take("/content_type", ContentType::parse(&text)),
            None => Some(ContentType::plain_text()),
        };
        let reply_to = checks.optional("/reply_to", self.reply_to.as_deref(), str::parse::<MessageRef>);
        let attachments = attachments(self.attachments.as_deref().unwrap_or_default(), checks);
        if self.body.is_none() && attachments.as_ref().is_none_or(Vec::is_empty) {
            checks.malformed("/body", "is missing");
        }
        let given = self.body.is_some();
        let body = checks.optional("/body", self.body.as_deref(), MessageText::parse);
        if given && body.is_none() {
            return None;
        }
        let content = MessageContent { subject, body };
        Some(Letter { content, content_type: content_type?, reply_to, attachments: attachments? })
    }
}

/// Ids of files, each once.
fn attachments(ids: &[String], checks: &mut Checks) -> Option<Vec<AttachmentId>> {
    if ids.len() > MAX_ATTACHMENTS {
        checks.note("/attachments", format!("must be at most {MAX_ATTACHMENTS}"));
        return None;
    }
    let mut parsed = Vec::with_capacity(ids.len());
    for (at, id) in ids.iter().enumerate() {
        match id.parse() {
            Ok(id) if parsed.contains(&id) => checks.note(format!("/attachments/{at}"), "stands twice"),
            Ok(id) => parsed.push(id),
            Err(IdError) => checks.note(format!("/attachments/{at}"), NO_SUCH_ATTACHMENT),
        }
    }
    (parsed.len() == ids.len()).then_some(parsed)
}

/// Which of the files is the wrong one.
pub(super) fn of_attachments(error: Error, ids: &[AttachmentId]) -> Problem {
    let Error::Attachment { id, refusal } = error else { return error.into() };
    let at = ids.iter().position(|known| *known == id).unwrap_or_default();
    let kind = match refusal {
        AttachmentRefusal::NoSuchAttachment => Kind::InvalidRequest,
        AttachmentRefusal::AlreadyUsed => Kind::AttachmentUsed,
    };
    Problem::of_fields(kind, vec![FieldError::new(format!("/attachments/{at}"), refusal.to_string())])
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
async fn send_message(
    acting: Acting,
    Path((conversation,)): Path<(ConversationId,)>,
    Body(letter): Body<SendRequest>,
) -> Result<Reply<MessageBody>, Problem> {
    send_into(&acting, conversation, letter.draft()?).await
}

async fn send_into(acting: &Acting, conversation: ConversationId, draft: Draft) -> Result<Reply<MessageBody>, Problem> {
    let (reply_to, attached) = (draft.reply_to, draft.attachments.clone());
    // boxed: what stands around a handler moves its whole future about
    let sending = Box::pin(acting.app.commands.send(conversation, acting.user(), draft, &acting.context));
    let outcome = acting.done(sending.await.map_err(|error| of_attachments(error, &attached))?);
    let body = as_sent(&acting.app, outcome.value.clone(), reply_to).await?;
    Ok(Reply::created(&outcome, format!("/v1/messages/{}", body.id), body).from_events())
}

/// A message as its sender sees it in the moment it is sent, from its event alone.
async fn as_sent(app: &App, sent: Sent, reply_to: Option<MessageId>) -> Result<MessageBody, Problem> {
    let Sent { id, event, attachments } = sent;
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
        attachments: attachments.into_iter().filter_map(AttachmentBody::of).collect(),
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
    /// 1 to 65,536 bytes; may be missing where something is attached.
    #[schema(value_type = Option<BodyText>)]
    body: Option<String>,
    #[schema(value_type = Option<SubjectText>)]
    subject: Option<String>,
    #[schema(value_type = Option<ContentTypeText>)]
    content_type: Option<String>,
    #[schema(value_type = Option<MessageIdText>)]
    reply_to: Option<String>,
    /// What the caller uploaded and no other message has, each once.
    #[schema(max_items = 10)]
    attachments: Option<Vec<String>>,
}

impl Checked for SendToRequest {
    type Valid = (Vec<String>, Letter);

    fn check(self, checks: &mut Checks) -> Option<(Vec<String>, Letter)> {
        let Self { to, body, subject, content_type, reply_to, attachments } = self;
        let letter = SendRequest { body, subject, content_type, reply_to, attachments }.check(checks);
        Some((to, letter?))
    }
}

/// Send a message to people
///
/// Goes to the direct conversation of exactly these people and the caller, which is made at need.
#[utoipa::path(post, path = "/v1/messages", tag = "Messages", request_body = SendToRequest, responses(
    (status = 201, description = "The message", body = MessageBody, headers(("Location", description = "Where it is"))),
))]
async fn send_to_people(
    acting: Acting,
    Body((to, letter)): Body<SendToRequest>,
) -> Result<Reply<MessageBody>, Problem> {
    let draft = letter.draft()?;
    let members = resolve(&acting, "/to", &to).await?;
    // the key belongs to the message: making the conversation is idempotent by itself
    let context = Context { key: None, ..acting.context.clone() };
    let conversation = ConversationId::direct(members.iter().chain([&acting.user()]));
    match acting.app.commands.start_direct(acting.user(), members, &context).await {
        // what was sent under this key before the block is answered as it was; anything else is refused there, too
        Ok(_) | Err(Error::Refused(Refusal::Conversation(ConversationRefusal::Blocked))) => {
            send_into(&acting, conversation, draft).await
        }
        Err(error) => Err(Problem::from(error).at_member("/members", "/to")),
    }
}
