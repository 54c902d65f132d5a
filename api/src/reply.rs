//! Answers of routes that carry out commands: with the position of what was appended, and whether it was replayed.

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tidings_commands::Outcome;
use tidings_domain::MessageId;
use tidings_event_store::Position;

use crate::{json::Json, problem::status::success};

/// The position of the last event that the request appended.
pub const TIDINGS_POSITION: HeaderName = HeaderName::from_static("tidings-position");
/// The position as of which an answer was asked for.
pub const TIDINGS_AS_OF: HeaderName = HeaderName::from_static("tidings-as-of");
/// `true` on an answer given before under the same idempotency key.
pub const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Marks an answer that its handler makes again from the command's own events: it needs no remembering.
#[derive(Debug, Clone, Copy)]
pub struct MadeFromEvents;

/// Marks an answer that shows the text of a message: it is kept no longer than that.
#[derive(Debug, Clone, Copy)]
pub struct ShowsMessage(pub MessageId);

/// An answer to a command.
#[derive(Debug)]
pub struct Reply<T> {
    status: StatusCode,
    body: T,
    location: Option<String>,
    cookies: Vec<HeaderValue>,
    position: Option<Position>,
    replayed: bool,
    from_events: bool,
    shows: Option<MessageId>,
}

impl<T> Reply<T> {
    /// 200 with a body.
    pub fn ok<V>(outcome: &Outcome<V>, body: T) -> Self {
        Self {
            status: success::OK,
            body,
            location: None,
            cookies: vec![],
            position: outcome.position,
            replayed: outcome.replayed,
            from_events: false,
            shows: None,
        }
    }

    /// 201 with a body, and where the new thing is.
    pub fn created<V>(outcome: &Outcome<V>, location: String, body: T) -> Self {
        Self { status: success::CREATED, location: Some(location), ..Self::ok(outcome, body) }
    }

    /// 202 with a body: it goes on.
    pub fn accepted<V>(outcome: &Outcome<V>, body: T) -> Self {
        Self { status: success::ACCEPTED, ..Self::ok(outcome, body) }
    }

    /// Says where that is.
    #[must_use]
    pub fn at(self, location: String) -> Self {
        Self { location: Some(location), ..self }
    }

    /// Says that the body follows from the command's events alone, so that it comes out the same every time.
    #[must_use]
    pub fn from_events(self) -> Self {
        Self { from_events: true, ..self }
    }

    /// Says whose text the body shows.
    #[must_use]
    pub fn showing(self, message: Option<MessageId>) -> Self {
        Self { shows: message, ..self }
    }

    /// Sets a cookie more.
    #[must_use]
    pub fn with_cookie(mut self, cookie: HeaderValue) -> Self {
        self.cookies.push(cookie);
        self
    }
}

impl Reply<()> {
    /// 204.
    pub fn no_content<V>(outcome: &Outcome<V>) -> Self {
        Self { status: success::NO_CONTENT, ..Self::ok(outcome, ()) }
    }
}

impl<T: Serialize> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        let mut response = if self.status == success::NO_CONTENT {
            self.status.into_response()
        } else {
            (self.status, Json(self.body)).into_response()
        };
        let headers = response.headers_mut();
        if let Some(location) = self.location.and_then(|location| HeaderValue::from_str(&location).ok()) {
            headers.insert(header::LOCATION, location);
        }
        for cookie in self.cookies {
            headers.append(header::SET_COOKIE, cookie);
        }
        if let Some(position) = self.position {
            headers.insert(TIDINGS_POSITION, position.get().into());
        }
        if self.replayed {
            headers.insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
        }
        if self.from_events {
            response.extensions_mut().insert(MadeFromEvents);
        }
        if let Some(message) = self.shows {
            response.extensions_mut().insert(ShowsMessage(message));
        }
        response
    }
}
