//! The hub: follows the log once a process and knows who listens.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tidings_commands::Commands;
use tidings_domain::{ConversationId, UserId};
use tidings_event_store::Position;
use tidings_projections::{Demand, QueryError};
use tokio::{
    sync::{Mutex, mpsc, watch},
    time::{MissedTickBehavior, timeout},
};

use super::{
    audience::{Audience, Listener, ListenerId},
    fresh::is_message,
    happened::Membership,
    queue::{self, Receiving},
    reach::Reach,
    render::{RenderError, Renderer},
};
use crate::{consistency::Consistency, extract::Caller};

/// Somebody is typing for this long before it is told again.
const TYPING_AGAIN: Duration = Duration::from_secs(2);
/// How often it is looked at who is gone.
const LOOK_WHO_LEFT: Duration = Duration::from_secs(1);
/// So many signs of typing are remembered before the old ones are forgotten.
const TYPING_REMEMBERED: usize = 10_000;
/// How long a connection that catches up waits for the views.
const PATIENCE: Duration = Duration::from_secs(5);
/// Events looked at in one go for who came and went.
const PAGE: usize = 1_000;

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
    pub(super) consistency: Arc<Consistency>,
    demand: Demand,
    pub(super) reach: Reach,
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
    pub(super) fn new(
        renderer: Renderer,
        commands: Commands,
        demand: Demand,
        reach: Reach,
        consistency: Arc<Consistency>,
    ) -> Self {
        let position = *reach.views.borrow();
        let state = State { position, audience: Audience::default(), stopped: false };
        Self {
            renderer,
            commands,
            consistency,
            demand,
            reach,
            state: Mutex::new(state),
            position: watch::channel(position).0,
            stopping: AtomicBool::new(false),
        }
    }

    /// Something waits for the views.
    pub(super) fn want(&self, position: Position) {
        self.demand.want(position);
    }

    /// How far the views are.
    pub(super) fn viewed(&self) -> Position {
        *self.reach.views.borrow()
    }

    /// Returns once the views show everything up to here.
    pub(super) async fn views_at(&self, position: Position) -> Result<(), RenderError> {
        if self.viewed() >= position {
            return Ok(());
        }
        self.want(position);
        let mut views = self.reach.views.clone();
        match timeout(PATIENCE, views.wait_for(|reached| *reached >= position)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(QueryError::NotReady.into()),
        }
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
        let from = state.position;
        let conversations = self.listened(caller.user, from).await?;
        let (sender, queue) = queue::bounded();
        let listener = Listener { user: caller.user, session: caller.session, queue: sender, conversations };
        let id = state.audience.add(listener);
        // An end of the session after `from` comes through the log; one before it shows here.
        if !self.stands(caller).await? {
            state.audience.remove(id);
            return Ok(None);
        }
        self.tell_arrival(&mut state.audience, id, caller.user).await;
        Ok(Some(Registered { id, from, queue }))
    }

    /// The conversations that somebody is in at a position that the hub has come to. Where the views are ahead of it, who has
    /// left since then still gets what came before; where they are behind, the log tells who came and went.
    async fn listened(&self, user: UserId, at: Position) -> Result<HashSet<ConversationId>, RenderError> {
        let mut looked_at = self.viewed();
        let memberships = self.renderer.queries().memberships(user).await?;
        let listened = memberships.iter().filter(|membership| membership.left_position.is_none_or(|left| left > at));
        let mut listened: HashSet<_> = listened.map(|membership| membership.conversation).collect();
        while looked_at < at {
            let page = self.renderer.page(looked_at, PAGE).await?;
            for recorded in page.events.iter().take_while(|recorded| recorded.position <= at) {
                let changed = if is_message(recorded) { None } else { self.renderer.understand(recorded).await };
                match changed.and_then(|happened| happened.membership) {
                    Some(Membership::Joined(conversation, users)) if users.contains(&user) => {
                        listened.insert(conversation);
                    }
                    Some(Membership::Left(conversation, left)) if left == user => {
                        listened.remove(&conversation);
                    }
                    Some(
                        Membership::Joined(..)
                        | Membership::Left(..)
                        | Membership::SessionOver(..)
                        | Membership::AccountOver(..),
                    )
                    | None => {}
                }
            }
            looked_at = if page.scanned_to > looked_at { page.scanned_to } else { at };
        }
        Ok(listened)
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

    /// Follows the log until it or the views end.
    pub(super) async fn run(self: Arc<Self>, mut signs: mpsc::Receiver<(ConversationId, UserId)>) {
        let mut reach = self.reach.clone();
        let mut typing = HashMap::new();
        let mut look = tokio::time::interval(LOOK_WHO_LEFT);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                moved = reach.moved() => {
                    let Some((to, viewed)) = moved else { return };
                    self.advance(to, viewed).await;
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
