//! Requests as bytes.

use serde_json::Value;

/// A GET with a bearer token.
pub(crate) fn get(path: &str, token: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n\r\n").into_bytes()
}

/// A POST of JSON, with a bearer token where there is one.
pub(crate) fn post(path: &str, token: Option<&str>, body: &Value) -> Vec<u8> {
    with_body("POST", path, token, body)
}

/// A PUT of JSON, with a bearer token.
pub(crate) fn put(path: &str, token: &str, body: &Value) -> Vec<u8> {
    with_body("PUT", path, Some(token), body)
}

fn with_body(method: &str, path: &str, token: Option<&str>, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let authorization = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{authorization}content-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}
