//! Conversations: started, listed, shown, renamed, put aside.

use axum::Json;
use serde::Deserialize;
use tidings_commands::{Outcome, conversations::Started};
use tidings_domain::{
    ConversationId, UserId,
    conversation::{ConversationKind, ConversationStarted, MemberRole},
    values::ConversationName,
};
use tidings_event_store::Position;
use tidings_projections::{
    Queries,
    model::{ConversationAccess, InboxCursor, InboxFilter},
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::shapes::{ConversationBody, List, UserRefBody};
use super::texts::ConversationNameText;
use crate::{
    app::{Acting, App, Reading},
    extract::{Body, Checked, InQuery, Limit, Path, present},
    problem::{Checks, FieldError, Kind, Problem},
    reply::Reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(start_conversation, show_inbox))
        .routes(routes!(show_conversation, rename_conversation))
        .routes(routes!(change_conversation_settings))
}

/// What to start.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StartRequest {
    kind: ConversationKind,
    #[serde(default, deserialize_with = "present")]
    name: Option<String>,
    members: Vec<String>,
}

/// A group: the caller owns it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "group", "name": "Engine room", "members": ["grace"]}))]
#[expect(dead_code, reason = "documents one of two forms of a request")]
struct StartGroupRequest {
    #[schema(inline)]
    kind: GroupKind,
    #[schema(value_type = ConversationNameText)]
    name: String,
    /// The others, by id or username.
    #[schema(max_items = 1000)]
    members: Vec<String>,
}

/// The one conversation of exactly these people and the caller.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "direct", "members": ["grace"]}))]
#[expect(dead_code, reason = "documents one of two forms of a request")]
struct StartDirectRequest {
    #[schema(inline)]
    kind: DirectKind,
    /// The others, by id or username.
    #[schema(min_items = 1, max_items = 20)]
    members: Vec<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum GroupKind {
    Group,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum DirectKind {
    Direct,
}

/// What to start: a group or a direct conversation.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(as = StartConversationRequest)]
#[expect(dead_code, reason = "documents the two forms of a request")]
enum StartForms {
    Group(StartGroupRequest),
    Direct(StartDirectRequest),
}

/// What to start, checked.
enum Start {
    Group { name: ConversationName, members: Vec<String> },
    Direct { members: Vec<String> },
}

impl Checked for StartRequest {
    type Valid = Start;

    fn check(self, checks: &mut Checks) -> Option<Start> {
        let members = self.members;
        match (self.kind, self.name) {
            (ConversationKind::Group, Some(name)) => {
                Some(Start::Group { name: checks.take("/name", ConversationName::parse(&name))?, members })
            }
            (ConversationKind::Group, None) => {
                checks.malformed("/name", "is missing");
                None
            }
            (ConversationKind::Direct, None) => Some(Start::Direct { members }),
            (ConversationKind::Direct, Some(_)) => {
                checks.malformed("/name", "is not known here: a direct conversation has no name");
                None
            }
        }
    }
}

/// Start a conversation
///
/// A direct conversation of the same people is the same, always: 201 when it is made, 200 when it was there.
#[utoipa::path(post, path = "/v1/conversations", tag = "Conversations", request_body = StartForms, responses(
    (status = 201, description = "It is started", body = ConversationBody, headers(("Location", description = "Where it is"))),
    (status = 200, description = "It was there", body = ConversationBody),
))]
async fn start_conversation(
    acting: Acting,
    Body(wanted): Body<StartRequest>,
) -> Result<Reply<ConversationBody>, Problem> {
    let (commands, me) = (&acting.app.commands, acting.user());
    let outcome = match wanted {
        Start::Group { name, members } => {
            let members = resolve(&acting, "/members", &members).await?;
            commands.start_group(me, name, members, &acting.context).await?
        }
        Start::Direct { members } => {
            let members = resolve(&acting, "/members", &members).await?;
            commands.start_direct(me, members, &acting.context).await?
        }
    };
    answer(&acting, acting.done(outcome)).await
}

async fn answer(acting: &Acting, outcome: Outcome<Started>) -> Result<Reply<ConversationBody>, Problem> {
    let id = outcome.value.conversation;
    if let Some(event) = outcome.value.event.clone() {
        let body = started(acting, id, event).await?;
        return Ok(Reply::created(&outcome, format!("/v1/conversations/{id}"), body).from_events());
    }
    let views = acting.reading().await?;
    Ok(Reply::ok(&outcome, access(views, acting.user(), id).await?))
}

