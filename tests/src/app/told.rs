//! What was done, as far as a test was told.
//!
//! A server promises callers that they see what they were told themselves; what others were told they see a moment later.
//! A test knows of both, and does not want to wait for moments: its questions name the position of what others were told.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use reqwest::header::HeaderMap;

/// The last position that each caller of a test was told. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Told(Arc<Mutex<HashMap<String, u64>>>);

impl Told {
    /// The last position that anybody but the holder of this token was told.
    pub(super) fn others(&self, token: &str) -> Option<u64> {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.iter().filter(|(other, _)| *other != token).map(|(_, position)| *position).max()
    }

    /// Notes what the holder of this token was told with an answer.
    pub(super) fn note(&self, token: String, headers: &HeaderMap) {
        let position = headers.get("tidings-position").and_then(|position| position.to_str().ok()?.parse().ok());
        if let Some(position) = position {
            let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let last = told.entry(token).or_insert(position);
            *last = position.max(*last);
        }
    }
}
