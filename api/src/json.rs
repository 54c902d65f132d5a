//! Answers in JSON.

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::problem::{Kind, Problem};

/// Most answers are not larger.
const LIKELY_BYTES: usize = 512;

/// A body in JSON, as `axum::Json` makes it. That one writes into a `BytesMut`, piece by piece through two layers of writers,
/// which costs several times what it costs to write into a vector.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        let mut bytes = Vec::with_capacity(LIKELY_BYTES);
        match serde_json::to_writer(&mut bytes, &self.0) {
            Ok(()) => {
                let kind = HeaderValue::from_static("application/json");
                ([(header::CONTENT_TYPE, kind)], bytes).into_response()
            }
            Err(error) => Problem::new(Kind::Internal, error.to_string()).into_response(),
        }
    }
}
