//! What is pinned in a conversation.

use serde::Deserialize;
use tidings_domain::ConversationId;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::shapes::{List, MessageBody};
use crate::{
    app::{App, Reading},
    extract::{InQuery, Limit, Path},
    json::Json,
    problem::{Kind, Problem},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_pins))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct PinsQuery {
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
    /// `next` of the page before.
    #[param(ignore)]
    cursor: Option<String>,
}

/// Pinned messages
///
/// Of a conversation, the newest first.
#[utoipa::path(get, path = "/v1/conversations/{conversation}/pins", tag = "Messages",
    params(("conversation" = String, Path, format = "uuid", description = "Which"), PinsQuery),
    responses((status = 200, description = "Messages", body = List<MessageBody>)),
)]
async fn list_pins(
    reading: Reading,
    Path((conversation,)): Path<(ConversationId,)>,
    InQuery(asked): InQuery<PinsQuery>,
) -> Result<Json<List<MessageBody>>, Problem> {
    let list = format!("pins {conversation}");
    let before = reading.app.cursors.open_some(&list, asked.cursor.as_deref())?;
    let page = reading.views().pinned(reading.user(), conversation, before, asked.limit.0).await?;
    let Some(page) = page else {
        // says which: no such conversation, or not in it
        reading.app.commands.standing(conversation, reading.user()).await?;
        return Err(Kind::NotAMember.into());
    };
    let next = page.next.map(|next| reading.app.cursors.seal(&list, &next)).transpose()?;
    Ok(Json(List { items: page.items.into_iter().map(Into::into).collect(), next }))
}
