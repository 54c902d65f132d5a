//! Answers in JSON, made in plain vectors: `axum::Json` writes into a buffer that grows, through two layers of writers, which
//! costs a call for every few bytes.

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::problem::{Kind, Problem};

/// Most answers are not larger.
const LIKELY_BYTES: usize = 1024;

/// A body in JSON.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        in_json(&self.0).map_or_else(Problem::into_response, |json| json_response(json.into()))
    }
}

/// Something in JSON.
pub fn in_json<T: Serialize>(value: &T) -> Result<Vec<u8>, Problem> {
    let mut json = Vec::with_capacity(LIKELY_BYTES);
    serde_json::to_writer(&mut json, value).map_err(|error| Problem::new(Kind::Internal, error.to_string()))?;
    Ok(json)
}

/// 200 with JSON that is made.
pub fn json_response(json: Bytes) -> Response {
    let mut response = Response::new(Body::from(json));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
