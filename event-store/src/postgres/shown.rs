//! What readers on this node see of the log's end without asking the database.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::{Notify, watch};

use crate::{
    port::{Position, RecordedEvent},
    tail::Tail,
};

/// How many batches of this node's own wait for what stands before them. More are read again from the database.
const MAX_EARLY: usize = 64;

/// Own batches that others' events stand before, which are not read yet; by where the log ended before each.
type Early = BTreeMap<Position, Vec<Arc<RecordedEvent>>>;

/// The tail and the head. Both only ever hold what is committed, in order and without a gap: this node's own events are
/// added by its writer, those of others by the follower, and whoever comes second finds them there.
#[derive(Debug)]
pub(super) struct Shown {
    turn: Mutex<Early>,
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

    fn turn(&self) -> MutexGuard<'_, Early> {
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
            let mut early = self.turn();
            let head = self.head();
            if head == before {
                self.push(events, &mut early);
            } else if head < before {
                // others' events stand between: the follower reads them
                if early.len() >= MAX_EARLY {
                    early.clear();
                }
                early.insert(before, events);
                self.behind.notify_one();
            }
        }
        self.own.send_replace(last);
    }

    /// Moves the head over what follows it, and over own batches that follow that.
    fn push(&self, events: Vec<Arc<RecordedEvent>>, early: &mut Early) {
        let mut head = self.head();
        let mut next = Some(events);
        while let Some(events) = next {
            head = events.last().map_or(head, |event| event.position);
            self.tail.push(events);
            next = early.remove(&head);
        }
        *early = early.split_off(&head);
        self.head.send_replace(head);
    }

    /// Forgets own events that are not shown yet: after a lost connection the log is read instead.
    pub(super) fn forget_early(&self) {
        self.turn().clear();
    }

    /// How far the log must be read: up to where own events begin, which need not be. None when it is not known.
    pub(super) fn gap(&self) -> Option<Position> {
        let head = self.head();
        self.turn().keys().copied().find(|before| *before > head)
    }

    /// Adds what was read from the log; what is there already is left out.
    pub(super) fn add_read(&self, events: Vec<Arc<RecordedEvent>>) {
        let mut early = self.turn();
        let head = self.head();
        let new: Vec<_> = events.into_iter().filter(|event| event.position > head).collect();
        if let Some((first, last)) = new.first().zip(new.last()).map(|(first, last)| (first.position, last.position)) {
            if first.get() == head.get() + 1 {
                self.push(new, &mut early);
            } else {
                early.clear();
                self.tail.reset(last);
                self.head.send_replace(last);
            }
        }
    }

    /// Goes by what was found in the database, whatever was known before.
    pub(super) fn agree(&self, head: Position) {
        let mut early = self.turn();
        let known = self.head();
        if head < known {
            tracing::error!(%known, found = %head, "the log ends before what was known of it: was an older copy put in place?");
        }
        if head != known {
            early.clear();
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
