//! What auditors prove the log with: signed heads, proofs, and the key that checks them. `docs/notary.md` says how.

use std::{str::FromStr, sync::Arc};

use serde::Deserialize;
use tidings_domain::values::Invalid;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::offices::Auditor;
use crate::{
    app::App,
    extract::{InQuery, parsed},
    json::Json,
    notary::{ConsistencyProof, InclusionProof, Prover, Signed},
    problem::{Kind, Problem},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(show_checkpoint))
        .routes(routes!(prove_inclusion))
        .routes(routes!(prove_consistency))
        .routes(routes!(show_key))
}

/// A position or the size of a tree, as it stands in a request: from 1, for no event and no tree is before that.
struct Count(u64);

impl FromStr for Count {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // no store numbers further
        let number = text.parse().ok().filter(|number: &i64| digits && *number > 0);
        number.map(|number| Self(number.cast_unsigned())).ok_or(Invalid("must be a whole number from 1"))
    }
}

/// The newest signed tree, once it holds all that is in the log now.
async fn newest(app: &App) -> Result<Arc<Signed>, Problem> {
    let head = app.commands.head().await?;
    app.notary.signed(head).await.ok_or_else(|| Kind::NotSignedYet.into())
}

/// The newest signed tree head
///
/// As text: a C2SP tlog-checkpoint, signed with Ed25519. It holds everything that was in the log when it was asked for.
#[utoipa::path(get, path = "/v1/audit/checkpoint", tag = "Audit", responses(
    (status = 200, description = "The note", body = String, content_type = "text/plain"),
))]
async fn show_checkpoint(Auditor(acting): Auditor) -> Result<String, Problem> {
    Ok(newest(&acting.app).await?.checkpoint.note.clone())
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct InclusionQuery {
    /// Where in the log the event is.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = i64, minimum = 1, required = true)]
    position: Option<Count>,
    /// The size of the tree that it is to be shown in: that of a head that you hold. The newest when not given.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<i64>, minimum = 1)]
    size: Option<Count>,
}

fn given(count: Option<Count>, name: &str) -> Result<u64, Problem> {
    count.map(|Count(number)| number).ok_or_else(|| Problem::malformed(format!("/{name}"), "is missing"))
}

/// That an event is in the tree
#[utoipa::path(get, path = "/v1/audit/proof/inclusion", tag = "Audit", params(InclusionQuery), responses(
    (status = 200, description = "The proof", body = InclusionProof),
))]
async fn prove_inclusion(
    Auditor(acting): Auditor,
    InQuery(query): InQuery<InclusionQuery>,
) -> Result<Json<InclusionProof>, Problem> {
    let position = given(query.position, "position")?;
    let signed = newest(&acting.app).await?;
    let size = query.size.map_or(signed.edge.size(), |Count(size)| size);
    Ok(Json(Prover::new(&signed.edge, acting.app.notary.tiles()).inclusion(position, size)?))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct ConsistencyQuery {
    /// The size of the earlier tree.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = i64, minimum = 1, required = true)]
    from: Option<Count>,
    /// The size of the later one. The newest when not given.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<i64>, minimum = 1)]
    to: Option<Count>,
}

/// That a tree is the beginning of a later one
///
/// Nothing that was in the earlier tree was changed, left out or put in since.
#[utoipa::path(get, path = "/v1/audit/proof/consistency", tag = "Audit", params(ConsistencyQuery), responses(
    (status = 200, description = "The proof", body = ConsistencyProof),
))]
async fn prove_consistency(
    Auditor(acting): Auditor,
    InQuery(query): InQuery<ConsistencyQuery>,
) -> Result<Json<ConsistencyProof>, Problem> {
    let from = given(query.from, "from")?;
    let signed = newest(&acting.app).await?;
    let to = query.to.map_or(signed.edge.size(), |Count(size)| size);
    Ok(Json(Prover::new(&signed.edge, acting.app.notary.tiles()).consistency(from, to)?))
}

/// The key that checks signed tree heads
///
/// As text: a verifier key of C2SP signed-note. Keep it, and a head now and then, where this server cannot reach.
#[utoipa::path(get, path = "/v1/audit/key", tag = "Audit", responses(
    (status = 200, description = "The key", body = String, content_type = "text/plain"),
))]
async fn show_key(Auditor(acting): Auditor) -> String {
    format!("{}\n", acting.app.notary.key())
}
