//! Problem documents (RFC 9457): the body of every answer that is not a success.
//!
//! A handler returns `Result<_, Problem>`. A [`Problem`] is made from a [`Kind`], which fixes status, type and title, or
//! by `?` from any layer's error: [`refusals`] and `failures` say which kind each of them is.

mod failures;
mod fields;
pub mod refusals;
pub mod status;

use std::fmt;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

pub use fields::{Checks, FieldError, pointer};
pub use status::Kind;

/// The media type of problem documents.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Why a request was not carried out. Small, for it travels in every `Result`.
#[derive(Debug)]
pub struct Problem(Box<Parts>);

#[derive(Debug)]
struct Parts {
    kind: Kind,
    detail: Option<String>,
    errors: Vec<FieldError>,
    retry_after: Option<u64>,
}

/// A problem document (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem, example = json!({
    "type": "/problems/not-a-member", "title": "Not a member of this conversation", "status": 403,
    "detail": "only members may do this"
}))]
pub struct ProblemDocument {
    /// Stable: what clients tell problems apart by.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The same for every problem of this type.
    title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// About this occurrence.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    detail: Option<String>,
    /// What is wrong with which member or parameter.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldError>,
}

impl Problem {
    /// A problem of this kind, in a sentence about this occurrence.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self(Box::new(Parts { kind, detail: Some(detail.into()), errors: vec![], retry_after: None }))
    }

    /// The same, naming the members or parameters that are wrong.
    pub fn of_fields(kind: Kind, errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [error] => Some(format!("{} {}", error.pointer, error.detail)),
            [] => None,
            [_, ..] => Some(format!("{} members are invalid", errors.len())),
        };
        Self(Box::new(Parts { kind, detail, errors, retry_after: None }))
    }

    /// Something that cannot be parsed, at this pointer (`/limit` for the query parameter `limit`).
    pub fn malformed(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::of_fields(Kind::MalformedRequest, vec![FieldError::new(pointer, detail)])
    }

    /// Something that parses but breaks a rule, at this pointer.
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::of_fields(Kind::InvalidRequest, vec![FieldError::new(pointer, detail)])
    }

    /// The same problem where the client knows a member by another name.
    #[must_use]
    pub fn at_member(mut self, known: &str, called: &str) -> Self {
        for error in &mut self.0.errors {
            if error.pointer == known {
                called.clone_into(&mut error.pointer);
            }
        }
        self
    }

    /// The same problem, which will be none in so many seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// Which kind.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }
}

impl From<Kind> for Problem {
    fn from(kind: Kind) -> Self {
        Self(Box::new(Parts { kind, detail: None, errors: vec![], retry_after: None }))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.detail.as_deref().unwrap_or(self.0.kind.title()))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Parts { kind, detail, errors, retry_after } = *self.0;
        let status = kind.status();
        let document = ProblemDocument {
            kind: kind.uri(),
            title: kind.title(),
            status: status.as_u16(),
            // what went wrong inside is for the log, not for clients
            detail: detail.filter(|_| status != StatusCode::INTERNAL_SERVER_ERROR),
            errors,
        };
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, PROBLEM_JSON)], body).into_response();
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = retry_after.or(kind.retry_after()) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(kind);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::to_bytes;
    use serde_json::{Value, json};

    async fn shown(problem: Problem) -> (Response, Value) {
        let mut response = problem.into_response();
        let body = std::mem::take(response.body_mut());
        let bytes = to_bytes(body, 10_000).await.unwrap();
        (response, serde_json::from_slice(&bytes).unwrap())
    }

    #[tokio::test]
    async fn a_problem_names_its_type_and_the_wrong_field() {
        let (response, body) = shown(Problem::invalid("/password", "must be 8 to 128 characters")).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(response.headers()[header::CONTENT_TYPE], PROBLEM_JSON);
        assert_eq!(body["type"], "/problems/invalid-request");
        assert_eq!(body["errors"], json!([{ "pointer": "/password", "detail": "must be 8 to 128 characters" }]));
    }

    #[tokio::test]
    async fn a_server_error_carries_no_internals() {
        let (_, body) = shown(Problem::new(Kind::Internal, "events.db: no such table")).await;
        assert_eq!(body.get("detail"), None);
    }

    #[tokio::test]
    async fn a_401_says_how_to_authenticate_and_a_503_when_to_come_back() {
        let (response, _) = shown(Kind::Unauthenticated.into()).await;
        assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer");
        let (response, _) = shown(Kind::Unavailable.into()).await;
        assert!(response.headers().contains_key(header::RETRY_AFTER));
    }
}
