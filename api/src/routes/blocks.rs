//! Blocks: of whom the caller wants to hear nothing.

use serde::{Deserialize, Serialize};
use tidings_domain::Timestamp;
use tidings_event_store::Position;
use tidings_projections::model::{Block, ContactCursor};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    shapes::{List, shown},
    users::Profile,
};
use crate::{
    app::{Acting, App, Reading},
    extract::{InQuery, Limit, Path},
    json::Json,
    problem::Problem,
    reply::Reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_blocks)).routes(routes!(put_block, remove_block))
}

/// Somebody whom the caller blocks.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Block)]
pub struct BlockBody {
    user: Profile,
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
}

impl From<Block> for BlockBody {
    fn from(block: Block) -> Self {
        Self { user: block.user.into(), since: block.since }
    }
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct BlocksQuery {
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
    /// `next` of the page before.
    #[param(ignore)]
    cursor: Option<String>,
}

/// Whom the caller blocks
///
/// The newest first. Nobody else sees it.
#[utoipa::path(get, path = "/v1/blocks", tag = "Accounts", params(BlocksQuery), responses(
    (status = 200, description = "Those blocked", body = List<BlockBody>),
))]
async fn list_blocks(reading: Reading, InQuery(asked): InQuery<BlocksQuery>) -> Result<Json<List<BlockBody>>, Problem> {
    let place: Option<u64> = reading.app.cursors.open_some("blocks", asked.cursor.as_deref())?;
    let cursor = place.map(|place| ContactCursor(Position::new(place)));
    let page = reading.views().blocks(reading.user(), cursor, asked.limit.0).await?;
    let next = page.next.map(|ContactCursor(at)| reading.app.cursors.seal("blocks", &at.get())).transpose()?;
    Ok(Json(List { items: page.items.into_iter().map(Into::into).collect(), next }))
}

async fn block(acting: Acting, user: &str, there: bool) -> Result<Reply<()>, Problem> {
    let (commands, me) = (&acting.app.commands, acting.user());
    let user = commands.resolve_user(user, me).await?;
    let outcome = commands.block(me, user, there, &acting.context).await?;
    Ok(Reply::no_content(&acting.done(outcome)))
}

/// Block somebody
///
/// Ends the contact, and any request between the two. The one who is blocked gets 403 `/problems/blocked` when they write to the
/// caller directly, begin a conversation with the caller in it, add the caller to a group, or ask to be a contact. Nobody is
/// told of it, and in groups nothing changes.
#[utoipa::path(put, path = "/v1/blocks/{user}", tag = "Accounts",
    params(("user" = String, Path, description = "An id or a username")),
    responses((status = 204, description = "They are blocked")),
)]
async fn put_block(acting: Acting, Path((user,)): Path<(String,)>) -> Result<Reply<()>, Problem> {
    block(acting, &user, true).await
}

/// Unblock somebody
///
/// A contact that the block ended is not there again.
#[utoipa::path(delete, path = "/v1/blocks/{user}", tag = "Accounts",
    params(("user" = String, Path, description = "An id or a username")),
    responses((status = 204, description = "They are not blocked")),
)]
async fn remove_block(acting: Acting, Path((user,)): Path<(String,)>) -> Result<Reply<()>, Problem> {
    block(acting, &user, false).await
}
