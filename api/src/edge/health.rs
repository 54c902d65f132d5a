//! Whether the server lives, and whether it can serve.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    json::Json,
    problem::{FieldError, Kind, Problem, ProblemDocument},
};

/// A part of the server's stores, and how it is.
#[derive(Debug)]
pub struct Part {
    /// `log`, `views` or `keys`.
    pub name: &'static str,
    /// Why it does not answer, if it does not.
    pub problem: Option<Problem>,
}

/// Asks every part how it is.
#[async_trait]
pub trait Probe: Send + Sync + 'static {
    /// All parts, those that answer and those that do not.
    async fn probe(&self) -> Vec<Part>;
}

/// Whether the server takes requests: it does from the start until it is told to stop, as long as its stores answer.
#[derive(Clone)]
pub struct Readiness {
    stopping: Arc<AtomicBool>,
    stores: Arc<dyn Probe>,
}

impl std::fmt::Debug for Readiness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Readiness").field("stopping", &self.stopping).finish_non_exhaustive()
    }
}

impl Readiness {
    /// Ready as long as these answer.
    pub fn new(stores: Arc<dyn Probe>) -> Self {
        Self { stopping: Arc::default(), stores }
    }

    /// Not ready from now on: load balancers look elsewhere.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// Whether it was told to stop.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    async fn check(&self) -> Result<BTreeMap<&'static str, &'static str>, Problem> {
        if self.is_stopping() {
            return Err(Kind::ShuttingDown.into());
        }
        let parts = self.stores.probe().await;
        let bad: Vec<_> = parts.iter().filter_map(|part| Some((part.name, part.problem.as_ref()?.kind()))).collect();
        match bad.first() {
            None => Ok(parts.into_iter().map(|part| (part.name, OK.status)).collect()),
            Some((_, kind)) => {
                let named = bad.iter().map(|(name, kind)| FieldError::new(format!("/{name}"), kind.title()));
                Err(Problem::of_fields(*kind, named.collect()))
            }
        }
    }
}

/// How the server is.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// Always `ok`; anything else is a problem document.
    #[schema(example = "ok")]
    status: &'static str,
}

const OK: Health = Health { status: "ok" };

/// How the parts of the server are.
#[derive(Debug, Serialize, ToSchema)]
struct Ready {
    /// Always `ok`; anything else is a problem document whose `errors` name the parts.
    #[schema(example = "ok")]
    status: &'static str,
    /// `log`, `views` and `keys`: `ok` each.
    parts: BTreeMap<&'static str, &'static str>,
}

/// The routes of this module.
pub fn routes(readiness: Readiness) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(live, live_head)).routes(routes!(ready, ready_head)).with_state(readiness)
}

/// Liveness
///
/// Answers as long as the process serves requests at all.
#[utoipa::path(get, path = "/health/live", tag = "Operation", responses((status = 200, description = "It lives", body = Health)))]
async fn live() -> Json<Health> {
    Json(OK)
}

/// Liveness, without a body
#[utoipa::path(head, path = "/health/live", tag = "Operation", responses((status = 200, description = "It lives")))]
async fn live_head() {}

/// Readiness
///
/// Ready only when log, views and keys answer, and not while the server is stopping.
#[utoipa::path(get, path = "/health/ready", tag = "Operation", responses(
    (status = 200, description = "It serves", body = Ready),
    (status = 503, description = "It does not serve now", body = ProblemDocument, content_type = "application/problem+json"),
))]
async fn ready(State(readiness): State<Readiness>) -> Result<Json<Ready>, Problem> {
    readiness.check().await.map(|parts| Json(Ready { status: OK.status, parts }))
}

/// Readiness, without a body
#[utoipa::path(head, path = "/health/ready", tag = "Operation", responses(
    (status = 200, description = "It serves"),
    (status = 503, description = "It does not serve now"),
))]
async fn ready_head(State(readiness): State<Readiness>) -> Result<(), Problem> {
    readiness.check().await.map(drop)
}
