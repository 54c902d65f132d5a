//! What operators do: look after the views, give roles, shut accounts out.

use std::time::Duration;

use axum::Json;
use serde::Serialize;
use tidings_commands::Outcome;
use tidings_domain::values::Role;
use tidings_projections::{
    Projection,
    model::{Difference, ParkedEvent, ProjectionStatus, RebuildProgress, Verification},
    runner::Pace,
};
use tokio::time::timeout;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{offices::Operator, shapes::List};
use crate::{
    app::{Acting, App},
    extract::Path,
    problem::{Kind, Problem},
    reply::Reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_projections))
        .routes(routes!(rebuild_projection))
        .routes(routes!(verify_projection))
        .routes(routes!(grant_role, revoke_role))
        .routes(routes!(suspend_user, reinstate_user))
}

/// How a projection is doing.
#[derive(Debug, Serialize, ToSchema)]
struct ProjectionBody {
    name: &'static str,
    /// All up to here is in the view.
    position: u64,
    /// The log's last position.
    head: u64,
    /// How many positions lie between.
    lag: u64,
    /// Events applied a second.
    rate: f64,
    /// Which generation serves.
    generation: u32,
    rebuilding: Option<RebuildBody>,
    /// Events that could not be applied.
    parked: Vec<ParkedBody>,
    /// Why it does not go on at present.
    error: Option<String>,
}

/// How far a rebuild is.
#[derive(Debug, Serialize, ToSchema)]
struct RebuildBody {
    position: u64,
    head: u64,
    rate: f64,
}

/// An event that waits for somebody to look at it.
#[derive(Debug, Serialize, ToSchema)]
struct ParkedBody {
    position: u64,
    stream: String,
    version: u64,
    name: String,
    error: String,
}

impl From<ProjectionStatus> for ProjectionBody {
    fn from(status: ProjectionStatus) -> Self {
        let rebuilding = |progress: RebuildProgress| RebuildBody {
            position: progress.position.get(),
            head: progress.head.get(),
            rate: progress.rate,
        };
        let parked = |event: ParkedEvent| ParkedBody {
            position: event.position.get(),
            stream: event.stream,
            version: event.version,
            name: event.name,
            error: event.error,
        };
        Self {
            name: status.name,
            position: status.position.get(),
            head: status.head.get(),
            lag: status.lag,
            rate: status.rate,
            generation: status.generation,
            rebuilding: status.rebuilding.map(rebuilding),
            parked: status.parked.into_iter().map(parked).collect(),
            error: status.error,
        }
    }
}

/// The projections
#[utoipa::path(get, path = "/v1/admin/projections", tag = "Operation", responses(
    (status = 200, description = "How each of them is doing", body = List<ProjectionBody>),
))]
async fn list_projections(Operator(acting): Operator) -> Result<Json<List<ProjectionBody>>, Problem> {
    let status = acting.app.views.status().await?;
    Ok(Json(List { items: status.into_iter().map(Into::into).collect(), next: None }))
}

fn named(name: &str) -> Result<Projection, Problem> {
    Projection::named(name).ok_or_else(|| Kind::NoSuchProjection.into())
}

/// How long a rebuild is waited for that may fail at once.
const BEGUN_WITHIN: Duration = Duration::from_millis(50);
/// So many differing rows are named.
const MOST_DIFFERENCES: usize = 100;

/// A rebuild that has begun.
#[derive(Debug, Serialize, ToSchema)]
struct Rebuilding {
    name: String,
}

const NOTHING_APPENDED: Outcome<()> = Outcome { value: (), position: None, replayed: false };

/// Rebuild a projection
///
/// Beside the serving view, which it replaces when it has reached the head of the log.
#[utoipa::path(post, path = "/v1/admin/projections/{name}/rebuild", tag = "Operation",
    params(("name" = String, Path, description = "Which")),
    responses((status = 202, description = "It has begun", body = Rebuilding)),
)]
async fn rebuild_projection(
    Operator(acting): Operator,
    Path((name,)): Path<(String,)>,
) -> Result<Reply<Rebuilding>, Problem> {
    let (views, projection) = (acting.app.views.clone(), named(&name)?);
    let mut rebuild = tokio::spawn(async move { views.rebuild(projection, Pace::default()).await });
    // one that cannot begin says so at once
    if let Ok(ended) = timeout(BEGUN_WITHIN, &mut rebuild).await {
        ended.map_err(|error| Problem::new(Kind::Internal, error.to_string()))??;
    }
    Ok(Reply::accepted(&NOTHING_APPENDED, Rebuilding { name }))
}

