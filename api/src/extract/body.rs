//! JSON bodies, strictly: what cannot be parsed is 400, what breaks a rule is 422 and names every wrong member.

use std::error::Error as _;

use axum::{
    extract::{FromRequest, Request},
    http::header,
};
use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use tidings_domain::user::Change;

use crate::{
    problem::{Checks, FieldError, Kind, Problem, pointer},
    transport::TooSlow,
};

/// The longest body of a request: a message of 65,536 bytes with every one of them escaped, and room beside it.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// How much more is read of a longer one, and thrown away: a client that is still sending would not see the answer.
const MAX_DISCARDED_BYTES: usize = 16 * 1024 * 1024;

/// A request as it stands in JSON, with `deny_unknown_fields`, and the rules that make a valid one of it.
pub trait Checked: DeserializeOwned {
    /// What the handler works with.
    type Valid;

    /// Parses every member, noting all that are wrong; `None` only with a note.
    fn check(self, checks: &mut Checks) -> Option<Self::Valid>;
}

/// A valid JSON body.
#[derive(Debug, Clone, Copy)]
pub struct Body<T: Checked>(pub T::Valid);

impl<T: Checked, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        if !is_json(&request) {
            return Err(Kind::WrongMediaType.into());
        }
        let bytes = whole(request.into_body()).await?;
        valid(parse::<T>(&bytes)?).map(Self)
    }
}

/// A valid JSON body, or none at all.
#[derive(Debug, Clone, Copy)]
pub struct MaybeBody<T: Checked>(pub Option<T::Valid>);

impl<T: Checked, S: Send + Sync> FromRequest<S> for MaybeBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let json = is_json(&request);
        let bytes = whole(request.into_body()).await?;
        match (bytes.is_empty(), json) {
            (true, _) => Ok(Self(None)),
            (false, true) => parse::<Option<T>>(&bytes)?.map(valid).transpose().map(Self),
            (false, false) => Err(Kind::WrongMediaType.into()),
        }
    }
}

fn valid<T: Checked>(raw: T) -> Result<T::Valid, Problem> {
    let mut checks = Checks::default();
    let valid = raw.check(&mut checks);
    checks.finish(valid)
}

fn is_json(request: &Request) -> bool {
    let Some(Ok(text)) = request.headers().get(header::CONTENT_TYPE).map(|value| value.to_str()) else {
        return false;
    };
    let mut parts = text.split(';').map(str::trim);
    let json = parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"));
    json && parts.all(|parameter| match parameter.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        Some(_) | None => true,
    })
}

/// A whole body of at most [`MAX_BODY_BYTES`].
pub async fn whole(body: axum::body::Body) -> Result<Bytes, Problem> {
    let mut chunks = body.into_data_stream();
    // nearly always there is one chunk, which needs no copy
    let first = chunks.try_next().await.map_err(unreadable)?.unwrap_or_default();
    let (mut read, mut all) = (first.len(), BytesMut::from(first));
    while let Some(chunk) = chunks.try_next().await.map_err(unreadable)? {
        read += chunk.len();
        if read <= MAX_BODY_BYTES {
            all.extend_from_slice(&chunk);
        } else if read > MAX_BODY_BYTES + MAX_DISCARDED_BYTES {
            break;
        }
    }
    if read > MAX_BODY_BYTES {
        return Err(Problem::new(Kind::TooLarge, format!("the body may have at most {MAX_BODY_BYTES} bytes")));
    }
    Ok(all.freeze())
}

/// Why a body did not come whole.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub fn unreadable(error: axum::Error) -> Problem {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.is::<TooSlow>() {
            return Kind::TooSlow.into();
        }
        cause = inner.source();
    }
    Problem::new(Kind::MalformedRequest, "the body ended early")
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // serde would take a struct's members from an array as well, in the order in which they happen to be declared
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return Err(Problem::malformed("", "the body must be a JSON object"));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let parsed = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let at = pointer(error.path());
        unparsable(at, &error.into_inner())
    })?;
    json.end().map_err(|error| unparsable(String::new(), &error))?;
    Ok(parsed)
}

