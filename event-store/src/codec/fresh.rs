//! What was just sealed, still open: whoever follows the log right behind the writer need not decode it again.
//!
//! An event is taken out by the first who reads it. Most are read within milliseconds; what is never read makes room for what
//! comes. Nothing rests on it: an event that is not here is opened from its stored form. That a key was destroyed meanwhile
//! does not matter either, since that follows an event that erases the text, and whoever takes this one comes to that one.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tidings_domain::Event;
use uuid::Uuid;

/// About how many bytes are kept at most, and how many events.
const MAX_BYTES: usize = 4 * 1024 * 1024;
const MAX_EVENTS: usize = 8 * 1024;

#[derive(Default)]
struct Kept {
    events: HashMap<Uuid, (Event, usize)>,
    /// In the order of sealing; those taken out stay until their turn.
    order: VecDeque<Uuid>,
    bytes: usize,
}

impl Kept {
    fn take(&mut self, id: Uuid) -> Option<Event> {
        let (event, bytes) = self.events.remove(&id)?;
        self.bytes -= bytes;
        Some(event)
    }
}

/// See the module.
#[derive(Default)]
pub(super) struct Fresh(Mutex<Kept>);

impl Fresh {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers an event whose stored form has so many bytes.
    pub(super) fn put(&self, id: Uuid, event: Event, stored_bytes: usize) {
        let bytes = size_of::<Event>() + stored_bytes;
        let mut kept = self.lock();
        kept.bytes += bytes;
        kept.events.insert(id, (event, bytes));
        kept.order.push_back(id);
        while kept.order.len() > MAX_EVENTS || kept.bytes > MAX_BYTES {
            let Some(oldest) = kept.order.pop_front() else { break };
            kept.take(oldest);
        }
    }

    /// The event, once.
    pub(super) fn take(&self, id: Uuid) -> Option<Event> {
        self.lock().take(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings_domain::{Timestamp, UserId, conversation::Renamed};

    fn event() -> Event {
        let renamed = Renamed {
            name: tidings_domain::values::ConversationName::parse("Hut").unwrap(),
            by: UserId::new(Uuid::nil()),
            at: Timestamp::from_millis(0),
        };
        tidings_domain::conversation::ConversationEvent::from(renamed).into()
    }

    #[test]
    fn an_event_is_taken_out_once() {
        let fresh = Fresh::default();
        fresh.put(Uuid::from_u128(1), event(), 10);
        assert_eq!(fresh.take(Uuid::from_u128(1)), Some(event()));
        assert_eq!(fresh.take(Uuid::from_u128(1)), None);
    }

    #[test]
    fn the_oldest_make_room() {
        let fresh = Fresh::default();
        for id in 1..=3 {
            fresh.put(Uuid::from_u128(id), event(), MAX_BYTES / 2 - size_of::<Event>());
        }
        let kept = [1, 2, 3].map(|id| fresh.take(Uuid::from_u128(id)).is_some());
        assert_eq!((kept, fresh.lock().bytes), ([false, true, true], 0));
    }
}
