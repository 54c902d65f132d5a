//! What happens, as it happens (Server-Sent Events, WHATWG HTML section 9.2).

use std::{convert::Infallible, str::FromStr, time::Duration};

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{
        AppendHeaders, IntoResponse,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{Stream, StreamExt, stream};
use serde::Deserialize;
use tidings_domain::values::Invalid;
use tidings_event_store::Position;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::{Acting, App},
    extract::{InQuery, parsed},
    live::{Ended, Next, Pushed},
    problem::{Kind, Problem},
};

/// A comment comes at least this often, so that neither side takes the other for gone.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const LAST_EVENT_ID: &str = "last-event-id";

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(follow_live))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct LiveQuery {
    /// Resume after this position, as the header `Last-Event-ID` does.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<i64>, minimum = 0)]
    pub(super) after: Option<Place>,
}

/// A position as it stands in a request: no store numbers further than this goes.
pub(super) struct Place(pub(super) Position);

impl FromStr for Place {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|_| digits).and_then(|number: i64| u64::try_from(number).ok());
        number.map(|number| Self(Position::new(number))).ok_or(Invalid("must be a position in the log"))
    }
}

/// One event of the stream.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents what is written as text")]
struct LiveEvent {
    /// Its position in the log; none for `typing` and `presence`.
    #[schema(example = "1207")]
    id: Option<String>,
    event: LiveEventKind,
    /// The object, as JSON.
    data: String,
}

/// What sort of event.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "documents what is written as text")]
pub(super) enum LiveEventKind {
    Message,
    MessageEdited,
    MessageDeleted,
    Reaction,
    Read,
    Delivered,
    Member,
    Conversation,
    Contact,
    KeyPackages,
    Typing,
    Presence,
    Webhook,
}

/// Follow live
///
/// A stream of Server-Sent Events. `id` is a position in the log: `Last-Event-ID` (or `after`) resumes from any of them, with
/// nothing lost and nothing twice. `event` is one of `message`, `message_edited`, `message_deleted`, `reaction`, `read`,
/// `delivered`, `member`, `conversation`, `contact`, `key_packages` (few are left of a device of the caller's own), `typing` and
/// `presence`, and `webhook` when deliveries to one of the caller's webhooks fail or are paused; `data` is the object as its own
/// route shows it now.
/// A `contact` that has ended has the `state` `null`. `typing` and `presence` (whether a contact has a stream open, `{user,
/// online, since}`) are not in the log, have no `id`, and are told by the node one is connected to of those who are, too. A
/// comment comes every 15 seconds. The stream ends with its session, and when its client does
/// not keep up: resume then.
#[utoipa::path(get, path = "/v1/live", tag = "Live", params(LiveQuery), responses(
    (status = 200, description = "The stream: each of its events", body = LiveEvent, content_type = "text/event-stream"),
))]
async fn follow_live(
    acting: Acting,
    headers: HeaderMap,
    InQuery(asked): InQuery<LiveQuery>,
) -> Result<impl IntoResponse, Problem> {
    let after = last_event_id(&headers)?.or(asked.after).map(|Place(position)| position);
    // who listens from now on should hear of what others were told just now, too; where the views are late, it comes later
    let _late = acting.reading().await;
    let events = acting.app.live.connect(acting.caller, after).begin().await.events();
    let stream = Sse::new(opening().chain(events.map(|next| Ok(shown(&next)))))
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    let headers = AppendHeaders([
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
        (header::VARY, HeaderValue::from_static("authorization")),
    ]);
    Ok((headers, stream))
}

/// Something at once, so that the client knows that it listens.
fn opening() -> impl Stream<Item = Result<Event, Infallible>> {
    stream::iter([Ok(Event::default().comment("listening"))])
}

fn shown(next: &Next) -> Event {
    match next {
        Next::Pushed(pushed) => event(pushed),
        Next::End(Ended::Over) => Event::default().comment("over"),
        Next::End(Ended::FellBehind) => Event::default().comment("cut off for being slow: resume"),
    }
}

fn event(pushed: &Pushed) -> Event {
    let event = Event::default().event(pushed.event).data(&*pushed.data);
    match pushed.position {
        Some(position) => event.id(position.to_string()),
        None => event,
    }
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<Place>, Problem> {
    let Some(value) = headers.get(LAST_EVENT_ID) else { return Ok(None) };
    let text = value.to_str().unwrap_or("?");
    if text.is_empty() {
        return Ok(None);
    }
    text.parse()
        .map(Some)
        .map_err(|_| Problem::new(Kind::MalformedRequest, "the header Last-Event-ID must be a position"))
}
