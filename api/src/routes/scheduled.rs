//! Messages to send later.

use serde::{Deserialize, Serialize};
use tidings_commands::schedules::{Destination, Later};
use tidings_domain::{
    ConversationId, MessageId, ScheduledId, Timestamp,
    schedule::MessageScheduled,
    values::{Body as MessageText, Subject},
};
use tidings_projections::model::{Scheduled, ScheduledCursor};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    sending::{Letter, SendRequest, of_attachments},
    shapes::{AttachmentBody, List, UserRefBody, shown, shown_option},
    starting::{named, resolve},
    texts::{BodyText, ContentTypeText, MessageIdText, SubjectText},
};
use crate::{
    app::{Acting, App, Reading},
    extract::{Body, Checked, InQuery, Limit, Path},
    json::Json,
    problem::{Checks, Kind, Problem},
    reply::Reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(schedule_message, list_scheduled))
        .routes(routes!(show_scheduled, cancel_scheduled))
}

/// A message, whom or where it is for, and when.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"to": ["grace"], "body": "Happy birthday!", "send_at": "2027-12-09T08:00:00Z"}))]
struct ScheduleRequest {
    /// The others, by id or username: the message goes to their direct conversation with the caller.
    #[schema(min_items = 1, max_items = 20)]
    to: Option<Vec<String>>,
    /// Or the conversation it goes to.
    #[schema(format = "uuid")]
    conversation_id: Option<String>,
    /// In the future, and within 366 days.
    #[schema(format = DateTime)]
    send_at: String,
    /// 1 to 65,536 bytes.
    #[schema(value_type = BodyText)]
    body: Option<String>,
    #[schema(value_type = Option<SubjectText>)]
    subject: Option<String>,
    #[schema(value_type = Option<ContentTypeText>)]
    content_type: Option<String>,
    #[schema(value_type = Option<MessageIdText>)]
    reply_to: Option<String>,
    /// Up to ten uploaded files of the caller's own, kept until it is sent or cancelled.
    #[schema(max_items = 10)]
    attachments: Option<Vec<String>>,
}

/// Where a message is to go.
enum Wanted {
    Conversation(ConversationId),
    People(Vec<String>),
}

/// What to schedule, checked.
struct Schedule {
    wanted: Wanted,
    send_at: Timestamp,
    letter: Letter,
}

impl Checked for ScheduleRequest {
    type Valid = Schedule;

    fn check(self, checks: &mut Checks) -> Option<Schedule> {
        let wanted = match (self.to, self.conversation_id) {
            (Some(to), None) => Some(Wanted::People(to)),
            (None, Some(id)) => match id.parse::<ConversationId>() {
                Ok(id) => Some(Wanted::Conversation(id)),
                Err(why) => {
                    checks.note("/conversation_id", why.to_string());
                    None
                }
            },
            (None, None) => {
                checks.malformed("/to", "is missing, and so is conversation_id");
                None
            }
            (Some(_), Some(_)) => {
                checks.malformed("/conversation_id", "stands beside to: only one of them may");
                None
            }
        };
        let send_at = match self.send_at.parse::<Timestamp>() {
            Ok(at) => Some(at),
            Err(why) => {
                checks.malformed("/send_at", why.to_string());
                None
            }
        };
        let Self { body, subject, content_type, reply_to, attachments, .. } = self;
        let letter = SendRequest { body, subject, content_type, reply_to, attachments }.check(checks);
        Some(Schedule { wanted: wanted?, send_at: send_at?, letter: letter? })
    }
}

/// Where a scheduled message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ScheduledState)]
enum StateBody {
    /// It waits for its time, or is being sent.
    Scheduled,
    /// It was refused when its time had come.
    Failed,
}

/// Why a scheduled message was not sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ScheduledFailure)]
struct FailureBody {
    /// The problem that sending it met.
    #[serde(rename = "type")]
    #[schema(rename = "type", example = "/problems/not-a-member")]
    kind: String,
    title: String,
}

impl FailureBody {
    fn named(slug: &str) -> Self {
        let kind = Kind::named(slug);
        let title = kind.map_or("It could not be sent", Kind::title).to_owned();
        Self { kind: format!("/problems/{slug}"), title }
    }
}

/// A message to be sent later.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Scheduled)]
pub struct ScheduledBody {
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = "uuid")]
    id: ScheduledId,
    /// Where it goes. A direct conversation may not have begun yet.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = "uuid")]
    conversation_id: ConversationId,
    /// Whom it is for; empty where the conversation was named.
    to: Vec<UserRefBody>,
    subject: Option<String>,
    /// `null` once it is over, and where only files are sent.
    body: Option<String>,
    #[schema(example = "text/plain")]
    content_type: String,
    #[serde(serialize_with = "shown_option")]
    #[schema(value_type = Option<String>)]
    reply_to: Option<MessageId>,
    attachments: Vec<AttachmentBody>,
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = DateTime)]
    send_at: Timestamp,
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    state: StateBody,
    #[schema(nullable)]
    failure: Option<FailureBody>,
}

