//! The live stream over a WebSocket (RFC 6455), and what clients say on it.
//!
//! Browsers cannot send `Authorization` with a WebSocket, so the token may come as a subprotocol beside `tidings.v1`: it
//! stands in no URL, no log, and is as short-lived as any access token (ADR 0017).

use axum::{
    extract::{
        FromRequestParts,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts},
    response::Response,
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::live::{LiveEventKind, LiveQuery, Place};
use crate::{
    app::{Acting, App},
    extract::{InQuery, RequestInfo},
    live::socket,
    problem::{Kind, Problem},
};

/// The one that is spoken.
const PROTOCOL: HeaderValue = HeaderValue::from_static("tidings.v1");
/// Before an access token among the subprotocols.
const BEARER: &str = "bearer.";
/// The longest frame of a client: what it may say is short.
const MOST_SAID_BYTES: usize = 4 * 1024;
/// What may wait to be written to the socket, beside one frame.
const MOST_UNWRITTEN_BYTES: usize = 512 * 1024;
const WRITE_AT_ONCE_BYTES: usize = 4 * 1024;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(follow_live_by_socket))
}

/// A caller who may have shown their token as a subprotocol.
struct Connecting(Acting);

impl FromRequestParts<App> for Connecting {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        if !parts.headers.contains_key(header::AUTHORIZATION)
            && let Some(token) = shown_token(&parts.headers)
        {
            let caller = app.authenticator.caller(token).await?;
            if let Some(info) = parts.extensions.get::<RequestInfo>() {
                info.caller.set(caller.user);
            }
            parts.extensions.insert(caller);
        }
        Acting::from_request_parts(parts, app).await.map(Self)
    }
}

/// The token among the subprotocols, which are separated by commas in one header or stand in several.
fn shown_token(headers: &HeaderMap) -> Option<&str> {
    let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    offered.flat_map(|value| value.split(',')).find_map(|one| one.trim().strip_prefix(BEARER))
}

/// One frame of the server.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents what is written as text")]
struct SocketEvent {
    /// Its position in the log; null for `typing`.
    #[schema(example = 1207)]
    position: Option<u64>,
    event: LiveEventKind,
    /// The object, as its own route shows it.
    data: serde_json::Value,
}

/// Follow live by WebSocket
///
/// The events of `GET /v1/live` as text frames of JSON: `{"position", "event", "data"}`. `after` resumes. The client may say
/// `{"ack": position}`, which marks what came up to there delivered, and `{"typing": conversation}`.
///
/// The access token comes in `Authorization`, or from browsers as a subprotocol:
/// `new WebSocket(url, ["tidings.v1", "bearer." + token])`. Pages of other origins are let in as the configuration for CORS
/// says. The server pings every 15 seconds and hangs up after 45 without a sign of life. It closes with 1001 when it stops or
/// the session ends, with 1008 when it does not understand what the client says, and with 1013 and `resume after <position>`
/// when the client does not keep up.
#[utoipa::path(get, path = "/v1/live/ws", tag = "Live", params(LiveQuery), responses(
    (status = 101, description = "From here on text frames, each of this form", body = SocketEvent),
))]
async fn follow_live_by_socket(
    connecting: Result<Connecting, Problem>,
    headers: HeaderMap,
    InQuery(asked): InQuery<LiveQuery>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let Connecting(acting) = connecting?;
    may_come_from(&acting.app, &headers)?;
    let upgrade = upgrade.map_err(|error| Problem::new(Kind::MalformedRequest, error.to_string()))?;
    // as for SSE: who is told that the socket is open misses nothing from then on
    let _late = acting.reading().await;
    let after = asked.after.map(|Place(position)| position);
    let connection = acting.app.live.connect(acting.caller, after).begin().await;
    let mut response = upgrade
        .protocols([PROTOCOL.to_str().unwrap_or_default().to_owned()])
        .max_message_size(MOST_SAID_BYTES)
        .max_frame_size(MOST_SAID_BYTES)
        .write_buffer_size(WRITE_AT_ONCE_BYTES)
        .max_write_buffer_size(MOST_UNWRITTEN_BYTES)
        .on_upgrade(move |socket| socket::converse(socket, connection, acting));
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("authorization"));
    Ok(response)
}

/// Only browsers say where they come from, and they always do.
fn may_come_from(app: &App, headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    match headers.get(header::ORIGIN) {
        Some(origin) if !app.origins.admits(origin, text(header::HOST)) => {
            Err(Problem::new(Kind::Forbidden, "pages of this origin may not connect"))
        }
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_among_the_subprotocols() {
        let shown = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(value));
            }
            shown_token(&headers).map(str::to_owned)
        };
        assert_eq!(shown(&["tidings.v1, bearer.a.b.c"]).as_deref(), Some("a.b.c"));
        assert_eq!(shown(&["tidings.v1", "bearer.a.b.c"]).as_deref(), Some("a.b.c"));
        assert_eq!(shown(&["tidings.v1"]), None);
    }
}
