//! What operators do: give roles, shut accounts out.

use tidings_domain::values::Role;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::offices::Operator;
use crate::{
    app::{Acting, App},
    extract::Path,
    problem::{Kind, Problem},
    reply::Reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(grant_role, revoke_role)).routes(routes!(suspend_user, reinstate_user))
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
