//! Conversations: started, and who is named for them.

use serde::Deserialize;
use tidings_commands::{Outcome, conversations::Started};
use tidings_domain::{
    ConversationId, UserId,
    conversation::{ConversationKind, ConversationStarted, MemberRole},
    values::{ConversationName, Username},
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    conversations::{access, showing},
    shapes::{ConversationBody, UserRefBody},
    texts::ConversationNameText,
};
use crate::{
    app::{Acting, App},
    extract::{Body, Checked, present},
    problem::{Checks, FieldError, Kind, Problem},
    reply::Reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(start_conversation))
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
    Ok(showing(&outcome, access(views, acting.user(), id).await?))
}

/// Those named, by id or username, in this member of the request.
pub(super) async fn resolve(acting: &Acting, pointer: &str, named: &[String]) -> Result<Vec<UserId>, Problem> {
    let mut users = Vec::with_capacity(named.len());
    let mut missing = vec![];
    let commands = &acting.app.commands;
    for (at, name) in named.iter().enumerate() {
        match commands.resolve_user(name, acting.user()).await {
            Ok(user) => users.push(user),
            Err(error @ tidings_commands::Error::NoSuchUser(_)) => {
                match commands.resolve_repeated(name, &acting.context).await? {
                    Some(user) => users.push(user),
                    None => missing.push(FieldError::new(format!("{pointer}/{at}"), error.to_string())),
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    if missing.is_empty() { Ok(users) } else { Err(Problem::of_fields(Kind::NoSuchUser, missing)) }
}

/// How somebody is named.
pub(super) async fn named(app: &App, id: UserId) -> Result<UserRefBody, Problem> {
    let username = app.commands.username(id).await?;
    Ok(UserRefBody { id, username: username.map(Username::into_string) })
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
