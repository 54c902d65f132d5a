//! One open connection: first what it missed, from the log; then what happens, from its queue.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use futures::{Stream, stream};
use tidings_domain::{ConversationId, StreamId, UserId};
use tidings_event_store::Position;
use tidings_projections::model::Membership;

use super::{
    Pushed,
    audience::ListenerId,
    happened::Whom,
    hub::{Hub, Registered},
    render::{Happened, RenderError},
};
use crate::extract::Caller;

/// Events looked at in one go while catching up.
const PAGE: usize = 1_000;
/// As near to the hub as this, the connection begins to queue what happens.
const NEAR: u64 = 1_000;

/// See the module.
pub struct Connection {
    hub: Arc<Hub>,
    caller: Caller,
    /// Everything up to here is with the client, or not for it.
    at: Position,
    ready: VecDeque<Pushed>,
    live: Option<Live>,
}

struct Live {
    registered: Registered,
    _guard: Unregister,
}

/// Leaves the hub when the connection goes, however it goes.
struct Unregister(Arc<Hub>, ListenerId);

impl Drop for Unregister {
    fn drop(&mut self) {
        let (hub, id) = (self.0.clone(), self.1);
        // outside of a runtime there is nothing left to leave
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { hub.unregister(id).await });
        }
    }
}

impl Connection {
    pub(super) fn new(hub: Arc<Hub>, caller: Caller, after: Option<Position>) -> Self {
        let at = after.unwrap_or_else(|| hub.position());
        Self { hub, caller, at, ready: VecDeque::new(), live: None }
    }

    /// Listens already, where it is near enough to the hub: who is told that the stream is open misses nothing from then on, not
    /// even what is in no log. What stands in the way shows when the first event is waited for.
    pub async fn begin(mut self) -> Self {
        if self.is_near()
            && let Ok(Some(registered)) = self.hub.register(self.caller).await
        {
            self.listen(registered);
        }
        self
    }

    fn is_near(&self) -> bool {
        self.at.get().saturating_add(NEAR) >= self.hub.position().get()
    }

    fn listen(&mut self, registered: Registered) {
        let guard = Unregister(self.hub.clone(), registered.id);
        self.live = Some(Live { registered, _guard: guard });
    }

    /// Everything there is to push, until the session ends, the client falls behind, or the server stops.
    pub fn events(self) -> impl Stream<Item = Pushed> + Send {
        stream::unfold(self, |mut connection| async move {
            match connection.next().await {
                Ok(pushed) => pushed.map(|pushed| (pushed, connection)),
                Err(error) => {
                    tracing::error!(%error, "a live stream is interrupted");
                    None
                }
            }
        })
    }

    async fn next(&mut self) -> Result<Option<Pushed>, RenderError> {
        loop {
            if let Some(pushed) = self.ready.pop_front() {
                return Ok(Some(pushed));
            }
            let near = self.is_near();
            match &mut self.live {
                Some(live) if self.at >= live.registered.from => {
                    // what a client from elsewhere has seen already, this node may still have to come to
                    let Some(pushed) = live.registered.queue.recv().await else { return Ok(None) };
                    if pushed.position.is_none_or(|position| position > self.at) {
                        return Ok(Some(pushed));
                    }
                }
                Some(live) => {
                    let to = live.registered.from;
                    self.catch_up(to).await?;
                }
                None if near => {
                    let Some(registered) = self.hub.register(self.caller).await? else { return Ok(None) };
                    self.listen(registered);
                }
                None => self.catch_up(self.hub.position()).await?,
            }
        }
    }

    /// A page of the log, up to a position that the hub has reached.
    async fn catch_up(&mut self, to: Position) -> Result<(), RenderError> {
        let renderer = &self.hub.renderer;
        let page = renderer.page(self.at, PAGE).await?;
        let memberships = renderer.queries().memberships(self.caller.user).await?;
        let mine: HashMap<ConversationId, Membership> =
            memberships.into_iter().map(|membership| (membership.conversation, membership)).collect();
        for recorded in page.events.iter().take_while(|recorded| recorded.position <= to) {
            let Ok(stream) = recorded.stream.id() else { continue };
            if !concerns(&stream, self.caller.user, &mine) {
                continue;
            }
            if let Some(happened) = renderer.understand(recorded).await {
                self.ready.extend(self.as_seen(&happened, &mine).await?);
            }
        }
        self.at = if page.scanned_to > self.at { page.scanned_to.min(to) } else { to };
        Ok(())
    }

    async fn as_seen(
        &self,
        happened: &Happened,
        mine: &HashMap<ConversationId, Membership>,
    ) -> Result<Option<Pushed>, RenderError> {
        let (viewer, position) = (self.caller.user, happened.position);
        let Some(told) = &happened.told else { return Ok(None) };
        let in_time = |membership: &Membership| membership.left_position.is_none_or(|left| position <= left);
        let seen = match told.whom() {
            Whom::In(conversation, only) => {
                mine.get(&conversation).is_some_and(in_time) && only.is_none_or(|only| only == viewer)
            }
            Whom::One(user) => user == viewer,
            Whom::Both(pair) => pair.other(viewer).is_some(),
        };
        if !seen {
            return Ok(None);
        }
        self.hub.renderer.render(viewer, position, told).await
    }
}

/// Whether an event of this stream could be for somebody in these conversations.
fn concerns(stream: &StreamId, user: UserId, mine: &HashMap<ConversationId, Membership>) -> bool {
    match stream {
        StreamId::Conversation(conversation) | StreamId::Reader(conversation, _) => mine.contains_key(conversation),
        StreamId::Message(id) => mine.contains_key(&id.conversation),
        StreamId::Contact(pair) => pair.other(user).is_some(),
        StreamId::Devices(owner) => *owner == user,
        StreamId::User(_)
        | StreamId::Login(..)
        | StreamId::Session(_)
        | StreamId::Request(_)
        | StreamId::Factor(_)
        | StreamId::Attempts(_)
        | StreamId::Schedule(_) => false,
    }
}
