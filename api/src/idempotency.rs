//! `Idempotency-Key`: the same request again gets the first answer again, and never does anything twice.
//!
//! The key becomes the id of the command, which the log keeps for ever. A command recalled by its id gives back the events
//! of the first time. Where the answer follows from those events alone ([`MadeFromEvents`]) that is all there is to it;
//! any other success is remembered word for word, sealed, in the stream of the request. What was refused did nothing
//! and is not remembered: it is judged anew.

use std::{
    collections::HashMap,
    convert::Infallible,
    future::ready,
    sync::{Arc, Mutex, PoisonError},
    task::{self, Poll},
};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{FromRequestParts, Request},
    http::{HeaderName, HeaderValue, Method, Response as HttpResponse, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use futures::future::{BoxFuture, Either};
use tidings_commands::Context;
use tidings_domain::request::Answer;
use tidings_event_store::{CommandId, CommandKey, Fingerprint, InstallationSecret};
use tokio::sync::Mutex as AsyncMutex;
use tower::{Layer, Service};
use zeroize::Zeroizing;

use crate::{
    app::App,
    clock::now,
    extract::{Caller, IdempotencyKey, RequestInfo, whole},
    problem::{Kind, Problem},
    reply::{IDEMPOTENCY_REPLAYED, MadeFromEvents, ShowsMessage, TIDINGS_POSITION},
    routes::UPLOADS,
};

/// What the middleware works with.
#[derive(Clone)]
pub struct Idempotency {
    app: App,
    ids: Arc<Zeroizing<[u8; 32]>>,
    in_flight: Arc<InFlight>,
}

impl Idempotency {
    /// Keys of this installation.
    pub fn new(app: App, secret: &InstallationSecret) -> Self {
        let ids = Arc::new(secret.derive("tidings 2026 idempotency keys"));
        Self { app, ids, in_flight: Arc::default() }
    }

    fn hash(&self, parts: &[&[u8]]) -> [u8; 16] {
        let mut hasher = blake3::Hasher::new_keyed(&self.ids);
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
        }
        let mut bytes = [0; 16];
        hasher.finalize_xof().fill(&mut bytes);
        bytes
    }

    /// Strangers share one space of keys.
    fn command_key(&self, caller: Option<Caller>, key: &IdempotencyKey, parts: &Parts, body: &[u8]) -> CommandKey {
        let caller: &[u8] = caller.as_ref().map_or(b"anonymous", |caller| caller.user.as_bytes());
        let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
        CommandKey {
            id: CommandId(self.hash(&[b"id", caller, key.as_str().as_bytes()])),
            fingerprint: Fingerprint(self.hash(&[
                b"request",
                parts.method.as_str().as_bytes(),
                target.as_bytes(),
                body,
                refresh_cookie(parts),
            ])),
        }
    }
}

/// A refresh whose token comes as a cookie is another request with another token.
fn refresh_cookie(parts: &Parts) -> &[u8] {
    let refreshes = parts.uri.path().ends_with("/sessions/refresh");
    let cookie = if refreshes { parts.headers.get(header::COOKIE) } else { None };
    cookie.map_or(b"", HeaderValue::as_bytes)
}

/// Requests under way, by their command: a second one waits for the first.
#[derive(Default)]
struct InFlight(Mutex<HashMap<CommandId, Arc<AsyncMutex<()>>>>);

impl InFlight {
    fn map(&self) -> std::sync::MutexGuard<'_, HashMap<CommandId, Arc<AsyncMutex<()>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue_up(&self, id: CommandId) -> Place<'_> {
        Place { in_flight: self, id, turn: self.map().entry(id).or_default().clone() }
    }
}

/// A place in the queue for one command; left when the request ends, however it ends.
struct Place<'a> {
    in_flight: &'a InFlight,
    id: CommandId,
    turn: Arc<AsyncMutex<()>>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut map = self.in_flight.map();
        // the map's and this one: nobody else waits
        if Arc::strong_count(&self.turn) == 2 {
            map.remove(&self.id);
        }
    }
}

impl<S> Layer<S> for Idempotency {
    type Service = Idempotent<S>;

    fn layer(&self, inner: S) -> Idempotent<S> {
        Idempotent { idempotency: self.clone(), inner }
    }
}

/// What stands around every `/v1` route. A request without a key goes straight through.
#[derive(Clone)]
pub struct Idempotent<S> {
    idempotency: Idempotency,
    inner: S,
}

