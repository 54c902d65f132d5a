//! The log as it lies in a file, for verifiers: a copy, or the file of a server that writes on. Takes hold of nothing,
//! changes nothing, and expects nothing of what it finds.

use std::{path::Path, sync::Arc};

use super::{
    file::{self, OpenError},
    read::{self, Reads},
    schema,
};
use crate::port::{Position, RecordedEvent, StoreError};

/// A log's file, to look at.
#[derive(Debug)]
pub struct LogFile(Reads);

impl LogFile {
    /// Looks whether the file is a log.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        if !path.is_file() {
            return Err(OpenError::Unusable { path: path.to_owned(), reason: "it is not there".to_owned() });
        }
        file::probe(path, schema::KIND)?;
        Ok(Self(Reads::new(path.to_owned())))
    }

    /// The events after a position that are there, at most `limit` of them. Fails when one of them cannot be read.
    pub fn page(&self, after: Position, limit: usize) -> Result<Vec<Arc<RecordedEvent>>, StoreError> {
        self.0.with(|connection| read::whatever_is_there(connection, after, limit))
    }
}
