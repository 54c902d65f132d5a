//! The end of the log in memory, so that readers who are near the head cost no query.

use std::{
    collections::VecDeque,
    sync::{Arc, PoisonError, RwLock},
};

use crate::port::{Filter, Page, Position, RecordedEvent};

/// The last events of a log, as many as fit. For backends whose one writer knows what it has committed.
#[derive(Debug)]
pub struct Tail {
    kept: RwLock<Kept>,
    max_events: usize,
    max_bytes: usize,
}

#[derive(Debug)]
struct Kept {
    /// Every event after this position and up to the last pushed one is in `events`.
    complete_after: Position,
    events: VecDeque<Arc<RecordedEvent>>,
    bytes: usize,
}

/// What the tail of a store holds at most: enough that live readers never query, little enough for a small machine.
const TAIL_EVENTS: usize = 16 * 1024;
const TAIL_BYTES: usize = 16 * 1024 * 1024;

impl Tail {
    /// The tail of a store whose log ends at `head`.
    pub const fn of_a_log(head: Position) -> Self {
        Self::new(head, TAIL_EVENTS, TAIL_BYTES)
    }

    /// A tail of a log that ends at `head`, to hold at most so many events and so many bytes.
    pub const fn new(head: Position, max_events: usize, max_bytes: usize) -> Self {
        let kept = Kept { complete_after: head, events: VecDeque::new(), bytes: 0 };
        Self { kept: RwLock::new(kept), max_events, max_bytes }
    }

    /// Adds what was committed. The events follow the last pushed one in the log with none between.
    pub fn push(&self, events: impl IntoIterator<Item = Arc<RecordedEvent>>) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            kept.bytes += weight(&event);
            kept.events.push_back(event);
        }
        while kept.events.len() > self.max_events || kept.bytes > self.max_bytes {
            let Some(oldest) = kept.events.pop_front() else { break };
            kept.bytes -= weight(&oldest);
            kept.complete_after = oldest.position;
        }
    }

    /// Forgets everything: the log ends at `head`, and what led there is not known.
    pub fn reset(&self, head: Position) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        *kept = Kept { complete_after: head, events: VecDeque::new(), bytes: 0 };
    }

    /// What [`EventStore::read_all`](crate::EventStore::read_all) answers for events up to `head`; `None` when the tail
    /// does not reach back to `after`.
    pub fn page(&self, after: Position, head: Position, filter: &Filter, limit: usize) -> Option<Page> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        if after < kept.complete_after {
            return None;
        }
        let first = kept.events.partition_point(|event| event.position <= after);
        let mut page = Page { events: Vec::new(), scanned_to: after };
        for event in kept.events.range(first..).take_while(|event| event.position <= head).take(limit) {
            page.scanned_to = event.position;
            if filter.admits(&event.stream) {
                page.events.push(Arc::clone(event));
            }
        }
        Some(page)
    }
}

/// About what an event takes in memory: its bytes and the parts that hold them.
fn weight(event: &RecordedEvent) -> usize {
    size_of::<RecordedEvent>() + event.data.len() + event.metadata.len() + event.stream.as_str().len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use tidings_domain::{StreamName, Timestamp};
    use uuid::Uuid;

    fn event(position: u64, stream: &str) -> Arc<RecordedEvent> {
        Arc::new(RecordedEvent {
            position: Position::new(position),
            stream: StreamName::stored(stream),
            version: position,
            id: Uuid::from_u128(position.into()),
            name: "happened".into(),
            recorded_at: Timestamp::from_millis(0),
            data: Bytes::from_static(b"{}"),
            metadata: Bytes::from_static(b"{}"),
        })
    }

    fn positions(page: Option<Page>) -> Option<(Vec<u64>, u64)> {
        page.map(|page| (page.events.iter().map(|e| e.position.get()).collect(), page.scanned_to.get()))
    }

    fn page(tail: &Tail, after: u64, head: u64, limit: usize) -> Option<(Vec<u64>, u64)> {
        positions(tail.page(Position::new(after), Position::new(head), &Filter::All, limit))
    }

    #[test]
    fn a_reader_near_the_head_is_served_and_one_far_behind_is_not() {
        let tail = Tail::new(Position::new(10), 3, usize::MAX);
        assert_eq!(page(&tail, 9, 10, 5), None);
        assert_eq!(page(&tail, 10, 10, 5), Some((vec![], 10)));
        tail.push((11..=15).map(|n| event(n, "user-1")));
        assert_eq!(page(&tail, 11, 15, 5), None);
        assert_eq!(page(&tail, 12, 15, 2), Some((vec![13, 14], 14)));
        assert_eq!(page(&tail, 14, 15, 2), Some((vec![15], 15)));
    }

    #[test]
    fn nothing_is_shown_above_the_head() {
        let tail = Tail::new(Position::START, 9, usize::MAX);
        tail.push((1..=3).map(|n| event(n, "user-1")));
        assert_eq!(page(&tail, 0, 2, 9), Some((vec![1, 2], 2)));
    }

    #[test]
    fn what_the_filter_holds_back_was_still_looked_at() {
        let tail = Tail::new(Position::START, 9, usize::MAX);
        tail.push([event(1, "user-1"), event(2, "session-1"), event(3, "session-1")]);
        let users = Filter::Categories(vec!["user"]);
        let read = positions(tail.page(Position::START, Position::new(3), &users, 2));
        assert_eq!(read, Some((vec![1], 2)));
    }

    #[test]
    fn bytes_bound_it_as_well_and_a_reset_forgets_all() {
        let tail = Tail::new(Position::START, 9, weight(&event(1, "user-1")) * 2);
        tail.push((1..=3).map(|n| event(n, "user-1")));
        assert_eq!(page(&tail, 0, 3, 9), None);
        assert_eq!(page(&tail, 1, 3, 9), Some((vec![2, 3], 3)));
        tail.reset(Position::new(7));
        assert_eq!(page(&tail, 1, 7, 9), None);
        assert_eq!(page(&tail, 7, 7, 9), Some((vec![], 7)));
    }
}
