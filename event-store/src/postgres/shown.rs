//! What readers on this node see of the log's end without asking the database.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::{Notify, watch};

use crate::{
    port::{Position, RecordedEvent},
    tail::Tail,
};

/// The tail and the head. Both only ever hold what is committed, in order and without a gap: this node's own events are
/// added by its writer, those of others by the follower, and whoever comes second finds them there.
#[derive(Debug)]
pub(super) struct Shown {
    turn: Mutex<()>,
    tail: Tail,
    head: watch::Sender<Position>,
    /// The last position that this node wrote.
    own: watch::Sender<Position>,
    /// Wakes the follower: others have written something that this node came to know of.
    behind: Notify,
    down: AtomicBool,
}

impl Shown {
    pub(super) fn new(head: Position) -> Self {
        Self {
            turn: Mutex::default(),
            tail: Tail::of_a_log(head),
            head: watch::Sender::new(head),
            own: watch::Sender::new(Position::START),
            behind: Notify::new(),
            down: AtomicBool::new(false),
        }
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) const fn tail(&self) -> &Tail {
        &self.tail
    }

    pub(super) fn head(&self) -> Position {
        *self.head.borrow()
    }

    pub(super) fn watch(&self) -> watch::Receiver<Position> {
        self.head.subscribe()
    }

    pub(super) fn watch_own(&self) -> watch::Receiver<Position> {
        self.own.subscribe()
    }

    /// Adds what this node has committed behind `before`.
    pub(super) fn add_own(&self, before: Position, events: Vec<Arc<RecordedEvent>>) {
        let Some(last) = events.last().map(|event| event.position) else { return };
        {
            let _turn = self.turn();
            if self.head() == before {
                self.tail.push(events);
                self.head.send_replace(last);
            } else {
                // others' events stand between: the follower reads them, and these with them
                self.behind.notify_one();
            }
        }
        self.own.send_replace(last);
    }

    /// Adds what was read from the log; what is there already is left out.
    pub(super) fn add_read(&self, events: Vec<Arc<RecordedEvent>>) {
        let _turn = self.turn();
        let head = self.head();
        let new: Vec<_> = events.into_iter().filter(|event| event.position > head).collect();
        if let Some((first, last)) = new.first().zip(new.last()).map(|(first, last)| (first.position, last.position)) {
            if first.get() == head.get() + 1 {
                self.tail.push(new);
            } else {
                self.tail.reset(last);
            }
            self.head.send_replace(last);
        }
    }

    /// Goes by what was found in the database, whatever was known before.
    pub(super) fn agree(&self, head: Position) {
        let _turn = self.turn();
        let known = self.head();
        if head < known {
            tracing::error!(%known, found = %head, "the log ends before what was known of it: was an older copy put in place?");
        }
        if head != known {
            self.tail.reset(head);
            self.head.send_replace(head);
        }
    }

    /// Waits until this node knows that others have written.
    pub(super) async fn behind(&self) {
        self.behind.notified().await;
    }

    /// Whether the database could not be reached when it was last tried.
    pub(super) fn is_down(&self) -> bool {
        self.down.load(Ordering::Acquire)
    }

    pub(super) fn set_down(&self, down: bool) {
        if self.down.swap(down, Ordering::AcqRel) != down {
            if down {
                tracing::error!("the event store's database cannot be reached");
            } else {
                tracing::info!("the event store's database is reached again");
            }
        }
    }
}
