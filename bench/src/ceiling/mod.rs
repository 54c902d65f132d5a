//! The ceiling: the least a server with durable sends can be. Axum, one JWT check, JSON in and out, a plain file.
//!
//! It knows no members, no rules, no idempotency, no views and no privacy. What Tidings does above it is the price of these.

pub(crate) mod auth;
pub(crate) mod import;
pub(crate) mod log;
pub(crate) mod replay;
pub(crate) mod rows;

use crate::error::BenchError;
use auth::{Caller, Verifier};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use log::Log;
use rows::{Row, Rows};
use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// What the handlers share.
pub(crate) struct Reference {
    verifier: Verifier,
    log: Log,
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
struct Items {
    items: Vec<Row>,
}

#[derive(Serialize)]
struct Unread {
    total: i64,
}

/// Serves on a free port of the loopback interface, which the first line on standard error says, until a signal ends it.
pub(crate) fn serve(dir: &Path, rows: u32) -> Result<(), BenchError> {
    std::fs::create_dir_all(dir)?;
    let reference = Reference { verifier: Verifier::new(), log: Log::open(dir)?, rows: Rows::fill(dir, rows)? };
    let router = Router::new()
        .route("/send", post(send))
        .route("/page", get(page))
        .route("/unread", get(unread))
        .with_state(Arc::new(reference));
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
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
    let id = format!("{:032x}-{number}", record.conversation);
    Ok((StatusCode::CREATED, Json(Sent { id, record })))
}

async fn page(
    State(reference): State<Arc<Reference>>,
    _: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Items>, StatusCode> {
    Ok(Json(Items { items: reference.rows.page(query.conversation).map_err(failed)? }))
}

async fn unread(State(reference): State<Arc<Reference>>, Caller(person): Caller) -> Result<Json<Unread>, StatusCode> {
    Ok(Json(Unread { total: reference.rows.unread(person).map_err(failed)? }))
}

fn failed<E>(_: E) -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}
