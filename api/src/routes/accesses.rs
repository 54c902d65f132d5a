//! Who of the auditors was shown what of the caller's.

use serde::{Deserialize, Serialize};
use tidings_domain::{ConversationId, MessageId, Timestamp};
use tidings_event_store::Position;
use tidings_projections::model::{Access, AccessCursor};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::shapes::{List, UserRefBody, shown, shown_option};
use crate::{
    app::{App, Reading},
    extract::{InQuery, Limit},
    json::Json,
    problem::Problem,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_accesses))
}

/// What an auditor was shown once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Access)]
pub struct AccessBody {
    /// Where in the log that was noted, before it was shown.
    pub position: u64,
    /// Who.
    pub auditor: UserRefBody,
    /// When.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What: `log` and `protocol` are recorded events, the others views of them.
    #[schema(example = "conversation")]
    pub shown: String,
    /// Of which conversation, where it was of one.
    #[serde(serialize_with = "shown_option")]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub conversation_id: Option<ConversationId>,
    /// Which message, where it was one.
    #[serde(serialize_with = "shown_option")]
    #[schema(value_type = Option<String>)]
    pub message_id: Option<MessageId>,
    /// As of which position of the log; `null` for the moment.
    pub as_of: Option<u64>,
}

impl From<Access> for AccessBody {
    fn from(access: Access) -> Self {
        Self {
            position: access.position.get(),
            auditor: access.auditor.into(),
            at: access.at,
            shown: access.shown,
            conversation_id: access.conversation,
            message_id: access.message,
            as_of: access.as_of.map(Position::get),
        }
    }
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct AccessesQuery {
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
    /// `next` of the page before.
    #[param(ignore)]
    cursor: Option<String>,
}

/// Who looked
///
/// What auditors were shown of the caller, of the caller's conversations, or of everybody; newest first. An auditor is shown nothing
/// of others before it is noted here.
#[utoipa::path(get, path = "/v1/users/me/accesses", tag = "Accounts", params(AccessesQuery), responses(
    (status = 200, description = "What was shown", body = List<AccessBody>),
))]
async fn list_accesses(
    reading: Reading,
    InQuery(asked): InQuery<AccessesQuery>,
) -> Result<Json<List<AccessBody>>, Problem> {
    let cursor = reading.app.cursors.open_some("accesses", asked.cursor.as_deref())?;
    let cursor = cursor.map(|position| AccessCursor(Position::new(position)));
    let page = reading.views().accesses(reading.user(), cursor, asked.limit.0).await?;
    let next = page.next.map(|AccessCursor(next)| reading.app.cursors.seal("accesses", &next.get())).transpose()?;
    Ok(Json(List { items: page.items.into_iter().map(Into::into).collect(), next }))
}
