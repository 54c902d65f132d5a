//! One id, one log line and one measurement for each request.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tracing::Instrument;
use uuid::Uuid;

use super::{Readiness, traces};
use crate::{
    extract::{CallerCell, RequestInfo},
    problem::{Kind, Problem},
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// More headers than any client needs. What is far beyond this never gets here: the connection itself refuses it, with the
/// same status and no body (`transport`).
const MOST_HEADERS: usize = 64;
const MOST_HEADER_BYTES: usize = 32 * 1024;

/// The outermost middleware.
pub(super) async fn observe(State(readiness): State<Readiness>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let (id, id_header) = request_id(request.headers());
    let caller = CallerCell::default();
    request.extensions_mut().insert(RequestInfo { id: id.clone(), caller: caller.clone() });
    let (method, version) = (request.method().clone(), request.version());
    let route = request.extensions().get::<MatchedPath>().cloned();

    let named = route.as_ref().map_or("unmatched", MatchedPath::as_str);
    let span = traces::of_request(&method, named, &id, request.headers());
    let mut response = if has_too_much_of_a_head(request.headers()) {
        Problem::new(Kind::HeadTooLarge, format!("at most {MOST_HEADERS} headers of {MOST_HEADER_BYTES} bytes in all"))
            .into_response()
    } else {
        next.run(request).instrument(span.clone()).await
    };
    traces::answered(&span, response.status());

    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id_header);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    headers.entry(header::X_FRAME_OPTIONS).or_insert(HeaderValue::from_static("DENY"));
    // Whoever keeps a connection open is to make the next one to a server that goes on. A live stream lasts until the
    // server stops, or its session: either way nothing comes after it. HTTP/2 has no such header.
    if version < Version::HTTP_2 && (readiness.is_stopping() || is_stream(headers)) {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    if caller.get().is_some() {
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
    record(&method, named, response.status(), begun, &id, &caller);
    response
}

fn has_too_much_of_a_head(headers: &HeaderMap) -> bool {
    let bytes = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len();
    headers.len() > MOST_HEADERS || headers.iter().map(bytes).sum::<usize>() > MOST_HEADER_BYTES
}

fn is_stream(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream")
}

fn record(method: &Method, route: &str, status: StatusCode, begun: Instant, id: &str, caller: &CallerCell) {
    let taken = begun.elapsed();
    super::metrics::record(method, route, status, taken);
    let millis = taken.as_secs_f64() * 1e3;
    let caller = caller.get().map(|user| user.to_string()).unwrap_or_default();
    let status = status.as_u16();
    if status >= 500 {
        tracing::warn!(target: "tidings::request", %method, route, status, millis, id, caller);
    } else {
        tracing::info!(target: "tidings::request", %method, route, status, millis, id, caller);
    }
}

/// The request's own id, if it is one that can stand in a log line; else a fresh one.
fn request_id(headers: &HeaderMap) -> (Arc<str>, HeaderValue) {
    let sane = |text: &&str| (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    let given = headers.get(REQUEST_ID).and_then(|value| Some((value.to_str().ok().filter(sane)?, value)));
    if let Some((id, value)) = given {
        return (id.into(), value.clone());
    }
    let mut buffer = Uuid::encode_buffer();
    let id: &str = Uuid::now_v7().simple().encode_lower(&mut buffer);
    // 32 hexadecimal digits are a header value
    let value = HeaderValue::from_str(id).unwrap_or(HeaderValue::from_static("?"));
    (id.into(), value)
}
