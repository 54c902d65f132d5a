//! A client for setting up and checking: one connection, JSON in and out.

use crate::error::BenchError;
use crate::load::Connection;
use serde_json::Value;
use std::net::SocketAddr;

pub(crate) struct Client(Connection);

/// A successful answer.
pub(crate) struct Reply {
    pub(crate) body: Value,
    /// `Tidings-Position`, on answers whose request appended events.
    pub(crate) position: Option<u64>,
}

impl Client {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self, BenchError> {
        Ok(Self(Connection::open(address).await?))
    }

    /// The answer's JSON; anything but a 2xx is an error.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> Result<Reply, BenchError> {
        let answer = self.0.exchange(request).await?;
        if !answer.is_success() {
            return Err(answer.unexpected(request));
        }
        let position = answer.header("tidings-position").and_then(|value| value.parse().ok());
        let body = if answer.body.is_empty() { Value::Null } else { serde_json::from_slice(answer.body)? };
        Ok(Reply { body, position })
    }

    /// The status alone, of an answer of any kind.
    pub(crate) async fn status(&mut self, request: &[u8]) -> Result<u16, BenchError> {
        Ok(self.0.exchange(request).await?.status)
    }
}

impl Reply {
    /// A text member of the answer.
    pub(crate) fn text(&self, member: &str) -> Result<String, BenchError> {
        let text = self.body.get(member).and_then(Value::as_str);
        text.map(String::from).ok_or_else(|| BenchError::Check(format!("an answer without {member}: {}", self.body)))
    }
}
