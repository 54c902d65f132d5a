//! What can end a benchmark early. Every failure ends it: a figure from a run with errors in it means nothing.

use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    #[error("input or output failed: {0}")]
    Io(#[from] std::io::Error),
    #[error("{path}: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("SQLite: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("PostgreSQL: {0}")]
    Postgres(#[from] sqlx::Error),
    #[error("token: {0}")]
    Token(#[from] jsonwebtoken::errors::Error),
    #[error("{request} was answered {status}: {body}")]
    Answer { request: String, status: u16, body: String },
    #[error("no HTTP/1.1 answer with a length: {0}")]
    Protocol(&'static str),
    #[error("{program} ended with {status}; its log is {log}")]
    Ended { program: String, status: String, log: PathBuf },
    #[error("{program} did not say where it listens within {seconds} s; its log is {log}")]
    Silent { program: String, seconds: u64, log: PathBuf },
    #[error("{0}")]
    Check(String),
}