impl From<Scheduled> for ScheduledBody {
    fn from(scheduled: Scheduled) -> Self {
        let failure = scheduled.failure.as_deref().map(FailureBody::named);
        Self {
            id: scheduled.id,
            conversation_id: scheduled.conversation,
            to: scheduled.to.into_iter().map(Into::into).collect(),
            subject: scheduled.subject,
            body: scheduled.body,
            content_type: scheduled.content_type,
            reply_to: scheduled.reply_to,
            attachments: scheduled.attachments.into_iter().map(Into::into).collect(),
            send_at: scheduled.send_at,
            created_at: scheduled.created_at,
            state: if failure.is_some() { StateBody::Failed } else { StateBody::Scheduled },
            failure,
        }
    }
}

/// Schedule a message
///
/// It is sent at its time, once, if its sender may send it then. If not, it stays here with the reason until it is deleted. At most
/// 100 messages of one person are here at once.
#[utoipa::path(post, path = "/v1/scheduled", tag = "Messages", request_body = ScheduleRequest, responses(
    (status = 201, description = "It is scheduled", body = ScheduledBody, headers(("Location", description = "Where it is"))),
))]
async fn schedule_message(
    acting: Acting,
    Body(Schedule { wanted, send_at, letter }): Body<ScheduleRequest>,
) -> Result<Reply<ScheduledBody>, Problem> {
    let draft = letter.draft()?;
    let destination = match wanted {
        Wanted::Conversation(id) => Destination::Conversation(id),
        Wanted::People(to) => Destination::People(resolve(&acting, "/to", &to).await?),
    };
    let later = Later { destination, draft, send_at };
    let attached = later.draft.attachments.clone();
    let outcome = acting.app.commands.schedule(acting.user(), later, &acting.context).await;
    let outcome = outcome.map_err(|error| of_attachments(error, &attached).at_member("/members", "/to"))?;
    let outcome = acting.done(outcome);
    let body = as_scheduled(&acting.app, outcome.value.clone()).await?;
    Ok(Reply::created(&outcome, format!("/v1/scheduled/{}", body.id), body).from_events())
}

/// A scheduled message in the moment it is scheduled, from its event alone.
async fn as_scheduled(app: &App, event: MessageScheduled) -> Result<ScheduledBody, Problem> {
    let mut to = Vec::with_capacity(event.to.len());
    for user in &event.to {
        to.push(named(app, *user).await?);
    }
    let attachments = app.commands.files(&event.attachments).await?;
    let content = event.content.into_clear();
    let (subject, body) = content.map_or((None, None), |content| (content.subject, content.body));
    Ok(ScheduledBody {
        id: event.id,
        conversation_id: event.conversation,
        to,
        subject: subject.map(Subject::into_string),
        body: body.map(MessageText::into_string),
        content_type: event.content_type.into_string(),
        reply_to: event.reply_to.map(|place| place.of(event.conversation)),
        attachments: attachments.into_iter().filter_map(AttachmentBody::of).collect(),
        send_at: event.send_at,
        created_at: event.at,
        state: StateBody::Scheduled,
        failure: None,
    })
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct ScheduledQuery {
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
    /// `next` of the page before.
    #[param(ignore)]
    cursor: Option<String>,
}

const LIST: &str = "scheduled";

/// The caller's scheduled messages
///
/// Those that wait, and those that could not be sent; the earliest first.
#[utoipa::path(get, path = "/v1/scheduled", tag = "Messages", params(ScheduledQuery), responses(
    (status = 200, description = "Scheduled messages", body = List<ScheduledBody>),
))]
async fn list_scheduled(
    reading: Reading,
    InQuery(asked): InQuery<ScheduledQuery>,
) -> Result<Json<List<ScheduledBody>>, Problem> {
    let cursors = &reading.app.cursors;
    let cursor = cursors.open_some(LIST, asked.cursor.as_deref())?.map(|(at, id)| ScheduledCursor(at, id));
    let page = reading.views().scheduled(reading.user(), cursor, asked.limit.0).await?;
    let next = page.next.map(|ScheduledCursor(at, id)| cursors.seal(LIST, &(at, id))).transpose()?;
    Ok(Json(List { items: page.items.into_iter().map(Into::into).collect(), next }))
}

/// One scheduled message
#[utoipa::path(get, path = "/v1/scheduled/{scheduled}", tag = "Messages",
    params(("scheduled" = String, Path, format = "uuid", description = "Which")),
    responses((status = 200, description = "The scheduled message", body = ScheduledBody)),
)]
async fn show_scheduled(reading: Reading, Path((id,)): Path<(ScheduledId,)>) -> Result<Json<ScheduledBody>, Problem> {
    let found = reading.views().scheduled_one(reading.user(), id).await?;
    Ok(Json(found.ok_or_else(|| Problem::from(Kind::NoSuchScheduled))?.into()))
}

/// Cancel a scheduled message
///
/// Its text is destroyed. One that failed is taken away; one that is being sent cannot be cancelled any more.
#[utoipa::path(delete, path = "/v1/scheduled/{scheduled}", tag = "Messages",
    params(("scheduled" = String, Path, format = "uuid", description = "Which")),
    responses((status = 204, description = "It is not sent")),
)]
async fn cancel_scheduled(acting: Acting, Path((id,)): Path<(ScheduledId,)>) -> Result<Reply<()>, Problem> {
    let outcome = acting.app.commands.cancel_scheduled(id, acting.user(), &acting.context).await?;
    Ok(Reply::no_content(&acting.done(outcome)))
}
