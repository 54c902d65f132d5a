//! The caller's sessions: listed, ended.

use serde::{Deserialize, Serialize};
use tidings_domain::{SessionId, Timestamp, session::IDLE_LIFETIME};
use tidings_projections::model::Session;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::shapes::{List, shown};
use crate::{
    app::{Acting, App, Reading},
    clock::now,
    extract::{InQuery, Limit, Path},
    json::Json,
    problem::{Kind, Problem, refusals::of_sign_out},
    reply::Reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_sessions)).routes(routes!(sign_out))
}

/// A session of the caller.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
struct SessionBody {
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = "uuid")]
    id: SessionId,
    device_name: Option<String>,
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When its tokens were last renewed.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = DateTime)]
    refreshed_at: Timestamp,
    /// Whether this request came in it.
    current: bool,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct SessionsQuery {
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
    /// `next` of the page before.
    #[param(ignore)]
    cursor: Option<String>,
}

/// The caller's sessions
///
/// Newest first.
#[utoipa::path(get, path = "/v1/sessions", tag = "Accounts", params(SessionsQuery), responses(
    (status = 200, description = "The open sessions", body = List<SessionBody>),
))]
async fn list_sessions(
    reading: Reading,
    InQuery(asked): InQuery<SessionsQuery>,
) -> Result<Json<List<SessionBody>>, Problem> {
    const LIST: &str = "sessions";
    let place: Option<(i64, SessionId)> = reading.app.cursors.open_some(LIST, asked.cursor.as_deref())?;
    let at = |session: &Session| (session.created_at.millis(), session.id);
    let alive_since = now().plus_millis(-IDLE_LIFETIME);
    let mut sessions = reading.views().sessions(reading.user(), alive_since).await?;
    sessions.sort_unstable_by_key(|session| std::cmp::Reverse(at(session)));
    sessions.retain(|session| place.is_none_or(|place| at(session) < place));
    let more = sessions.len() > asked.limit.0;
    sessions.truncate(asked.limit.0);
    let last = sessions.last().filter(|_| more).map(at);
    let next = last.map(|last| reading.app.cursors.seal(LIST, &last)).transpose()?;
    let current = reading.caller.session;
    let shown = |session: Session| SessionBody {
        current: session.id == current,
        id: session.id,
        device_name: session.device_name,
        created_at: session.created_at,
        refreshed_at: session.refreshed_at,
    };
    Ok(Json(List { items: sessions.into_iter().map(shown).collect(), next }))
}

/// Sign out
///
/// Ends one of the caller's sessions; its access tokens stop working at once.
#[utoipa::path(delete, path = "/v1/sessions/{session}", tag = "Accounts",
    params(("session" = String, Path, description = "An id, or `current`")),
    responses((status = 204, description = "The session has ended")),
)]
async fn sign_out(acting: Acting, Path((session,)): Path<(String,)>) -> Result<Reply<()>, Problem> {
    let session = match session.as_str() {
        "current" => acting.caller.session,
        id => id.parse().map_err(|_| Problem::from(Kind::NoSuchSession))?,
    };
    let outcome = acting.app.commands.sign_out(acting.user(), session, &acting.context).await.map_err(of_sign_out)?;
    Ok(Reply::no_content(&acting.done(outcome)))
}
