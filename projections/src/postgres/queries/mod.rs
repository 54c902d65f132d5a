//! The questions, over PostgreSQL: each in a few statements, however many rows it takes.

mod about_conversations;
mod about_people;
mod accesses;
mod attachments;
mod contacts;
mod conversations;
mod erasures;
mod messages;
mod people;
mod pinned;
mod receipts;
mod received;
mod scheduled;
mod search;
mod viewer;
mod webhooks;

use std::sync::Arc;

use super::reading::{Failed, Reading, Snapshot};
use crate::measuring::Measured;

/// Answers from whatever generations serve.
pub(super) struct PostgresQueries {
    reading: Arc<Reading>,
}

impl PostgresQueries {
    pub(super) const fn new(reading: Arc<Reading>) -> Self {
        Self { reading }
    }
}

/// Asks one statement, or several that see the same moment; again where a swap or a lost server was in the way.
macro_rules! ask {
    (one $self:ident, $db:ident => $question:expr) => {
        ask!($self, false, $db => $question)
    };
    (several $self:ident, $db:ident => $question:expr) => {
        ask!($self, true, $db => $question)
    };
    ($self:ident, $several:expr, $db:ident => $question:expr) => {{
        let measured = Measured::within(&|| ());
        let mut tries = 0;
        loop {
            let failed = match $self.reading.snapshot($several).await {
                Ok(mut snapshot) => {
                    let $db: &mut Snapshot = &mut snapshot;
                    match $question.await {
                        Ok(answer) => {
                            measured.answered();
                            return Ok(answer);
                        }
                        Err(error) => Failed { error: error.into(), on_replica: snapshot.on_replica() },
                    }
                }
                Err(failed) => failed,
            };
            $self.reading.again(failed, &mut tries).await?;
        }
    }};
}
use ask;
