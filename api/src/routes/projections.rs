//! Looking after the views: how they are doing, rebuilding them, comparing them with the log.

use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tidings_commands::Outcome;
use tidings_domain::Timestamp;
use tidings_projections::{
    Projection,
    model::{Difference, ParkedEvent, ProjectionStatus, RebuildProgress, Verification, Verified},
    runner::Extent,
};
use tokio::time::timeout;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{offices::Operator, shapes::List};
use crate::{
    app::App,
    config::LARGEST_SAMPLE,
    extract::{InQuery, Path},
    json::Json,
    problem::{Kind, Problem},
    reply::Reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_projections))
        .routes(routes!(rebuild_projection))
        .routes(routes!(verify_projection))
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
    /// Why the last rebuild or comparison did not come to its end. What serves was left alone.
    failure: Option<String>,
    /// What the last comparison with the log found, since this server was started.
    verified: Option<VerifiedBody>,
}

/// How far a rebuild or a comparison is.
#[derive(Debug, Serialize, ToSchema)]
struct RebuildBody {
    /// All up to here is in the next generation.
    position: u64,
    /// The log's last position when this stretch of it was begun.
    head: u64,
    /// Positions a second since it began, rests included.
    rate: f64,
    /// How long it will take to the head at this rate; null before there is one.
    seconds_left: Option<f64>,
}

/// A comparison with the log, and when it was.
#[derive(Debug, Serialize, ToSchema)]
struct VerifiedBody {
    /// When it ended.
    #[schema(format = DateTime)]
    at: String,
    #[serde(flatten)]
    found: VerificationBody,
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
            seconds_left: progress.time_left().map(|left| left.as_secs_f64()),
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
            failure: status.failure,
            verified: status.verified.map(VerifiedBody::from),
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
/// Beside the serving view, which it replaces when it has reached the head of the log. It rests as long as
/// `TIDINGS_REBUILD_SHARE` says, and is begun again after a crash.
#[utoipa::path(post, path = "/v1/admin/projections/{name}/rebuild", tag = "Operation",
    params(("name" = String, Path, description = "Which")),
    responses((status = 202, description = "It has begun", body = Rebuilding)),
)]
async fn rebuild_projection(
    Operator(acting): Operator,
    Path((name,)): Path<(String,)>,
) -> Result<Reply<Rebuilding>, Problem> {
    let (views, projection, pace) = (acting.app.views.clone(), named(&name)?, acting.app.rebuild_pace);
    let mut rebuild = tokio::spawn(async move { views.rebuild(projection, pace).await });
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
    /// Whether only a sample was compared.
    sampled: bool,
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

impl VerificationBody {
    fn new(verification: Verification, sampled: bool) -> Self {
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
            sampled,
            differences: verification.differences.into_iter().map(difference).collect(),
        }
    }
}

impl From<Verified> for VerifiedBody {
    fn from(verified: Verified) -> Self {
        let at = verified.at.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let at = Timestamp::from_millis(i64::try_from(at).unwrap_or(i64::MAX)).to_string();
        Self { at, found: VerificationBody::new(verified.found, verified.sampled) }
    }
}

/// What is to be compared.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct VerifyQuery {
    /// Only what belongs to so many conversations and people, drawn by chance: 1 to 500.
    #[param(minimum = 1, maximum = 500)]
    sample: Option<u32>,
}

/// Verify a projection
///
/// Compares the serving view with a fresh replay of the log, row by row: all of it, or a sample.
#[utoipa::path(post, path = "/v1/admin/projections/{name}/verify", tag = "Operation",
    params(("name" = String, Path, description = "Which"), VerifyQuery),
    responses((status = 200, description = "What was found", body = VerificationBody)),
)]
async fn verify_projection(
    Operator(acting): Operator,
    Path((name,)): Path<(String,)>,
    InQuery(VerifyQuery { sample }): InQuery<VerifyQuery>,
) -> Result<Reply<VerificationBody>, Problem> {
    let projection = named(&name)?;
    if sample.is_some_and(|sample| !(1..=LARGEST_SAMPLE).contains(&sample)) {
        return Err(Problem::new(Kind::MalformedRequest, format!("`sample` must be 1 to {LARGEST_SAMPLE}")));
    }
    let size = sample.and_then(|sample| usize::try_from(sample).ok());
    let extent = Extent { sample: size, most: MOST_DIFFERENCES };
    let found = acting.app.views.verify(projection, extent, acting.app.rebuild_pace).await?;
    Ok(Reply::ok(&NOTHING_APPENDED, VerificationBody::new(found, sample.is_some())))
}