fn unparsable(at: String, error: &serde_json::Error) -> Problem {
    let sentence = error.to_string();
    // "missing field `x`" and "unknown field `x`" stand at the object: the pointer goes on to the member
    let member = |prefix: &str| sentence.strip_prefix(prefix).and_then(|rest| rest.split('`').next());
    if let Some(name) = member("missing field `") {
        return Problem::malformed(format!("{at}/{name}"), "is missing");
    }
    if let Some(name) = member("unknown field `") {
        let parent = at.strip_suffix(&format!("/{name}")).unwrap_or(&at);
        return Problem::malformed(format!("{parent}/{name}"), "is not known here");
    }
    if let Some(name) = member("duplicate field `") {
        let parent = at.strip_suffix(&format!("/{name}")).unwrap_or(&at);
        return Problem::malformed(format!("{parent}/{name}"), "stands twice");
    }
    if error.is_data() {
        return Problem::of_fields(Kind::MalformedRequest, vec![FieldError::new(at, sentence)]);
    }
    Problem::malformed(at, format!("the body is not JSON: {sentence}"))
}

/// A member that may be absent, but not `null` (with `#[serde(default)]`).
pub fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// Tells a member that is `null` from one that is absent (with `#[serde(default)]`).
pub fn change<'de, D, T>(deserializer: D) -> Result<Change<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(|value| value.map_or(Change::Clear, Change::Set))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse;
    use axum::{Router, body::to_bytes, routing::post};
    use serde_json::Value;
    use tidings_domain::values::{Password, Username};
    use tower::ServiceExt;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        username: String,
        password: String,
        #[serde(default)]
        tags: Vec<String>,
    }

    impl Checked for Sample {
        type Valid = (Username, Password, usize);

        fn check(self, checks: &mut Checks) -> Option<Self::Valid> {
            let username = checks.take("/username", Username::parse(&self.username));
            let password = checks.take("/password", Password::parse(self.password));
            Some((username?, password?, self.tags.len()))
        }
    }

    async fn post_as(content_type: &str, body: &str) -> (u16, String) {
        let app = Router::new()
            .route("/", post(|Body((name, _, _)): Body<Sample>| async move { name.into_string().into_response() }));
        let body = axum::body::Body::from(body.to_owned());
        let request = Request::post("/").header("content-type", content_type).body(body).unwrap();
        let response = app.oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = to_bytes(response.into_body(), 10_000).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let pointers = serde_json::from_str::<Value>(&text).ok().and_then(|problem| {
            let errors = problem["errors"].as_array()?;
            Some(errors.iter().filter_map(|error| error["pointer"].as_str()).collect::<Vec<_>>().join(" "))
        });
        (status, pointers.unwrap_or(text))
    }

    async fn posted(body: &str) -> (u16, String) {
        post_as("application/json", body).await
    }

    #[tokio::test]
    async fn a_valid_body_is_parsed() {
        let body = r#"{"username": "Ada", "password": "correct horse"}"#;
        assert_eq!(posted(body).await, (200, "ada".to_owned()));
        assert_eq!(post_as("Application/JSON; charset=UTF-8", body).await.0, 200);
    }

    #[tokio::test]
    async fn a_body_that_cannot_be_parsed_is_400_and_names_the_member() {
        for (body, at) in [
            ("", ""),
            ("{", ""),
            ("[]", ""),
            (r#" ["ada", "correct horse"]"#, ""),
            ("{} {}", "/username"),
            (r#"{"username": "ada"}"#, "/password"),
            (r#"{"username": 1, "password": "x"}"#, "/username"),
            (r#"{"username": null, "password": "x"}"#, "/username"),
            (r#"{"username": "ada", "password": "x", "tags": ["a", 2]}"#, "/tags/1"),
            (r#"{"username": "ada", "password": "x", "admin": true}"#, "/admin"),
            (r#"{"username": "ada", "username": "bob", "password": "x"}"#, "/username"),
        ] {
            assert_eq!(posted(body).await, (400, at.to_owned()), "{body}");
        }
        let twice = r#"{"username": "ada", "password": "correct horse"} x"#;
        assert_eq!(posted(twice).await.0, 400);
    }

    #[tokio::test]
    async fn all_members_that_break_a_rule_are_named_at_once() {
        let (status, at) = posted(r#"{"username": "a", "password": "short"}"#).await;
        assert_eq!((status, at.as_str()), (422, "/username /password"));
    }

    #[tokio::test]
    async fn another_media_type_is_415_and_too_long_a_body_413() {
        for wrong in ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", ""] {
            assert_eq!(post_as(wrong, "{}").await.0, 415, "{wrong}");
        }
        assert_eq!(posted(&format!("\"{}\"", "x".repeat(MAX_BODY_BYTES))).await.0, 413);
    }
}
