//! What waits for one connection: so many events, and so many bytes, and no more.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use super::Pushed;

/// What may wait for a slow client before it is cut off.
const MOST_EVENTS: usize = 1_024;
/// The same, in bytes. One event may be longer than this; it then waits alone.
const MOST_BYTES: usize = 1024 * 1024;

/// Why nothing more comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The session is over, or the server stops.
    Over,
    /// The client did not keep up. It goes on from what it has.
    FellBehind,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Pushed>,
    bytes: usize,
    ended: Option<Ended>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    news: Notify,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // nothing in here panics half-way
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, why: Ended) {
        let mut state = self.state();
        state.ended.get_or_insert(why);
        if why == Ended::FellBehind {
            // it will be read from the log again, and a client that reads nothing must not hold it until then
            (state.waiting, state.bytes) = (VecDeque::new(), 0);
        }
        drop(state);
        self.news.notify_one();
    }
}

/// Where the hub puts events. Dropping it ends the queue after what is in it.
pub(super) struct Sending(Arc<Shared>);

/// Where the connection takes them from.
pub(super) struct Receiving(Arc<Shared>);

pub(super) fn bounded() -> (Sending, Receiving) {
    let shared = Arc::new(Shared::default());
    (Sending(shared.clone()), Receiving(shared))
}

impl Sending {
    /// Queues an event; `false` when there is no room, or nobody to take it.
    pub(super) fn offer(&self, pushed: &Pushed) -> bool {
        let mut state = self.0.state();
        let bytes = state.bytes + pushed.data.len();
        let full = state.waiting.len() >= MOST_EVENTS || (bytes > MOST_BYTES && !state.waiting.is_empty());
        if full || state.ended.is_some() {
            return false;
        }
        state.bytes = bytes;
        state.waiting.push_back(pushed.clone());
        drop(state);
        self.0.news.notify_one();
        true
    }

    /// Whether there is room for what may be missed.
    pub(super) fn is_half_empty(&self) -> bool {
        let state = self.0.state();
        state.waiting.len() < MOST_EVENTS / 2 && state.bytes < MOST_BYTES / 2
    }

    pub(super) fn end(&self, why: Ended) {
        self.0.end(why);
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.0.end(Ended::Over);
    }
}

impl Receiving {
    /// The next event, or why there is none.
    pub(super) async fn next(&mut self) -> Result<Pushed, Ended> {
        loop {
            {
                let mut state = self.0.state();
                if let Some(pushed) = state.waiting.pop_front() {
                    state.bytes -= pushed.data.len();
                    return Ok(pushed);
                }
                if let Some(ended) = state.ended {
                    return Err(ended);
                }
            }
            self.0.news.notified().await;
        }
    }
}

impl Drop for Receiving {
    fn drop(&mut self) {
        self.0.end(Ended::FellBehind);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings_event_store::Position;

    fn pushed(position: u64, bytes: usize) -> Pushed {
        let data = "x".repeat(bytes).into();
        Pushed { position: Some(Position::new(position)), event: "message", data, arrived: None }
    }

    #[tokio::test]
    async fn what_was_queued_comes_in_order_and_then_the_end() {
        let (sending, mut receiving) = bounded();
        assert!(sending.offer(&pushed(1, 10)) && sending.offer(&pushed(2, 10)));
        drop(sending);
        assert_eq!(receiving.next().await, Ok(pushed(1, 10)));
        assert_eq!(receiving.next().await, Ok(pushed(2, 10)));
        assert_eq!(receiving.next().await, Err(Ended::Over));
    }

    #[tokio::test]
    async fn a_queue_has_room_for_so_many_events_and_bytes_and_gives_them_back_at_the_cut() {
        let (sending, mut receiving) = bounded();
        assert!(sending.offer(&pushed(1, 2 * MOST_BYTES)), "a long one waits alone");
        assert!(!sending.offer(&pushed(2, 0)), "and nothing is put behind it");
        receiving.next().await.unwrap();
        for position in 0..MOST_EVENTS as u64 {
            while !sending.offer(&pushed(position, 1)) {
                receiving.next().await.unwrap();
            }
        }
        assert!(!sending.offer(&pushed(9, MOST_BYTES)));
        sending.end(Ended::FellBehind);
        {
            let state = sending.0.state();
            assert_eq!((state.waiting.capacity(), state.bytes), (0, 0));
        }
        assert_eq!(receiving.next().await, Err(Ended::FellBehind));
        assert!(!sending.offer(&pushed(10, 1)));
    }
}
