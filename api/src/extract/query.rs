//! Query parameters: a bad value is 400 and named, an unknown parameter is ignored.

use std::{fmt::Display, str::FromStr};

use axum::{extract::FromRequestParts, http::request::Parts};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error},
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type, schema::SchemaType},
};

use crate::problem::{Problem, pointer};

/// The parameters of a query.
#[derive(Debug, Clone, Copy)]
pub struct InQuery<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for InQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        parse(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

fn parse<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    serde_path_to_error::deserialize(pairs).map_err(|error| {
        let at = pointer(error.path());
        let sentence = error.into_inner().to_string();
        let member = |prefix: &str| sentence.strip_prefix(prefix).and_then(|rest| rest.split('`').next());
        if let Some(name) = member("missing field `") {
            return Problem::malformed(format!("/{name}"), "is missing");
        }
        if let Some(name) = member("duplicate field `") {
            return Problem::malformed(format!("/{name}"), "stands twice");
        }
        Problem::malformed(at, sentence)
    })
}

/// A parameter that parses from text, for `#[serde(default, deserialize_with = "parsed")]`.
pub fn parsed<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    let text = Option::<std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
    text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
}

/// How many items a page has: 1–100, 20 unless it says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(pub usize);

impl Default for Limit {
    fn default() -> Self {
        Self(20)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // one spelling: "007" and "+7" are no limits
        let limit = text.parse().ok().filter(|limit: &usize| limit.to_string() == text);
        match limit {
            Some(limit @ 1..=100) => Ok(Self(limit)),
            Some(_) | None => Err(D::Error::custom("must be a number from 1 to 100")),
        }
    }
}

impl PartialSchema for Limit {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::Integer))
            .minimum(Some(1))
            .maximum(Some(100))
            .default(Some(20.into()))
            .into()
    }
}

impl ToSchema for Limit {}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings_domain::Timestamp;

    #[derive(Debug, Deserialize)]
    struct Sample {
        #[serde(default)]
        limit: Limit,
        unread: Option<bool>,
        #[serde(default, deserialize_with = "parsed")]
        since: Option<Timestamp>,
    }

    fn refused(query: &str) -> String {
        let problem = parse::<Sample>(query).unwrap_err();
        assert_eq!(problem.kind(), crate::problem::Kind::MalformedRequest);
        problem.to_string()
    }

    #[test]
    fn parameters_are_parsed_and_unknown_ones_ignored() {
        let sample: Sample = parse("unread=true&since=2026-01-01T00:00:00Z&page=7").unwrap();
        assert_eq!((sample.limit, sample.unread), (Limit(20), Some(true)));
        assert!(sample.since.is_some());
        assert_eq!(parse::<Sample>("limit=100").unwrap().limit, Limit(100));
    }

    #[test]
    fn a_bad_value_is_named() {
        for wrong in ["limit=0", "limit=101", "limit=-1", "limit=x", "limit=", "limit=1.5", "limit=+7", "limit=007"] {
            assert!(refused(wrong).starts_with("/limit"), "{wrong}: {}", refused(wrong));
        }
        assert!(refused("unread=maybe").starts_with("/unread"));
        assert!(refused("since=yesterday").starts_with("/since"));
        assert!(refused("unread=true&unread=false").starts_with("/unread"));
    }
}
