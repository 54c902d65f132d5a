//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header).

use axum::http::HeaderMap;

use crate::problem::{Kind, Problem};

/// The header's name.
pub(super) const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// A key that its caller uses for one request: 1–255 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The request's key, if it has one.
    pub fn of(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let wrong = || {
            Problem::new(Kind::MalformedRequest, "the header Idempotency-Key must be 1 to 255 visible ASCII characters")
        };
        let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(value) = values.next() else { return Ok(None) };
        let key = value.to_str().map_err(|_| wrong())?;
        let visible = (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        if visible && values.next().is_none() { Ok(Some(Self(key.to_owned()))) } else { Err(wrong()) }
    }

    /// The key's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(value: &str) -> Result<Option<IdempotencyKey>, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(IDEMPOTENCY_KEY, value.parse().unwrap());
        IdempotencyKey::of(&headers)
    }

    #[test]
    fn a_key_is_visible_ascii() {
        assert_eq!(IdempotencyKey::of(&HeaderMap::new()).unwrap(), None);
        assert_eq!(key("a1-!").unwrap().unwrap().as_str(), "a1-!");
        assert!(key(&"x".repeat(255)).is_ok());
        for wrong in ["", "a b", "ä", &"x".repeat(256)] {
            assert!(key(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn two_keys_are_one_too_many() {
        let mut headers = HeaderMap::new();
        headers.append(IDEMPOTENCY_KEY, "a".parse().unwrap());
        headers.append(IDEMPOTENCY_KEY, "b".parse().unwrap());
        assert!(IdempotencyKey::of(&headers).is_err());
    }
}
