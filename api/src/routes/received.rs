//! All that somebody received.

use serde::Deserialize;
use tidings_domain::Timestamp;
use tidings_event_store::Position;
use tidings_projections::model::{ReceivedCursor, ReceivedFilter};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::shapes::{List, MessageBody};
use crate::{
    app::{App, Reading},
    clock::now,
    extract::{InQuery, Limit, parsed},
    json::Json,
    problem::Problem,
};

const DAY: i64 = 24 * 3_600_000;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_received))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct ReceivedQuery {
    /// Only the unread, or only the read.
    unread: Option<bool>,
    /// Only those of this sender: an id, a username, or `me`.
    from: Option<String>,
    /// Only those sent at or after this time. By default no older than 30 days, or what the server's configuration says.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// Only those sent before this time.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
    /// `next` of the page before.
    #[param(ignore)]
    cursor: Option<String>,
}

/// Everything received
///
/// In all conversations, newest first.
#[utoipa::path(get, path = "/v1/messages", tag = "Messages", params(ReceivedQuery), responses(
    (status = 200, description = "Messages", body = List<MessageBody>),
))]
async fn list_received(
    reading: Reading,
    InQuery(asked): InQuery<ReceivedQuery>,
) -> Result<Json<List<MessageBody>>, Problem> {
    let list = format!("received {:?} {:?} {:?} {:?}", asked.unread, asked.from, asked.since, asked.until);
    // the window of the first page holds for all that follow
    let place: Option<(Position, Option<Timestamp>)> = reading.app.cursors.open_some(&list, asked.cursor.as_deref())?;
    let since = match place {
        Some((_, since)) => since,
        None => asked.since.or_else(|| window(now(), reading.app.messages_window_days)),
    };
    let from = match &asked.from {
        Some(name) => Some(reading.app.commands.resolve_user(name, reading.user()).await?),
        None => None,
    };
    let filter = ReceivedFilter { unread: asked.unread, from, since, until: asked.until };
    let cursor = place.map(|(position, _)| ReceivedCursor(position));
    let page = reading.views().received(reading.user(), filter, cursor, asked.limit.0).await?;
    let next = page.next.map(|ReceivedCursor(next)| reading.app.cursors.seal(&list, &(next, since))).transpose()?;
    Ok(Json(List { items: page.items.into_iter().map(Into::into).collect(), next }))
}

/// Since when, where nobody says.
fn window(now: Timestamp, days: u32) -> Option<Timestamp> {
    (days > 0).then(|| now.plus_millis(-DAY * i64::from(days)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_reaches_back_as_many_days_as_are_configured() {
        let now = "2026-03-31T12:00:00Z".parse().unwrap();
        assert_eq!(window(now, 30).map(|since| since.to_string()).as_deref(), Some("2026-03-01T12:00:00.000Z"));
        assert_eq!(window(now, 0), None);
    }
}
