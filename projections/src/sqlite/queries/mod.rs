//! The questions, over SQLite.

mod about_conversations;
mod about_people;
mod accesses;
mod attachments;
mod contacts;
mod conversations;
mod erasures;
mod inbox;
mod messages;
mod outside;
mod people;
mod receipts;
mod received;
mod scheduled;
mod search;
mod stretch;
mod viewer;
mod webhooks;

use std::sync::Arc;

use super::pool::Pool;
use crate::{measuring::Measured, queries::Answer};

pub(super) use outside::{conversation_of, messages_of};

/// Answers from whatever generations serve.
pub(super) struct SqliteQueries {
    pool: Arc<Pool>,
}

impl SqliteQueries {
    pub(super) const fn new(pool: Arc<Pool>) -> Self {
        Self { pool }
    }

    fn read<T>(&self, question: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T>) -> Answer<T> {
        let measured = Measured::within(&question);
        let answer = self.pool.read(|db| Ok(question(db)?))?;
        measured.answered();
        Ok(answer)
    }
}
