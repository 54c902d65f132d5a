//! Callers who hold an office: 403 for all others.

use axum::{extract::FromRequestParts, http::request::Parts};
use tidings_domain::values::Role;

use crate::{
    app::{Acting, App},
    problem::{Kind, Problem},
};

/// A caller with the role `operator`.
pub(super) struct Operator(pub(super) Acting);

impl FromRequestParts<App> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        holder(parts, app, Role::Operator).await.map(Self)
    }
}

/// A caller with the role `auditor`.
pub(super) struct Auditor(pub(super) Acting);

impl FromRequestParts<App> for Auditor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        holder(parts, app, Role::Auditor).await.map(Self)
    }
}

/// A caller with either of the two.
pub(super) struct Overseer(pub(super) Acting);

impl FromRequestParts<App> for Overseer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let acting = Acting::from_request_parts(parts, app).await?;
        if holds(&acting, Role::Auditor).await? || holds(&acting, Role::Operator).await? {
            Ok(Self(acting))
        } else {
            Err(Problem::new(Kind::Forbidden, "this needs the role operator or auditor"))
        }
    }
}

/// Whether a caller has this role.
pub(super) async fn holds(acting: &Acting, role: Role) -> Result<bool, Problem> {
    let account = acting.app.commands.account(acting.user()).await?;
    Ok(account.is_some_and(|account| account.roles.contains(&role)))
}

async fn holder(parts: &mut Parts, app: &App, role: Role) -> Result<Acting, Problem> {
    let acting = Acting::from_request_parts(parts, app).await?;
    if holds(&acting, role).await? {
        Ok(acting)
    } else {
        Err(Problem::new(Kind::Forbidden, format!("this needs the role {}", role.as_str())))
    }
}
