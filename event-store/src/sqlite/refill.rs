//! Filling an empty file with the events of another log.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;

use super::{
    batch::{Batch, Row},
    file::{HeldFile, OpenError},
    insert::Tables,
    schema,
    session::{Session, Stream},
};
use crate::{
    port::{Position, StoreError},
    refill::{KeptEvent, Refill, go_on},
};

/// A file that is being filled.
#[derive(Debug)]
pub struct SqliteRefill {
    session: Session,
    tables: Tables,
    // Last: nobody else may come in before all else is gone.
    _file: HeldFile,
}

fn unavailable(error: impl std::fmt::Display) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

impl SqliteRefill {
    /// Takes hold of the file, and makes it when it is not there; its directory must be.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let file = HeldFile::take(path, schema::KIND)?;
        Ok(Self { session: schema::prepare(path, Arc::default())?, tables: Tables::new(), _file: file })
    }

    fn add(&mut self, kept: &KeptEvent, batch: &mut Batch) -> Result<(), StoreError> {
        let event = &kept.event;
        let known = self.session.stream(&event.stream).map_err(unavailable)?;
        let mut stream = known.unwrap_or_else(|| {
            let id = self.session.next_stream();
            batch.new_streams.push((id, event.stream.clone()));
            Stream { id, version: 0 }
        });
        stream.version += 1;
        if stream.version != event.version {
            let why = format!("{} has version {} where {} must come", event.stream, event.version, stream.version);
            return Err(StoreError::Corrupt(why));
        }
        let position = self.session.next_position();
        batch.commands.extend(kept.command.map(|command| (command, position)));
        batch.rows.push(Row { stream: stream.id, event: event.clone() });
        self.session.remember(event.stream.clone(), stream);
        Ok(())
    }
}

#[async_trait]
impl Refill for SqliteRefill {
    fn head(&self) -> Position {
        self.session.head
    }

    async fn fill(&mut self, events: &[KeptEvent]) -> Result<(), StoreError> {
        go_on(self.session.head, events)?;
        let mut batch = Batch::default();
        for kept in events {
            self.add(kept, &mut batch)?;
        }
        batch.commands.sort_unstable_by_key(|(command, _)| command.id);
        self.tables.write(&mut self.session, &batch, &[]).map_err(unavailable)
    }

    async fn finish(mut self: Box<Self>) -> Result<(), StoreError> {
        self.tables.settle(&mut self.session).map_err(unavailable)?;
        self.session.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").map_err(unavailable)
    }
}
