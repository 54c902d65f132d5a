//! Who asks.

use std::sync::{Arc, OnceLock};

use axum::{
    extract::{FromRef, FromRequestParts},
    http::{header, request::Parts},
};
use tidings_domain::{SessionId, UserId};

use crate::{
    auth::Authenticator,
    problem::{Kind, Problem},
};

/// Somebody signed in: their access token is genuine, fresh, and its session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub user: UserId,
    /// By which session.
    pub session: SessionId,
    /// The number of the password it was opened with.
    pub credential: u32,
}

/// Where a request's caller becomes known to what stands around the handlers: the log line, the consistency marks.
#[derive(Debug, Clone, Default)]
pub struct CallerCell(Arc<OnceLock<UserId>>);

impl CallerCell {
    /// Says who acts. Registration and sign-in, which have no caller yet, call this themselves.
    pub fn set(&self, user: UserId) {
        // the first stands: nobody becomes somebody else in the middle of a request
        let _already_known = self.0.set(user);
    }

    /// Who acts, if anybody in particular does.
    pub fn get(&self) -> Option<UserId> {
        self.0.get().copied()
    }
}

/// What every request has; put there by the edge.
#[derive(Debug, Clone, Default)]
pub struct RequestInfo {
    /// The answer's `x-request-id`.
    pub id: Arc<str>,
    /// Who turns out to ask.
    pub caller: CallerCell,
}

impl<S: Send + Sync> FromRequestParts<S> for RequestInfo {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}

/// The token of `Authorization: Bearer …` (RFC 6750).
pub(super) fn bearer(parts: &Parts) -> Option<&str> {
    let (scheme, token) = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

impl<S> FromRequestParts<S> for Caller
where
    S: Send + Sync,
    Authenticator: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if let Some(caller) = parts.extensions.get::<Self>() {
            return Ok(*caller);
        }
        let token = bearer(parts).ok_or_else(|| Problem::from(Kind::Unauthenticated))?;
        let caller = Authenticator::from_ref(state).caller(token).await?;
        if let Some(info) = parts.extensions.get::<RequestInfo>() {
            info.caller.set(caller.user);
        }
        parts.extensions.insert(caller);
        Ok(caller)
    }
}
