//! Pages of the log in either direction. Stores read forwards only: backwards goes in windows.

use std::sync::Arc;

use tidings_domain::StreamName;
use tidings_event_store::{EventStore, Filter, Position, RecordedEvent};
use tonic::Status;

use crate::{
    PAGE,
    proto::event_store::client::streams::read_req::options::ReadDirection,
    request::{From, Target},
    status::asked,
};

/// What is read, page after page.
#[derive(Debug)]
pub(crate) enum Pages {
    /// The log from a position up to where it ended when the reading began.
    Forwards { after: Position, until: Position },
    /// The log before a position.
    Backwards { before: u64, width: u64 },
    /// A stream above a version.
    StreamForwards { stream: StreamName, after: u64 },
    /// A stream up to a version.
    StreamBackwards { stream: StreamName, up_to: u64 },
    /// Nothing is left.
    End,
}

impl Pages {
    pub(crate) async fn of(target: Target, direction: ReadDirection, store: &dyn EventStore) -> Result<Self, Status> {
        Ok(match (target, direction) {
            (Target::All(from), ReadDirection::Forwards) => {
                let until = asked(store.head()).await?;
                // the event at the position is read, too
                let after = match from {
                    From::Start => Position::START,
                    From::At(position) => Position::new(position.saturating_sub(1)),
                    From::End => until,
                };
                Self::Forwards { after, until }
            }
            (Target::All(from), ReadDirection::Backwards) => {
                // the event at the position is not read
                let head = asked(store.head()).await?.get();
                let before = match from {
                    From::Start => 0,
                    From::At(position) => position.min(head.saturating_add(1)),
                    From::End => head.saturating_add(1),
                };
                Self::Backwards { before, width: PAGE as u64 }
            }
            (Target::Stream(stream, from), ReadDirection::Forwards) => {
                let after = match from {
                    From::Start => 0,
                    From::At(revision) => revision,
                    From::End => last_version(store, &stream).await?,
                };
                Self::StreamForwards { stream, after }
            }
            (Target::Stream(stream, from), ReadDirection::Backwards) => {
                let last = last_version(store, &stream).await?;
                let up_to = match from {
                    From::Start => last.min(1),
                    From::At(revision) => last.min(revision.saturating_add(1)),
                    From::End => last,
                };
                Self::StreamBackwards { stream, up_to }
            }
        })
    }

    /// The next page; `None` at the end. A page may be empty all the same.
    pub(crate) async fn next(&mut self, store: &dyn EventStore) -> Result<Option<Vec<Arc<RecordedEvent>>>, Status> {
        match self {
            Self::Forwards { after, until } => {
                if after >= until {
                    return Ok(None);
                }
                let page = asked(store.read_all(*after, &Filter::All, PAGE)).await?;
                let mut events = page.events;
                events.retain(|event| event.position <= *until);
                *after = if page.scanned_to == *after { *until } else { page.scanned_to };
                Ok(Some(events))
            }
            Self::Backwards { before, width } => before_position(store, before, width).await,
            Self::StreamForwards { stream, after } => {
                let events = asked(store.read_stream(stream, *after, PAGE)).await?;
                match events.last() {
                    Some(last) => *after = last.version,
                    None => *self = Self::End,
                }
                Ok(Some(events).filter(|events| !events.is_empty()))
            }
            Self::StreamBackwards { up_to: 0, .. } | Self::End => Ok(None),
            Self::StreamBackwards { stream, up_to } => {
                let after = up_to.saturating_sub(PAGE as u64);
                let mut events = asked(store.read_stream(stream, after, PAGE)).await?;
                events.retain(|event| event.version <= *up_to);
                events.reverse();
                *up_to = after;
                Ok(Some(events))
            }
        }
    }
}

/// A window of positions, newest first. Its width follows what it holds: positions may have gaps of any size.
async fn before_position(
    store: &dyn EventStore,
    before: &mut u64,
    width: &mut u64,
) -> Result<Option<Vec<Arc<RecordedEvent>>>, Status> {
    let last = before.saturating_sub(1);
    if last == 0 {
        return Ok(None);
    }
    loop {
        let after = last.saturating_sub(*width);
        let page = asked(store.read_all(Position::new(after), &Filter::All, PAGE)).await?;
        let whole = page.scanned_to.get() >= last || page.scanned_to.get() == after;
        if !whole && *width > 1 {
            *width /= 2;
            continue;
        }
        let mut events = page.events;
        events.retain(|event| event.position.get() <= last);
        events.reverse();
        if events.len() < PAGE / 2 {
            *width = width.saturating_mul(2);
        }
        *before = after.saturating_add(1);
        return Ok(Some(events));
    }
}

/// How many events a stream has: found in steps that double, then by halving.
pub(crate) async fn last_version(store: &dyn EventStore, stream: &StreamName) -> Result<u64, Status> {
    let is_there = async |version: u64| -> Result<bool, Status> {
        Ok(version == 0 || !asked(store.read_stream(stream, version - 1, 1)).await?.is_empty())
    };
    let (mut there, mut step) = (0, 1);
    while is_there(there + step).await? {
        there += step;
        step *= 2;
    }
    // somewhere from `there` to below `there + step`
    while step > 1 {
        step /= 2;
        if is_there(there + step).await? {
            there += step;
        }
    }
    Ok(there)
}
