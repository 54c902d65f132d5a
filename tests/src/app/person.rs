//! Somebody with an account, signed in.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Call, Live, TestApp};

/// The password everybody has unless a story is about passwords.
pub const PASSWORD: &str = "correct horse battery staple";

/// One account in one session.
#[derive(Debug, Clone)]
pub struct Person {
    /// The server they talk to.
    pub app: TestApp,
    /// The account's id.
    pub id: String,
    /// The account's username.
    pub username: String,
    /// The session's id.
    pub session: String,
    /// What authenticates their requests.
    pub access_token: String,
    /// What gets the next pair.
    pub refresh_token: String,
}

impl Person {
    /// Who signed in with this answer.
    #[track_caller]
    pub(super) fn of(app: TestApp, session: &Value) -> Self {
        let text =
            |value: &Value| value.as_str().unwrap_or_else(|| panic!("a session lacks something: {session}")).to_owned();
        assert_eq!((&session["token_type"], &session["expires_in"]), (&json!("Bearer"), &json!(300)));
        Self {
            app,
            id: text(&session["user"]["id"]),
            username: text(&session["user"]["username"]),
            session: text(&session["session_id"]),
            access_token: text(&session["access_token"]),
            refresh_token: text(&session["refresh_token"]),
        }
    }

    #[track_caller]
    pub(super) fn expecting_user(self, user: &Value) -> Self {
        assert_eq!((&json!(self.id), &json!(self.username)), (&user["id"], &user["username"]));
        self
    }

    /// The same session at another node.
    pub fn at(&self, node: &TestApp) -> Self {
        Self { app: node.clone(), ..self.clone() }
    }

    /// The same account in another session.
    pub async fn again(&self) -> Self {
        self.app.sign_in(&self.username, PASSWORD).await
    }

    /// Exchanges the refresh token, for stories that last longer than an access token.
    pub async fn refreshed(&self) -> Self {
        let body = json!({"refresh_token": self.refresh_token});
        let pair = self.app.post("/v1/sessions/refresh", body).await.expect(200);
        Self {
            access_token: pair.text_of("access_token"),
            refresh_token: pair.text_of("refresh_token"),
            ..self.clone()
        }
    }

    /// Any request on their behalf.
    pub fn call(&self, method: Method, path: impl Into<String>) -> Call {
        self.app.call(method, path).token(&self.access_token)
    }

    /// `GET`.
    pub fn get(&self, path: impl Into<String>) -> Call {
        self.call(Method::GET, path)
    }

    /// `POST`, with a body or `None`.
    pub fn post(&self, path: impl Into<String>, body: impl Into<Option<Value>>) -> Call {
        self.with_body(Method::POST, path, body)
    }

    /// `PUT`, with a body or `None`.
    pub fn put(&self, path: impl Into<String>, body: impl Into<Option<Value>>) -> Call {
        self.with_body(Method::PUT, path, body)
    }

    /// `PATCH`, with a body or `None`.
    pub fn patch(&self, path: impl Into<String>, body: impl Into<Option<Value>>) -> Call {
        self.with_body(Method::PATCH, path, body)
    }

    /// `DELETE`.
    pub fn delete(&self, path: impl Into<String>) -> Call {
        self.call(Method::DELETE, path)
    }

    fn with_body(&self, method: Method, path: impl Into<String>, body: impl Into<Option<Value>>) -> Call {
        let call = self.call(method, path);
        match body.into() {
            Some(body) => call.json(body),
            None => call,
        }
    }

    /// Their live stream, from now on.
    pub async fn live(&self) -> Live {
        Live::open(self.get("/v1/live")).await
    }

    /// Their live stream from after a position on.
    pub async fn live_after(&self, position: u64) -> Live {
        Live::open(self.get(format!("/v1/live?after={position}"))).await
    }

    /// Their live stream, as a client goes on that lost it.
    pub async fn live_since(&self, last_event_id: &str) -> Live {
        Live::open(self.get("/v1/live").header("last-event-id", last_event_id)).await
    }
}
