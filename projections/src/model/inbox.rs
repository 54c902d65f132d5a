//! Inboxes and unread counts that many ask for again and again: shared, and shown once.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::{Conversation, InboxCursor, Page, UnreadSummary};

/// Something with the form in which it is shown, made by who shows it first and kept as long as it holds. Whoever shows it must
/// give it the same form.
#[derive(Debug)]
pub struct Shown<T> {
    /// What is shown.
    pub what: T,
    form: OnceLock<Bytes>,
}

impl<T> Shown<T> {
    /// Nobody has shown it yet.
    pub const fn new(what: T) -> Self {
        Self { what, form: OnceLock::new() }
    }

    /// As it is shown.
    pub fn form<E>(&self, make: impl FnOnce(&T) -> Result<Vec<u8>, E>) -> Result<Bytes, E> {
        if let Some(form) = self.form.get() {
            return Ok(form.clone());
        }
        let made = Bytes::from(make(&self.what)?);
        Ok(self.form.get_or_init(|| made).clone())
    }
}

/// The first page of an inbox.
pub type InboxPage = Shown<Page<Arc<Shown<Conversation>>, InboxCursor>>;

/// What is unread everywhere.
pub type UnreadCounts = Shown<UnreadSummary>;
