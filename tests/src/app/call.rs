//! One request, made when it is awaited.

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
    time::{Duration, Instant},
};

use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

use super::{Answer, told::Told};

const MIN_POSITION: &str = "tidings-min-position";
/// A server that sends nothing for so long hangs, and the test is to fail rather than to wait for ever. Live streams that have
/// nothing to tell send a sign of life far more often.
const SILENCE: Duration = Duration::from_mins(3);

/// How long views may stand still before the test fails. Never decides anything else.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whoever makes the requests of a test.
pub(super) fn client() -> Client {
    Client::builder().read_timeout(SILENCE).build().expect("a plain client")
}

/// A request to be made: `ada.put(path, None).key("k-1").await`.
#[derive(Debug)]
#[must_use = "a call is made when it is awaited"]
pub struct Call {
    request: RequestBuilder,
    named: String,
    /// On whose behalf.
    token: String,
    told: Told,
    /// Whether it is to see what others were told of: a question that does not say itself what it is to see.
    sees_others: bool,
}

impl Call {
    pub(super) fn new(http: &Client, method: Method, base: &str, path: String, told: Told) -> Self {
        let (named, sees_others) = (format!("{method} {path}"), method == Method::GET);
        let request = http.request(method, format!("{base}{path}"));
        Self { request, named, token: String::new(), told, sees_others }
    }

    /// With this body.
    pub fn json(self, body: Value) -> Self {
        let named = format!("{} {}", self.named, shortened(&body.to_string()));
        Self { request: self.request.json(&body), named, ..self }
    }

    /// With these bytes as its body.
    pub fn bytes(self, content_type: &str, body: impl Into<reqwest::Body>) -> Self {
        Self { request: self.request.header("content-type", content_type).body(body), ..self }
    }

    /// With this header.
    pub fn header(self, name: &str, value: impl ToString) -> Self {
        let sees_others = self.sees_others && !name.eq_ignore_ascii_case(MIN_POSITION);
        Self { request: self.request.header(name, value.to_string()), sees_others, ..self }
    }

    /// With this idempotency key.
    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    /// On behalf of whoever holds this token.
    pub fn token(self, token: &str) -> Self {
        let token = token.to_owned();
        Self { token: token.clone(), ..self.header("authorization", format!("Bearer {token}")) }
    }

    /// The answer, or why there is none: for servers that are being killed.
    pub async fn attempt(self) -> Result<Answer, reqwest::Error> {
        let (named, token, told) = (self.named.clone(), self.token.clone(), self.told.clone());
        let response = self.sent().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        told.note(token, &headers);
        let bytes = response.bytes().await?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let json = serde_json::from_slice(&bytes).unwrap_or_default();
        Ok(Answer { status, headers, json, text, bytes, request: named })
    }

    /// The status alone, for answers that may have no end.
    pub async fn status(self) -> u16 {
        self.open().await.status().as_u16()
    }

    /// The response as it comes, for streams.
    pub(super) async fn open(self) -> reqwest::Response {
        let named = self.named.clone();
        self.sent().await.unwrap_or_else(|error| panic!("{named}: {error}"))
    }

    /// The same question, to be asked again where views stood still for longer than a server lets somebody wait; nothing where
    /// the test says itself what is to be seen.
    fn again(&self) -> Option<Self> {
        let Self { request, named, token, told, sees_others } = self;
        let request = request.try_clone().filter(|_| *sees_others)?;
        Some(Self { request, named: named.clone(), token: token.clone(), told: told.clone(), sees_others: true })
    }

    async fn sent(self) -> Result<reqwest::Response, reqwest::Error> {
        let Self { mut request, token, told, sees_others, .. } = self;
        if let Some(position) = told.others(&token).filter(|_| sees_others) {
            request = request.header(MIN_POSITION, position);
        }
        request.send().await
    }
}

impl IntoFuture for Call {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (begun, mut call) = (Instant::now(), self);
            loop {
                let (named, again) = (call.named.clone(), call.again());
                let answer = call.attempt().await.unwrap_or_else(|error| panic!("{named}: no answer: {error:?}"));
                match again.filter(|_| answer.is_not_yet_visible() && begun.elapsed() < PATIENCE) {
                    Some(again) => call = again,
                    None => return answer,
                }
            }
        })
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(300).collect()
}
