//! The ceiling: the least a server with durable sends can be. Axum, one JWT check, JSON in and out, a plain file.
//!
//! It knows no members, no rules, no idempotency, no views and no privacy. What Tidings does above it is the price of these.

mod accounts;
pub(crate) mod audit;
pub(crate) mod auth;
pub(crate) mod import;
mod live;
pub(crate) mod log;
pub(crate) mod replay;
pub(crate) mod rows;

use crate::error::BenchError;
use accounts::Accounts;
use auth::{Caller, Verifier};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use live::Hub;
use log::Log;
use rows::{Hit, Row, Rows};
use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// What the handlers share.
pub(crate) struct Reference {
    verifier: Verifier,
    log: Log,
    marks: Log,
    accounts: Accounts,
    hub: Hub,
    rows: Rows,
}

/// A line of the log, and the body of a send.
#[derive(Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) conversation: u32,
    #[serde(default)]
    pub(crate) sender: u32,
    /// Milliseconds since 1970.
    #[serde(default)]
    pub(crate) at: u64,
    pub(crate) body: String,
}

/// A line of the log of read marks, and the body of a mark.
#[derive(Serialize, Deserialize)]
struct Mark {
    conversation: u32,
    #[serde(default)]
    reader: u32,
    up_to: u32,
}

#[derive(Serialize)]
struct Marked {
    unread: u32,
}

#[derive(Serialize)]
struct Sent {
    id: String,
    #[serde(flatten)]
    record: Record,
}

#[derive(Deserialize)]
struct PageQuery {
    conversation: u32,
}

#[derive(Serialize)]
struct Items<T> {
    items: Vec<T>,
}

#[derive(Deserialize)]
struct SearchQuery {
    q: String,
}

#[derive(Serialize)]
struct Unread {
    total: i64,
}

/// Serves on an address of the loopback interface, which the first line on standard error says, until a signal ends it.
pub(crate) fn serve(listen: SocketAddr, dir: &Path, rows: u32) -> Result<(), BenchError> {
    std::fs::create_dir_all(dir)?;
    let reference = Reference {
        verifier: Verifier::new(),
        log: Log::open(&log::path(dir))?,
        marks: Log::open(&log::marks(dir))?,
        accounts: Accounts::open(dir)?,
        hub: Hub::default(),
        rows: Rows::open(dir, rows)?,
    };
    let router = Router::new()
        .route("/health/ready", get(async || ()))
        .route("/users", post(accounts::register))
        .route("/sessions", post(accounts::sign_in))
        .route("/read", put(read))
        .route("/live", get(live::follow))
        .route("/send", post(send))
        .route("/page", get(page))
        .route("/unread", get(unread))
        .route("/search", get(search))
        .with_state(Arc::new(reference));
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = tokio::net::TcpListener::bind(listen).await?;
        writeln!(std::io::stderr(), "listening on {}", listener.local_addr()?)?;
        // a connection that refuses the option works all the same, only slower
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        axum::serve(listener, router).with_graceful_shutdown(terminated()).await?;
        Ok(())
    })
}

async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => drop(terminate.recv().await),
        // without the handler the signal ends the process at once, which serves as well
        Err(_) => std::future::pending().await,
    }
}

async fn send(
    State(reference): State<Arc<Reference>>,
    Caller(sender): Caller,
    Json(request): Json<Record>,
) -> Result<(StatusCode, Json<Sent>), StatusCode> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(failed)?;
    let at = u64::try_from(now.as_millis()).map_err(failed)?;
    let record = Record { sender, at, ..request };
    let mut line = serde_json::to_vec(&record).map_err(failed)?;
    line.push(b'\n');
    let number = reference.log.append(line).await.ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
    let sent = Sent { id: format!("{:032x}-{number}", record.conversation), record };
    reference.hub.tell(number, &sent);
    Ok((StatusCode::CREATED, Json(sent)))
}

async fn read(
    State(reference): State<Arc<Reference>>,
    Caller(reader): Caller,
    Json(request): Json<Mark>,
) -> Result<Json<Marked>, StatusCode> {
    let mut line = serde_json::to_vec(&Mark { reader, ..request }).map_err(failed)?;
    line.push(b'\n');
    reference.marks.append(line).await.ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
    Ok(Json(Marked { unread: 0 }))
}

async fn page(
    State(reference): State<Arc<Reference>>,
    _: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Items<Row>>, StatusCode> {
    Ok(Json(Items { items: reference.rows.page(query.conversation).map_err(failed)? }))
}

async fn search(
    State(reference): State<Arc<Reference>>,
    Caller(person): Caller,
    Query(query): Query<SearchQuery>,
) -> Result<Json<Items<Hit>>, StatusCode> {
    Ok(Json(Items { items: reference.rows.search(person, &query.q).map_err(failed)? }))
}

async fn unread(State(reference): State<Arc<Reference>>, Caller(person): Caller) -> Result<Json<Unread>, StatusCode> {
    Ok(Json(Unread { total: reference.rows.unread(person).map_err(failed)? }))
}

fn failed<E>(_: E) -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}
