//! The hub: follows the log once a process and knows who listens.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tidings_commands::Commands;
use tidings_domain::{ConversationId, UserId};
use tidings_event_store::Position;
use tidings_projections::Demand;
use tokio::{
    sync::{Mutex, mpsc, watch},
    time::MissedTickBehavior,
};

use super::{
    audience::{Audience, Listener, ListenerId},
    queue::{self, Receiving},
    render::{RenderError, Renderer},
};
use crate::extract::Caller;

/// Somebody is typing for this long before it is told again.
const TYPING_AGAIN: Duration = Duration::from_secs(2);
/// How often it is looked at who is gone.
const LOOK_WHO_LEFT: Duration = Duration::from_secs(1);
/// So many signs of typing are remembered before the old ones are forgotten.
const TYPING_REMEMBERED: usize = 10_000;

pub(super) struct State {
    /// Everything up to here was pushed to those who listen.
    pub(super) position: Position,
    pub(super) audience: Audience,
    stopped: bool,
}

/// See [`super`].
pub(super) struct Hub {
    pub(super) renderer: Renderer,
    pub(super) commands: Commands,
    demand: Demand,
    pub(super) state: Mutex<State>,
    pub(super) position: watch::Sender<Position>,
    /// Whoever would stop the hub need not wait until it has come to the head.
    pub(super) stopping: AtomicBool,
}

/// A connection's place in the hub.
pub(super) struct Registered {
    pub(super) id: ListenerId,
    /// What comes after this position comes through the queue.
    pub(super) from: Position,
    pub(super) queue: Receiving,
}

impl Hub {
    pub(super) fn new(renderer: Renderer, commands: Commands, demand: Demand, position: Position) -> Self {
        let state = State { position, audience: Audience::default(), stopped: false };
        Self {
            renderer,
            commands,
            demand,
            state: Mutex::new(state),
            position: watch::channel(position).0,
            stopping: AtomicBool::new(false),
        }
    }

    /// Somebody listens: whatever comes next is waited for.
    pub(super) fn want_next(&self, position: Position) {
        self.demand.want(Position::new(position.get() + 1));
    }

    /// How far the hub is.
    pub(super) fn position(&self) -> Position {
        *self.position.borrow()
    }

    /// Lets a connection listen. None when the session has ended or the server is stopping.
    pub(super) async fn register(&self, caller: Caller) -> Result<Option<Registered>, RenderError> {
        let mut state = self.state.lock().await;
        if state.stopped {
            return Ok(None);
        }
        // The views are at least as far as the hub. Who has left since the hub's position still gets what came before.
        let from = state.position;
        let memberships = self.renderer.queries().memberships(caller.user).await?;
        let listened = memberships.iter().filter(|membership| membership.left_position.is_none_or(|left| left > from));
        let conversations = listened.map(|membership| membership.conversation).collect();
        let (sender, queue) = queue::bounded();
        let listener = Listener { user: caller.user, session: caller.session, queue: sender, conversations };
        let id = state.audience.add(listener);
        // An end of the session after `from` comes through the log; one before it shows here.
        if !self.stands(caller).await? {
            state.audience.remove(id);
            return Ok(None);
        }
        self.tell_arrival(&mut state.audience, id, caller.user).await;
        self.want_next(from);
        Ok(Some(Registered { id, from, queue }))
    }

    /// Whether a caller's session still stands.
    pub(super) async fn stands(&self, caller: Caller) -> Result<bool, RenderError> {
        Ok(self.commands.is_alive(caller.session, caller.user, caller.credential).await?)
    }

    /// A connection has ended.
    pub(super) async fn unregister(&self, id: ListenerId) {
        self.state.lock().await.audience.remove(id);
    }

    pub(super) async fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        let mut state = self.state.lock().await;
        state.stopped = true;
        state.audience.clear();
    }

    /// Follows the log behind the views until those stop.
    pub(super) async fn run(
        self: Arc<Self>,
        mut applied: watch::Receiver<Position>,
        mut signs: mpsc::Receiver<(ConversationId, UserId)>,
    ) {
        let mut typing = HashMap::new();
        let mut look = tokio::time::interval(LOOK_WHO_LEFT);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                changed = applied.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let to = *applied.borrow_and_update();
                    self.advance(to).await;
                }
                Some((conversation, user)) = signs.recv() => {
                    if is_news(&mut typing, (conversation, user), Instant::now()) {
                        self.tell_typing(conversation, user).await;
                    }
                }
                _ = look.tick() => {
                    self.tell_who_left(&mut self.state.lock().await.audience).await;
                }
            }
        }
    }

    async fn tell_typing(&self, conversation: ConversationId, user: UserId) {
        let mut state = self.state.lock().await;
        let others = state.audience.of(conversation, None).into_iter().filter(|(listener, _)| *listener != user);
        let listeners: Vec<ListenerId> = others.flat_map(|(_, listeners)| listeners).collect();
        if listeners.is_empty() {
            return;
        }
        match self.renderer.typing(conversation, user).await {
            Ok(pushed) => state.audience.queue(&listeners, &pushed),
            Err(error) => tracing::debug!(%error, "a sign of typing was dropped"),
        }
    }
}

fn is_news<K: std::hash::Hash + Eq>(told: &mut HashMap<K, Instant>, sign: K, now: Instant) -> bool {
    let recent = |at: &Instant| now.duration_since(*at) < TYPING_AGAIN;
    if told.get(&sign).is_some_and(recent) {
        return false;
    }
    if told.len() >= TYPING_REMEMBERED {
        told.retain(|_, at| recent(at));
    }
    told.insert(sign, now);
    true
}
