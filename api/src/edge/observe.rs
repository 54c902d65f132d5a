//! One id, one log line and one measurement for each request, and an answer whatever happens.

use std::{
    convert::Infallible,
    panic::AssertUnwindSafe,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header},
    response::{IntoResponse, Response},
};
use futures::{FutureExt, future::BoxFuture};
use tower::{Layer, Service};
use tracing::Instrument;
use uuid::Uuid;

use super::{Readiness, compressing::Accepted, panicked, traces};
use crate::{
    extract::{CallerCell, RequestInfo},
    problem::{Kind, Problem},
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// More headers than any client needs. What is far beyond this never gets here: the connection itself refuses it, with the
/// same status and no body (`transport`).
const MOST_HEADERS: usize = 64;
const MOST_HEADER_BYTES: usize = 32 * 1024;

/// The outermost layer.
#[derive(Clone)]
pub(super) struct Observed(Arc<Setting>);

struct Setting {
    readiness: Readiness,
    /// Browsers are told to come by HTTPS only.
    https: bool,
}

impl Observed {
    pub(super) fn new(readiness: Readiness, https: bool) -> Self {
        Self(Arc::new(Setting { readiness, https }))
    }
}

impl<S> Layer<S> for Observed {
    type Service = Observing<S>;

    fn layer(&self, inner: S) -> Observing<S> {
        Observing { setting: self.0.clone(), inner }
    }
}

/// See [`Observed`].
#[derive(Clone)]
pub(super) struct Observing<S> {
    setting: Arc<Setting>,
    inner: S,
}

impl<S> Service<Request> for Observing<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // the one that was made ready is this one: a clone stays behind
        let clone = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, clone);
        Box::pin(observe(self.setting.clone(), request, inner))
    }
}

async fn observe<S>(setting: Arc<Setting>, mut request: Request, inner: S) -> Result<Response, Infallible>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    let begun = Instant::now();
    let (id, id_header) = request_id(request.headers());
    let caller = CallerCell::default();
    request.extensions_mut().insert(RequestInfo { id: id.clone(), caller: caller.clone() });
    let (method, version) = (request.method().clone(), request.version());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let accepted = Accepted::of(request.headers());

    let named = route.as_ref().map_or("unmatched", MatchedPath::as_str);
    let span = traces::of_request(&method, named, &id, request.headers());
    let response = if has_too_much_of_a_head(request.headers()) {
        Problem::new(Kind::HeadTooLarge, format!("at most {MOST_HEADERS} headers of {MOST_HEADER_BYTES} bytes in all"))
            .into_response()
    } else {
        answer(inner, request).instrument(span.clone()).await
    };
    let mut response = accepted.answer(response).await;
    traces::answered(&span, response.status());
    setting.finish(response.headers_mut(), id_header, version, &caller);
    record(&method, named, response.status(), begun, &id, &caller);
    Ok(response)
}

/// What comes from within, or that it panicked.
async fn answer<S>(mut inner: S, request: Request) -> Response
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    match AssertUnwindSafe(async { inner.call(request).await }).catch_unwind().await {
        Ok(Ok(response)) => response,
        Ok(Err(never)) => match never {},
        Err(panic) => panicked(panic),
    }
}

impl Setting {
    /// The headers that every answer has.
    fn finish(&self, headers: &mut HeaderMap, id: HeaderValue, version: Version, caller: &CallerCell) {
        headers.insert(REQUEST_ID, id);
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
        headers.entry(header::X_FRAME_OPTIONS).or_insert(HeaderValue::from_static("DENY"));
        if self.https {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
        }
        // Whoever keeps a connection open is to make the next one to a server that goes on. A live stream lasts until the
        // server stops, or its session: either way nothing comes after it. HTTP/2 has no such header.
        if version < Version::HTTP_2 && (self.readiness.is_stopping() || is_stream(headers)) {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if caller.get().is_some() {
            headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        }
    }
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
