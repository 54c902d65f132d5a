//! One JWT check (HS256), as any server with accounts must make it.

use super::Reference;
use crate::error::BenchError;
use axum::extract::FromRequestParts;
use axum::http::{StatusCode, header, request::Parts};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Signs tokens of the reference only, which serves made data on the loopback interface.
const SECRET: &[u8] = b"the reference server of the benchmark, never of anything else";

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: u32,
    exp: u64,
}

/// A token for the user of this number, valid for a day.
pub(crate) fn token(user: u32) -> Result<String, BenchError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let claims = Claims { sub: user, exp: now + 86_400 };
    Ok(jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(SECRET))?)
}

/// What checking a token needs, made once.
pub(crate) struct Verifier {
    key: DecodingKey,
    validation: Validation,
}

impl Verifier {
    pub(crate) fn new() -> Self {
        Self { key: DecodingKey::from_secret(SECRET), validation: Validation::new(Algorithm::HS256) }
    }
}

/// The number of the user who asks.
pub(crate) struct Caller(pub(crate) u32);

impl FromRequestParts<Arc<Reference>> for Caller {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<Reference>) -> Result<Self, StatusCode> {
        let value = parts.headers.get(header::AUTHORIZATION).ok_or(StatusCode::UNAUTHORIZED)?;
        let token = value.as_bytes().strip_prefix(b"Bearer ").ok_or(StatusCode::UNAUTHORIZED)?;
        let verifier = &state.verifier;
        let data = jsonwebtoken::decode::<Claims>(token, &verifier.key, &verifier.validation)
            .map_err(|_| StatusCode::UNAUTHORIZED)?;
        Ok(Self(data.claims.sub))
    }
}
