//! What was erased of the caller's own.

use serde::{Deserialize, Serialize};
use tidings_domain::{MessageId, Timestamp, UserId, message::ErasureReason};
use tidings_event_store::Position;
use tidings_projections::model::Erasure;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::shapes::{List, shown, shown_option};
use crate::{
    app::{App, Reading},
    extract::{InQuery, Limit},
    json::Json,
    problem::Problem,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_erasures))
}

/// Something that was to be erased, and whether it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Erasure)]
struct ErasureBody {
    #[serde(serialize_with = "shown_option")]
    #[schema(value_type = Option<String>)]
    message_id: Option<MessageId>,
    #[schema(value_type = String, example = "deleted_by_sender")]
    reason: ErasureReason,
    /// Who asked for it; `null` where a rule did.
    #[serde(serialize_with = "shown_option")]
    #[schema(value_type = Option<String>, format = "uuid")]
    asked_by: Option<UserId>,
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = DateTime)]
    asked_at: Timestamp,
    /// When its key was destroyed and nothing of it was left; `null` while that waits.
    #[serde(serialize_with = "shown_option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    erased_at: Option<Timestamp>,
    /// The position of the receipt in the log.
    receipt: Option<u64>,
}

impl From<Erasure> for ErasureBody {
    fn from(erasure: Erasure) -> Self {
        Self {
            message_id: erasure.message,
            reason: erasure.reason,
            asked_by: erasure.by,
            asked_at: erasure.asked_at,
            erased_at: erasure.done_at,
            receipt: erasure.receipt.map(Position::get),
        }
    }
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct ErasuresQuery {
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
    /// `next` of the page before.
    #[param(ignore)]
    cursor: Option<String>,
}

const LIST: &str = "erasures";

/// What was erased
///
/// Of what the caller wrote, whoever asked for it; the newest first.
#[utoipa::path(get, path = "/v1/users/me/erasures", tag = "Accounts", params(ErasuresQuery), responses(
    (status = 200, description = "Erasures", body = List<ErasureBody>),
))]
async fn list_erasures(
    reading: Reading,
    InQuery(asked): InQuery<ErasuresQuery>,
) -> Result<Json<List<ErasureBody>>, Problem> {
    let cursors = &reading.app.cursors;
    let before = cursors.open_some(LIST, asked.cursor.as_deref())?.map(Position::new);
    let page = reading.views().erasures(reading.user(), before, asked.limit.0).await?;
    let next = page.next.map(|next| cursors.seal(LIST, &next.get())).transpose()?;
    Ok(Json(List { items: page.items.into_iter().map(Into::into).collect(), next }))
}
