//! A person's own exports: asked for, looked at, fetched part by part, removed.

use axum::{
    Json,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use tidings_commands::Outcome;
use tidings_domain::{ConversationId, Timestamp, UserId, values::Role};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::shapes::{List, shown};
use crate::{
    app::{Acting, App, Reading},
    attachments::served,
    exports::{Job, Part, State, Subject},
    extract::{Checked, MaybeBody, Path},
    problem::{Checks, Kind, Problem},
    reply::Reply,
};

/// Where they are.
pub(super) const HERE: &str = "/v1/users/me/exports";

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(request_export, list_exports))
        .routes(routes!(show_export, remove_export))
        .routes(routes!(show_export_manifest))
        .routes(routes!(show_export_part))
}

/// A part of an export.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExportPart)]
struct PartBody {
    /// At `…/parts/{name}`.
    #[schema(example = "conversations.ndjson")]
    name: String,
    media_type: String,
    bytes: u64,
    /// How many records it has, where it is made of lines.
    lines: Option<u64>,
    /// In hex.
    sha256: String,
}

impl From<Part> for PartBody {
    fn from(part: Part) -> Self {
        let Part { name, media_type, bytes, lines, sha256, .. } = part;
        Self { name, media_type, bytes, lines, sha256 }
    }
}

/// How an export is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum StateBody {
    /// It is being made, or waits for its turn.
    Running,
    /// All of it is there.
    Ready,
    /// It could not be made.
    Failed,
}

/// An export.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Export)]
pub struct ExportBody {
    #[schema(value_type = String, format = "uuid")]
    id: Uuid,
    /// Whose data it has; `null` where it is of a conversation alone, or of the log.
    #[schema(value_type = Option<String>, format = "uuid")]
    user_id: Option<String>,
    /// Of which conversation it is, where of one alone.
    #[schema(value_type = Option<String>, format = "uuid")]
    conversation_id: Option<String>,
    state: StateBody,
    /// Why it could not be made.
    failure: Option<String>,
    /// Sections that are made.
    done: u64,
    /// Of so many; 0 before that is known.
    total: u64,
    /// Everything up to here in the log is in it, but for what was erased.
    position: u64,
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = DateTime)]
    requested_at: Timestamp,
    /// When it will be removed.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// Those that are there. They may be fetched before all are, and are made anew when something in them is erased.
    parts: Vec<PartBody>,
}

impl From<Job> for ExportBody {
    fn from(job: Job) -> Self {
        let (user_id, conversation_id) = match job.subject {
            Subject::Person(user) => (Some(user.to_string()), None),
            Subject::Conversation(id, _) | Subject::Audited(id) => (None, Some(id.to_string())),
            Subject::Log(..) => (None, None),
        };
        let (state, failure) = match job.state {
            State::Running => (StateBody::Running, None),
            State::Ready => (StateBody::Ready, None),
            State::Failed(why) => (StateBody::Failed, Some(why)),
        };
        Self {
            id: job.id,
            user_id,
            conversation_id,
            state,
            failure,
            done: job.progress.0,
            total: job.progress.1,
            position: job.position,
            requested_at: job.requested_at,
            expires_at: job.expires_at,
            parts: job.parts.into_iter().map(Into::into).collect(),
        }
    }
}

/// What to export.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ExportRequest)]
struct ExportRequest {
    /// Only this conversation; all that is the caller's when not given.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "uuid")]
    conversation_id: Option<String>,
}

impl Checked for ExportRequest {
    type Valid = Option<ConversationId>;

    fn check(self, checks: &mut Checks) -> Option<Self::Valid> {
        let Some(id) = self.conversation_id else { return Some(None) };
        if let Ok(id) = id.parse() {
            return Some(Some(id));
        }
        checks.note("/conversation_id", "is not the id of a conversation");
        None
    }
}

pub(super) const NOTHING_APPENDED: Outcome<()> = Outcome { value: (), position: None, replayed: false };

/// Export the caller's data
///
/// All that is theirs as they see it: account, sessions, contacts, conversations, messages with what they said before, uploads. It is
/// made in the background, kept for some hours and has a manifest signed by the installation. At most three are there at a time.
#[utoipa::path(post, path = "/v1/users/me/exports", tag = "Accounts", request_body = Option<ExportRequest>, responses(
    (status = 202, description = "It is being made", body = ExportBody, headers(("Location", description = "Where it is"))),
))]
async fn request_export(
    acting: Acting,
    MaybeBody(asked): MaybeBody<ExportRequest>,
) -> Result<Reply<ExportBody>, Problem> {
    let user = acting.user();
    let subject = match asked.flatten() {
        None => Subject::Person(user),
        Some(id) => {
            let seen = acting.reading().await?.membership(user, id).await?;
            seen.ok_or_else(|| Problem::from(Kind::NoSuchConversation))?;
            Subject::Conversation(id, user)
        }
    };
    let job = acting.app.exports.request(user, subject, false).await?;
    let location = format!("{HERE}/{}", job.id);
    Ok(Reply::accepted(&NOTHING_APPENDED, job.into()).at(location))
}