impl<S> Service<Request> for Idempotent<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<S::Future, BoxFuture<'static, Result<Response, Infallible>>>;

    fn poll_ready(&mut self, context: &mut task::Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let writes = matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH | Method::DELETE);
        match IdempotencyKey::of(request.headers()) {
            Ok(Some(key)) if writes => {
                // the one that was made ready is this one: a clone stays behind
                let clone = self.clone();
                let Self { idempotency, inner } = std::mem::replace(self, clone);
                Either::Right(Box::pin(async move {
                    Ok(idempotency.answer(key, request, inner).await.unwrap_or_else(Problem::into_response))
                }))
            }
            Ok(Some(_) | None) => Either::Left(self.inner.call(request)),
            Err(problem) => Either::Right(Box::pin(ready(Ok(problem.into_response())))),
        }
    }
}

/// Asks what stands within.
async fn ask<S>(mut inner: S, request: Request) -> Response
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    match inner.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

impl Idempotency {
    async fn answer<S>(&self, key: IdempotencyKey, request: Request, inner: S) -> Result<Response, Problem>
    where
        S: Service<Request, Response = Response, Error = Infallible>,
    {
        let (mut parts, body) = request.into_parts();
        // A bad token is the handler's to refuse: registration and sign-in do not look at it.
        let caller = Caller::from_request_parts(&mut parts, &self.app).await.ok();
        if is_streamed(&parts) {
            return self.answer_streamed(caller, &key, parts, body, inner).await;
        }
        let body = whole(body).await?;
        let key = self.command_key(caller, &key, &parts, &body);
        let place = self.in_flight.queue_up(key.id);
        let _turn = place.turn.lock().await;
        if let Some(answer) = self.app.commands.recall_answer(key).await? {
            return Ok(replayed(answer));
        }
        let info: RequestInfo = parts.extensions.get().cloned().unwrap_or_default();
        parts.extensions.insert(key);
        let response = ask(inner, Request::from_parts(parts, Body::from(body))).await;
        if !response.status().is_success() || response.extensions().get::<MadeFromEvents>().is_some() {
            return Ok(response);
        }
        self.remember(key, caller, info, response).await
    }

    /// An upload is not held in memory: what is in it belongs to what was asked, and its handler, who sees it all, says so
    /// ([`Context::asking_for`]) and makes the same answer again from the events.
    async fn answer_streamed<S>(
        &self,
        caller: Option<Caller>,
        key: &IdempotencyKey,
        mut parts: Parts,
        body: Body,
        inner: S,
    ) -> Result<Response, Problem>
    where
        S: Service<Request, Response = Response, Error = Infallible>,
    {
        let key = self.command_key(caller, key, &parts, b"");
        let place = self.in_flight.queue_up(key.id);
        let _turn = place.turn.lock().await;
        parts.extensions.insert(key);
        Ok(ask(inner, Request::from_parts(parts, body)).await)
    }

    async fn remember(
        &self,
        key: CommandKey,
        caller: Option<Caller>,
        info: RequestInfo,
        response: Response,
    ) -> Result<Response, Problem> {
        let (mut parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.map_err(|error| Problem::new(Kind::Internal, error.to_string()))?;
        let context = Context {
            actor: caller.map(|caller| caller.user),
            session: caller.map(|caller| caller.session),
            key: None,
            request: Some(info.id.to_string()),
            now: now(),
        };
        let shows = parts.extensions.get::<ShowsMessage>().map(|shows| shows.0);
        let answer = to_remember(&parts, &body);
        let position = match self.app.commands.remember_answer(key, answer, shows, &context).await {
            // the request closed its caller's account: there is nobody left to ask again; or what it shows is erased
            Err(tidings_commands::Error::Forgotten) => None,
            position => position?,
        };
        if let Some(position) = position {
            parts.headers.insert(TIDINGS_POSITION, position.get().into());
            if let Some(caller) = caller {
                self.app.consistency.acknowledge(caller.user, position);
            }
        }
        Ok(Response::from_parts(parts, Body::from(body)))
    }
}

/// Whether the body of this request may be larger than what is held in memory.
fn is_streamed(parts: &Parts) -> bool {
    parts.method == Method::POST && parts.uri.path() == UPLOADS
}

/// The headers that are part of an answer, rather than of the occasion on which it is given.
static KEPT: [HeaderName; 3] = [header::CONTENT_TYPE, header::LOCATION, TIDINGS_POSITION];

fn to_remember(parts: &axum::http::response::Parts, body: &Bytes) -> Answer {
    let kept = KEPT.iter().filter_map(|name| {
        let value = parts.headers.get(name)?.to_str().ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    });
    Answer { status: parts.status.as_u16(), headers: kept.collect(), body: String::from_utf8_lossy(body).into_owned() }
}

fn replayed(answer: Answer) -> Response {
    let mut response = HttpResponse::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or_default();
    let headers = response.headers_mut();
    for (name, value) in &answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    headers.insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    response
}
