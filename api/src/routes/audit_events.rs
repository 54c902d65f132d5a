//! The log, for auditors.

use axum::{
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use tidings_domain::{Timestamp, access::Shown};
use tidings_event_store::Position;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{offices::Auditor, shapes::List};
use crate::{
    app::{Acting, App},
    audit::{self, Bounds, Category, CloudEvent, EventName, StreamText, Wanted},
    extract::{InQuery, Limit, parsed},
    problem::Problem,
    reply::{Reply, TIDINGS_POSITION},
};

const NDJSON: &str = "application/x-ndjson";

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_events))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct EventsQuery {
    /// Only those of this stream.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>, pattern = "^[!-~]+$", min_length = 1, max_length = 255)]
    stream: Option<StreamText>,
    /// Only those of streams of this category: the part of a stream's name before its first hyphen.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<Category>, inline)]
    category: Option<Category>,
    /// Only those of this name.
    #[serde(default, rename = "type", deserialize_with = "parsed")]
    #[param(value_type = Option<EventName>, inline)]
    event: Option<EventName>,
    /// Only what this person caused: an id, a username, or `me`.
    actor: Option<String>,
    /// Only what the store took at or after this time.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// Only what it took before this time.
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

impl EventsQuery {
    async fn wanted(&self, acting: &Acting) -> Result<Wanted, Problem> {
        let actor = match &self.actor {
            // also of an account that is closed
            Some(text) => match text.parse() {
                Ok(id) => Some(id),
                Err(_) => Some(acting.app.commands.resolve_user(text, acting.user()).await?),
            },
            None => None,
        };
        Ok(Wanted {
            stream: self.stream.clone().map(|StreamText(name)| name),
            category: self.category.map(|Category(name)| name),
            event: self.event.map(|EventName(name)| name),
            actor,
            since: self.since,
            until: self.until,
        })
    }
}

/// Recorded events
///
/// In the order of the log, as `CloudEvents` 1.0, opened as far as there are keys. A page may hold less than `limit`, even nothing, and
/// yet go on. With `Accept: application/x-ndjson` all of them come, one a line, as fast as they are taken; `limit` and `cursor` do not
/// matter then. Each answer is noted in the log before it is given, for those whom it concerns.
#[utoipa::path(get, path = "/v1/audit/events", tag = "Audit", params(EventsQuery), responses(
    (status = 200, description = "Events", content(
        (List<CloudEvent> = "application/json"),
        (CloudEvent = "application/x-ndjson"),
    )),
))]
async fn list_events(
    Auditor(acting): Auditor,
    headers: HeaderMap,
    InQuery(asked): InQuery<EventsQuery>,
) -> Result<Response, Problem> {
    let (audit, wanted) = (&acting.app.audit, asked.wanted(&acting).await?);
    let list = format!("audit events {:?}", wanted.noted());
    let place: Option<(u64, u64)> = acting.app.cursors.open_some(&list, asked.cursor.as_deref())?;
    let access = audit.concerning(audit::shown_to(&acting, Shown::Log), &wanted).await?;
    // what is noted of this reading is not in it, and a reading page by page comes to an end
    let whole = audit.bounds(&wanted).await?;
    let noted = audit::note(&acting, access).await?;
    if wants_lines(&headers) {
        let position = noted.position.unwrap_or_default().get();
        let head = [(header::CONTENT_TYPE, NDJSON.to_owned()), (TIDINGS_POSITION, position.to_string())];
        return Ok((head, audit::lines(acting, wanted, whole)).into_response());
    }
    let bounds = |(after, until)| Bounds { after: Position::new(after), until: Position::new(until) };
    let part = place.map_or(whole, bounds);
    let found = audit.find(&wanted, part, asked.limit.0).await?;
    let next = found.next.map(|next| acting.app.cursors.seal(&list, &(next.get(), part.until.get()))).transpose()?;
    let items = audit.opened(&found.events).await?;
    Ok(Reply::ok(&noted, List { items, next }).into_response())
}

fn wants_lines(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|range| {
        let media = range.split(';').next().unwrap_or_default();
        media.trim().eq_ignore_ascii_case(NDJSON)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_to_who_asks_for_them() {
        let wants = |text: &'static str| {
            wants_lines(&HeaderMap::from_iter([(header::ACCEPT, axum::http::HeaderValue::from_static(text))]))
        };
        assert!(wants(NDJSON) && wants("text/html, Application/X-NDJSON; q=0.9"));
        assert!(!wants("*/*") && !wants("application/json") && !wants_lines(&HeaderMap::new()));
    }
}
