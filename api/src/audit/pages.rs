//! Recorded events in pages: so many at most, and so much of the log looked at.

use std::sync::Arc;

use tidings_event_store::{EventStore, Position, RecordedEvent, StoreError};

use super::{Audit, Wanted, times::position_at};
use crate::problem::Problem;

/// Events read at a time.
const PAGE: usize = 500;
/// So much of the log is looked at for one answer, however little of it is wanted.
const MOST_LOOKED_AT: usize = 20_000;
/// A clock that is set back by no more than this makes no answer lack anything.
const CLOCKS_DIFFER: i64 = 60_000;

/// Which part of the log is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// What stands here was read.
    pub after: Position,
    /// What stands behind this is not read.
    pub until: Position,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// In the order of the log.
    pub events: Vec<Arc<RecordedEvent>>,
    /// Where it goes on; none at the end.
    pub next: Option<Position>,
}

impl Audit {
    /// The part of the log as it is now in which what is wanted may stand.
    pub async fn bounds(&self, wanted: &Wanted) -> Result<Bounds, Problem> {
        let head = self.head().await?;
        let near = |at: Option<tidings_domain::Timestamp>, by: i64| at.map(|at| at.plus_millis(by));
        let after = match near(wanted.since, -CLOCKS_DIFFER) {
            Some(since) => position_at(&*self.store, since.plus_millis(-1), head).await?,
            None => Position::START,
        };
        let until = match near(wanted.until, CLOCKS_DIFFER) {
            Some(until) => position_at(&*self.store, until, head).await?,
            None => head,
        };
        Ok(Bounds { after, until })
    }

    /// What of a part is wanted, at most so many events. It may go on though few, or none, were found.
    pub async fn find(&self, wanted: &Wanted, part: Bounds, limit: usize) -> Result<Found, Problem> {
        let (mut found, mut after, mut looked_at) = (Found::default(), part.after, 0);
        while after < part.until {
            let read = next(&*self.store, wanted, Bounds { after, ..part }, PAGE).await?;
            for event in read.events {
                if found.events.len() == limit {
                    found.next = found.events.last().map(|last| last.position);
                    return Ok(found);
                }
                found.events.push(event);
            }
            after = match read.next {
                Some(next) => next,
                None => return Ok(found),
            };
            looked_at += PAGE;
            if looked_at >= MOST_LOOKED_AT {
                found.next = Some(after);
                return Ok(found);
            }
            tokio::task::yield_now().await;
        }
        Ok(found)
    }

    /// The next few of a part that are wanted, perhaps none.
    pub(super) async fn next_of(&self, wanted: &Wanted, part: Bounds, page: usize) -> Result<Found, Problem> {
        Ok(next(&*self.store, wanted, part, page).await?)
    }
}

async fn next(store: &dyn EventStore, wanted: &Wanted, part: Bounds, page: usize) -> Result<Found, StoreError> {
    let read = store.read_all(part.after, &wanted.filter(), page).await?;
    let inside = read.events.into_iter().filter(|event| event.position <= part.until && wanted.admits(event));
    let goes_on = read.scanned_to > part.after && read.scanned_to < part.until;
    Ok(Found { events: inside.collect(), next: goes_on.then_some(read.scanned_to) })
}
