//! What is unread, everywhere.

use axum::response::Response;
use serde::Serialize;
use tidings_projections::model::UnreadSummary;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::shapes::ConversationUnreadBody;
use crate::{
    app::{App, Reading},
    json::{in_json, json_response},
    problem::Problem,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show_unread))
}

/// What is unread.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UnreadSummary)]
struct SummaryBody {
    /// The sum.
    total: u64,
    /// The conversations with anything unread.
    conversations: Vec<ConversationUnreadBody>,
}

impl From<&UnreadSummary> for SummaryBody {
    fn from(summary: &UnreadSummary) -> Self {
        let conversations = summary.conversations.iter();
        let conversations =
            conversations.map(|one| ConversationUnreadBody { id: one.id, unread: one.unread, mentions: one.mentions });
        Self { total: summary.total, conversations: conversations.collect() }
    }
}

/// Unread counts
///
/// Exact, however many.
#[utoipa::path(get, path = "/v1/unread", tag = "Messages", responses(
    (status = 200, description = "The counts", body = SummaryBody),
))]
async fn show_unread(reading: Reading) -> Result<Response, Problem> {
    let counts = reading.views().unread_counts(reading.user()).await?;
    Ok(json_response(counts.form(|counts| in_json(&SummaryBody::from(counts)))?))
}
