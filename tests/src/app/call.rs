//! One request, made when it is awaited.

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
};

use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

use super::Answer;

/// A request to be made: `ada.put(path, None).key("k-1").await`.
#[derive(Debug)]
#[must_use = "a call is made when it is awaited"]
pub struct Call {
    request: RequestBuilder,
    named: String,
}

impl Call {
    pub(super) fn new(http: &Client, method: Method, base: &str, path: String) -> Self {
        let named = format!("{method} {path}");
        Self { request: http.request(method, format!("{base}{path}")), named }
    }

    /// With this body.
    pub fn json(self, body: Value) -> Self {
        let named = format!("{} {}", self.named, shortened(&body.to_string()));
        Self { request: self.request.json(&body), named }
    }

    /// With these bytes as its body.
    pub fn bytes(self, content_type: &str, body: impl Into<reqwest::Body>) -> Self {
        Self { request: self.request.header("content-type", content_type).body(body), ..self }
    }

    /// With this header.
    pub fn header(self, name: &str, value: impl ToString) -> Self {
        Self { request: self.request.header(name, value.to_string()), ..self }
    }

    /// With this idempotency key.
    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    /// On behalf of whoever holds this token.
    pub fn token(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// The answer, or why there is none: for servers that are being killed.
    pub async fn attempt(self) -> Result<Answer, reqwest::Error> {
        let Self { request, named } = self;
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        let json = serde_json::from_str(&text).unwrap_or_default();
        Ok(Answer { status, headers, json, text, request: named })
    }

    /// The response as it comes, for streams.
    pub(super) async fn open(self) -> reqwest::Response {
        let named = self.named;
        self.request.send().await.unwrap_or_else(|error| panic!("{named}: {error}"))
    }
}

impl IntoFuture for Call {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let named = self.named.clone();
            self.attempt().await.unwrap_or_else(|error| panic!("{named}: no answer: {error:?}"))
        })
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(300).collect()
}
