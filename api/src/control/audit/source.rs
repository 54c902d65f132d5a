//! Where the log is read from.

use std::{path::Path, sync::Arc};

use tidings_event_store::{EventStore, Page, Position, RecordedEvent, StoreError, sqlite::LogFile};

use super::{OperationError, Report, Reports, failed, report};

const PAGE: usize = 1_000;
/// Progress is told once for so many pages.
const TELL_EVERY: u64 = 50;

/// A log.
pub enum Source {
    /// A file of the embedded store, as it lies.
    File(LogFile),
    /// A store, through its port.
    Store(Arc<dyn EventStore>),
}

impl Source {
    /// The log in this file.
    pub fn file(path: &Path) -> Result<Self, OperationError> {
        LogFile::open(path).map(Self::File).map_err(failed)
    }

    /// Reads it from its beginning.
    pub(super) const fn reading<'a>(&'a self, reports: &'a Reports) -> Reading<'a> {
        Reading { source: self, reports, at: Position::START, limit: PAGE, pages: 0, read: 0 }
    }

    async fn page(&self, after: Position, limit: usize) -> Result<Page, StoreError> {
        match self {
            Self::Store(store) => store.read_stored(after, limit).await,
            Self::File(file) => {
                let events = file.page(after, limit)?;
                let scanned_to = events.last().map_or(after, |event| event.position);
                Ok(Page { events, scanned_to })
            }
        }
    }
}

/// A reading under way.
pub(super) struct Reading<'a> {
    source: &'a Source,
    reports: &'a Reports,
    at: Position,
    limit: usize,
    pages: u64,
    read: u64,
}

impl Reading<'_> {
    /// The next events; none at the end. An event that cannot be read is named as closely as can be.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Arc<RecordedEvent>>>, OperationError> {
        let page = match self.source.page(self.at, self.limit).await {
            Ok(page) => page,
            // the events before the one that cannot be read are looked at all the same
            Err(_) if self.limit > 1 => {
                self.limit = 1;
                return Ok(Some(vec![]));
            }
            Err(error) => {
                return Err(OperationError::Failed(format!(
                    "what follows position {} cannot be read: {error}",
                    self.at
                )));
            }
        };
        if page.scanned_to <= self.at {
            return Ok(None);
        }
        self.at = page.scanned_to;
        self.pages += 1;
        self.read += page.events.len() as u64;
        if self.pages.is_multiple_of(TELL_EVERY) {
            let progress = Report::Progress { what: "events".to_owned(), done: self.read, total: None };
            report(self.reports, progress).await?;
        }
        Ok(Some(page.events))
    }
}