/// Those named, by id or username, in this member of the request.
pub(super) async fn resolve(acting: &Acting, pointer: &str, named: &[String]) -> Result<Vec<UserId>, Problem> {
    let mut users = Vec::with_capacity(named.len());
    let mut missing = vec![];
    for (at, name) in named.iter().enumerate() {
        match acting.app.commands.resolve_user(name, acting.user()).await {
            Ok(user) => users.push(user),
            Err(error @ tidings_commands::Error::NoSuchUser(_)) => {
                missing.push(FieldError::new(format!("{pointer}/{at}"), error.to_string()));
            }
            Err(error) => return Err(error.into()),
        }
    }
    if missing.is_empty() { Ok(users) } else { Err(Problem::of_fields(Kind::NoSuchUser, missing)) }
}

/// How somebody is named.
pub(super) async fn named(app: &App, id: UserId) -> Result<UserRefBody, Problem> {
    let identity = app.commands.account(id).await?.and_then(|account| account.identity);
    Ok(UserRefBody { id, username: identity.map(|identity| identity.username.into_string()) })
}

/// The conversation as it was when it was started.
async fn started(acting: &Acting, id: ConversationId, event: ConversationStarted) -> Result<ConversationBody, Problem> {
    let (group, count) = (event.kind == ConversationKind::Group, event.members.len());
    let mut members = vec![];
    for member in event.members.iter().filter(|_| !group) {
        members.push(named(&acting.app, *member).await?);
    }
    Ok(ConversationBody {
        id,
        kind: event.kind,
        name: event.name.into_clear().flatten().map(ConversationName::into_string),
        my_role: Some(if group { MemberRole::Owner } else { MemberRole::Member }),
        member_count: count as u64,
        members,
        created_at: event.at,
        unread: 0,
        read_up_to: None,
        muted: false,
        archived: false,
        last_message: None,
    })
}

/// A conversation, for somebody who is or was in it.
pub(super) async fn access(
    views: &dyn Queries,
    viewer: UserId,
    id: ConversationId,
) -> Result<ConversationBody, Problem> {
    match views.conversation(viewer, id).await? {
        ConversationAccess::Member(conversation) | ConversationAccess::Former(conversation) => {
            Ok((*conversation).into())
        }
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
}

/// The inbox
///
/// The caller's conversations, newest activity first, each with its exact unread count and last message.
#[utoipa::path(get, path = "/v1/conversations", tag = "Conversations", params(InboxQuery), responses(
    (status = 200, description = "Conversations", body = List<ConversationBody>),
))]
async fn show_inbox(
    reading: Reading,
    InQuery(asked): InQuery<InboxQuery>,
) -> Result<Json<List<ConversationBody>>, Problem> {
    let list = format!("inbox {:?} {:?}", asked.archived, asked.unread);
    let place: Option<(Position, Position)> = reading.app.cursors.open_some(&list, asked.cursor.as_deref())?;
    let cursor = place.map(|(began, after)| InboxCursor { began, after });
    let filter = InboxFilter { archived: asked.archived, unread: asked.unread };
    let page = reading.views().inbox(reading.user(), filter, cursor, asked.limit.0).await?;
    let next = page.next.map(|next| reading.app.cursors.seal(&list, &(next.began, next.after))).transpose()?;
    Ok(Json(List { items: page.items.into_iter().map(Into::into).collect(), next }))
}

/// A conversation
#[utoipa::path(get, path = "/v1/conversations/{conversation}", tag = "Conversations",
    params(("conversation" = String, Path, format = "uuid", description = "Which")),
    responses((status = 200, description = "The conversation", body = ConversationBody)),
)]
async fn show_conversation(
    reading: Reading,
    Path((id,)): Path<(ConversationId,)>,
) -> Result<Json<ConversationBody>, Problem> {
    access(reading.views(), reading.user(), id).await.map(Json)
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
    Ok(Reply::ok(&outcome, access(acting.reading().await?, acting.user(), id).await?))
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
    Ok(Reply::ok(&outcome, access(acting.reading().await?, acting.user(), id).await?))
}