/// What a comparison found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Verification)]
struct VerificationBody {
    name: &'static str,
    /// Both were compared as of here.
    position: u64,
    /// How many rows were compared.
    rows: u64,
    /// How many of them differ.
    differing: u64,
    /// The first of them.
    differences: Vec<DifferenceBody>,
}

/// A row that is not what the log says.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Difference)]
struct DifferenceBody {
    table: String,
    key: String,
    columns: Vec<String>,
    in_view: bool,
    in_log: bool,
}

impl From<Verification> for VerificationBody {
    fn from(verification: Verification) -> Self {
        let difference = |row: Difference| DifferenceBody {
            table: row.table,
            key: row.key,
            columns: row.columns,
            in_view: row.in_view,
            in_log: row.in_log,
        };
        Self {
            name: verification.name,
            position: verification.position.get(),
            rows: verification.rows,
            differing: verification.differing,
            differences: verification.differences.into_iter().map(difference).collect(),
        }
    }
}

/// Verify a projection
///
/// Compares the serving view with a fresh replay of the log.
#[utoipa::path(post, path = "/v1/admin/projections/{name}/verify", tag = "Operation",
    params(("name" = String, Path, description = "Which")),
    responses((status = 200, description = "What was found", body = VerificationBody)),
)]
async fn verify_projection(
    Operator(acting): Operator,
    Path((name,)): Path<(String,)>,
) -> Result<Reply<VerificationBody>, Problem> {
    let found = acting.app.views.verify(named(&name)?, MOST_DIFFERENCES).await?;
    Ok(Reply::ok(&NOTHING_APPENDED, found.into()))
}

async fn change_role(acting: Acting, user: &str, role: &str, has: bool) -> Result<Reply<()>, Problem> {
    let commands = &acting.app.commands;
    let role: Role = role.parse().map_err(|_| Problem::new(Kind::NotFound, "there is no such role"))?;
    let user = commands.resolve_user(user, acting.user()).await?;
    let outcome = if has {
        commands.grant_role(user, role, &acting.context).await?
    } else {
        commands.revoke_role(user, role, &acting.context).await?
    };
    Ok(Reply::no_content(&acting.done(outcome)))
}

/// Give a role
#[utoipa::path(put, path = "/v1/admin/users/{user}/roles/{role}", tag = "Operation",
    params(
        ("user" = String, Path, description = "An id, a username, or `me`"),
        ("role" = String, Path, description = "`operator` or `auditor`"),
    ),
    responses((status = 204, description = "They have it")),
)]
async fn grant_role(
    Operator(acting): Operator,
    Path((user, role)): Path<(String, String)>,
) -> Result<Reply<()>, Problem> {
    change_role(acting, &user, &role, true).await
}

/// Take a role away
#[utoipa::path(delete, path = "/v1/admin/users/{user}/roles/{role}", tag = "Operation",
    params(
        ("user" = String, Path, description = "An id, a username, or `me`"),
        ("role" = String, Path, description = "`operator` or `auditor`"),
    ),
    responses((status = 204, description = "They do not have it")),
)]
async fn revoke_role(
    Operator(acting): Operator,
    Path((user, role)): Path<(String, String)>,
) -> Result<Reply<()>, Problem> {
    change_role(acting, &user, &role, false).await
}

/// Shut an account out
///
/// Its sessions end; nobody signs in to it until it is let in again.
#[utoipa::path(post, path = "/v1/admin/users/{user}/suspend", tag = "Operation",
    params(("user" = String, Path, description = "An id, a username, or `me`")),
    responses((status = 204, description = "It is suspended")),
)]
async fn suspend_user(Operator(acting): Operator, Path((user,)): Path<(String,)>) -> Result<Reply<()>, Problem> {
    let user = acting.app.commands.resolve_user(&user, acting.user()).await?;
    let outcome = acting.app.commands.suspend(user, &acting.context).await?;
    Ok(Reply::no_content(&acting.done(outcome)))
}

/// Let an account in again
#[utoipa::path(delete, path = "/v1/admin/users/{user}/suspend", tag = "Operation",
    params(("user" = String, Path, description = "An id, a username, or `me`")),
    responses((status = 204, description = "It is not suspended")),
)]
async fn reinstate_user(Operator(acting): Operator, Path((user,)): Path<(String,)>) -> Result<Reply<()>, Problem> {
    let user = acting.app.commands.resolve_user(&user, acting.user()).await?;
    let outcome = acting.app.commands.reinstate(user, &acting.context).await?;
    Ok(Reply::no_content(&acting.done(outcome)))
}
