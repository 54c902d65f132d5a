//! What was just sealed, still open: whoever follows the log right behind the writer need not decode it again.
//!
//! An event is taken out by the first who reads it. Most are read within milliseconds; what is never read makes room for what
//! comes. Nothing rests on it: an event that is not here is opened from its stored form. That a key was destroyed meanwhile
//! does not matter either, since that follows an event that erases the text, and whoever takes this one comes to that one.

use quick_cache::{Weighter, sync::Cache};
use tidings_domain::Event;
use uuid::Uuid;

/// About how many bytes are kept at most.
const MAX_BYTES: u64 = 4 * 1024 * 1024;
/// About how many events that is.
const MAX_EVENTS: usize = 8 * 1024;

#[derive(Clone)]
struct Opened {
    event: Event,
    bytes: u64,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<Uuid, Opened> for Bytes {
    fn weight(&self, _: &Uuid, opened: &Opened) -> u64 {
        opened.bytes
    }
}

/// See the module.
pub(super) struct Fresh(Cache<Uuid, Opened, Bytes>);

impl Fresh {
    pub(super) fn new() -> Self {
        Self(Cache::with_weighter(MAX_EVENTS, MAX_BYTES, Bytes))
    }

    /// Remembers an event whose stored form has so many bytes.
    pub(super) fn put(&self, id: Uuid, event: Event, stored_bytes: usize) {
        let bytes = (size_of::<Opened>() + stored_bytes) as u64;
        self.0.insert(id, Opened { event, bytes });
    }

    /// The event, once.
    pub(super) fn take(&self, id: Uuid) -> Option<Event> {
        self.0.remove(&id).map(|(_, opened)| opened.event)
    }
}