/// One of somebody's exports. One that an auditor asked for is theirs as long as they are one.
async fn own(app: &App, owner: UserId, id: Uuid) -> Result<Job, Problem> {
    let job = app.exports.get(owner, id).ok_or_else(|| Problem::from(Kind::NoSuchExport))?;
    if job.audit {
        let account = app.commands.account(owner).await?;
        if !account.is_some_and(|account| account.roles.contains(&Role::Auditor)) {
            return Err(Problem::new(Kind::Forbidden, "this needs the role auditor"));
        }
    }
    Ok(job)
}

/// The caller's exports
///
/// Newest first: those that were asked of this node and are not removed yet.
#[utoipa::path(get, path = "/v1/users/me/exports", tag = "Accounts", responses(
    (status = 200, description = "The exports", body = List<ExportBody>),
))]
async fn list_exports(reading: Reading) -> Json<List<ExportBody>> {
    let items = reading.app.exports.list(reading.user()).into_iter().map(Into::into).collect();
    Json(List { items, next: None })
}

/// One export
///
/// How far it is, and the parts that are there.
#[utoipa::path(get, path = "/v1/users/me/exports/{export}", tag = "Accounts",
    params(("export" = String, Path, format = "uuid", description = "Which")),
    responses((status = 200, description = "The export", body = ExportBody)),
)]
async fn show_export(reading: Reading, Path((id,)): Path<(Uuid,)>) -> Result<Json<ExportBody>, Problem> {
    Ok(Json(own(&reading.app, reading.user(), id).await?.into()))
}

/// Remove an export
///
/// Nothing of it can be read afterwards.
#[utoipa::path(delete, path = "/v1/users/me/exports/{export}", tag = "Accounts",
    params(("export" = String, Path, format = "uuid", description = "Which")),
    responses((status = 204, description = "It is gone")),
)]
async fn remove_export(acting: Acting, Path((id,)): Path<(Uuid,)>) -> Result<Reply<()>, Problem> {
    let job = own(&acting.app, acting.user(), id).await?;
    acting.app.exports.remove(job.id).await?;
    Ok(Reply::no_content(&NOTHING_APPENDED))
}

/// The manifest of an export
///
/// A signed note (C2SP): what the export is, and every part with its length and SHA-256. Its key is at `GET /v1/audit/key`, and in the
/// hands of whoever keeps it. 409 before all parts are there.
#[utoipa::path(get, path = "/v1/users/me/exports/{export}/manifest", tag = "Accounts",
    params(("export" = String, Path, format = "uuid", description = "Which")),
    responses((status = 200, description = "The manifest", body = String, content_type = "text/plain")),
)]
async fn show_export_manifest(reading: Reading, Path((id,)): Path<(Uuid,)>) -> Result<Response, Problem> {
    let job = own(&reading.app, reading.user(), id).await?;
    let manifest = job.manifest.ok_or_else(|| Problem::from(Kind::ExportNotReady))?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], manifest).into_response())
}

/// The bytes of a part.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "documents a body that is written as it is read")]
struct PartBytes(Vec<u8>);

/// A part of an export
///
/// Whole or in ranges, so that a download that was cut off goes on. Its entity tag is its SHA-256.
#[utoipa::path(get, path = "/v1/users/me/exports/{export}/parts/{name}", tag = "Accounts",
    params(
        ("export" = String, Path, format = "uuid", description = "Which"),
        ("name" = String, Path, description = "Which part"),
        ("Range" = Option<String>, Header, description = "Which bytes of it"),
    ),
    responses(
        (status = 200, description = "The part", body = PartBytes, content_type = "*/*"),
        (status = 206, description = "Some bytes of it", body = PartBytes, content_type = "*/*"),
    ),
)]
async fn show_export_part(
    reading: Reading,
    Path((id, name)): Path<(Uuid, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let job = own(&reading.app, reading.user(), id).await?;
    let part = job.part(&name).ok_or_else(|| Problem::from(Kind::NoSuchExport))?;
    let tag = format!("\"{}\"", part.sha256);
    served(&headers, part.bytes, (&part.media_type, &tag), async |range| {
        Ok(reading.app.exports.read(&job, part, range).await?)
    })
    .await
}
