//! Exports that auditors ask for. How they are doing, and their parts, is at the auditor's own exports.

use serde::Deserialize;
use tidings_domain::{
    ConversationId,
    access::{ContentAccessed, Shown},
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    exports::{ExportBody, HERE},
    offices::Auditor,
};
use crate::{
    app::{Acting, App},
    audit,
    exports::Subject,
    extract::{Body, Checked},
    problem::{Checks, Problem},
    reply::Reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(request_audit_export))
}

/// What to export: one of these.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AuditExportRequest, example = json!({"range": {"from": 1, "to": 1000}}))]
struct AuditExportRequest {
    /// All that is somebody's, by id or username.
    #[serde(default)]
    user: Option<String>,
    /// A conversation, with all its messages.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "uuid")]
    conversation: Option<String>,
    /// Events of the log, sealed as they are stored, with their places in the signed tree.
    #[serde(default)]
    range: Option<RangeRequest>,
}

/// From and to which position, both included.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RangeRequest {
    #[schema(minimum = 1)]
    from: u64,
    to: u64,
}

enum Asked {
    User(String),
    Conversation(ConversationId),
    Range(u64, u64),
}

impl Checked for AuditExportRequest {
    type Valid = Asked;

    fn check(self, checks: &mut Checks) -> Option<Asked> {
        match (self.user, self.conversation, self.range) {
            (Some(user), None, None) => Some(Asked::User(user)),
            (None, Some(id), None) => {
                if let Ok(id) = id.parse() {
                    return Some(Asked::Conversation(id));
                }
                checks.note("/conversation", "is not the id of a conversation");
                None
            }
            (None, None, Some(RangeRequest { from, to })) if from >= 1 && from <= to => Some(Asked::Range(from, to)),
            (None, None, Some(_)) => {
                checks.note("/range", "must go from a position from 1 on to the same or a later one");
                None
            }
            (_, _, _) => {
                checks.note("", "must be one of `user`, `conversation` and `range`");
                None
            }
        }
    }
}

/// What is to be exported, and the note of it.
async fn subject(acting: &Acting, asked: Asked) -> Result<(Subject, ContentAccessed), Problem> {
    Ok(match asked {
        Asked::User(user) => {
            let user = acting.app.commands.resolve_user(&user, acting.user()).await?;
            (Subject::Person(user), audit::shown_of(acting, Shown::Account, user))
        }
        Asked::Conversation(id) => {
            let access = audit::shown_to(acting, Shown::Conversation);
            (Subject::Audited(id), ContentAccessed { conversation: Some(id), ..access })
        }
        Asked::Range(from, to) => {
            let access = audit::shown_to(acting, Shown::Log);
            (Subject::Log(from, to), ContentAccessed { everybody: true, ..access })
        }
    })
}

/// Export for an audit
///
/// Somebody's data, a conversation, or a range of the log. That it was asked for is noted, and those whom it concerns can see it.
/// It is then one of the auditor's own exports (`GET /v1/users/me/exports/{export}`), as long as they are an auditor.
#[utoipa::path(post, path = "/v1/audit/exports", tag = "Audit", request_body = AuditExportRequest, responses(
    (status = 202, description = "It is being made", body = ExportBody, headers(("Location", description = "Where it is"))),
))]
async fn request_audit_export(
    Auditor(acting): Auditor,
    Body(asked): Body<AuditExportRequest>,
) -> Result<Reply<ExportBody>, Problem> {
    let (subject, access) = subject(&acting, asked).await?;
    let noted = audit::note(&acting, access).await?;
    let job = acting.app.exports.request(acting.user(), subject, true).await?;
    let location = format!("{HERE}/{}", job.id);
    Ok(Reply::accepted(&noted, job.into()).at(location))
}
