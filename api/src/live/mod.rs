//! Live push: what happens in a person's conversations, as it happens, from any past position on.
//!
//! The log is followed once a process, by the hub (`hub`): it finds out for each event who is connected and may see it, renders
//! it as each of them sees it, and queues it for their connections. A message says itself what there is to show, and is pushed
//! as soon as it is durable (`fresh`) where no other node writes; what takes more than that is rendered from the views
//! (`render`), and waits with all behind it until those have come so far. A connection (`connection`) that resumes pages through the log by itself until it is as far as
//! the hub, then lives from its queue (`queue`): nothing is lost in between and nothing comes twice. One that does not
//! keep up is cut off, and what waited for it is dropped at once; it resumes where it was. Who types and who is here
//! (`presence`) is told on this node alone, and kept nowhere.

mod audience;
mod connection;
mod fresh;
mod happened;
mod hub;
mod presence;
mod pushing;
mod queue;
mod reach;
mod render;
mod seen;
pub mod socket;

use std::sync::Arc;

use tidings_domain::{ConversationId, MessageId, UserId};
use tidings_event_store::Position;
use tokio::{sync::mpsc, task::JoinHandle};

use crate::{consistency::Consistency, extract::Caller, stores::Stores};
use hub::Hub;
use reach::Reach;
use render::Renderer;

pub use connection::{Connection, Next};
pub use queue::Ended;
pub(crate) use render::RenderError;
pub(crate) use seen::Seen;

/// Something to push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// Where in the log; none for what is not in the log.
    pub position: Option<Position>,
    /// What sort of event.
    pub event: &'static str,
    /// The object, as JSON.
    pub data: Arc<str>,
    /// The message that has come to its reader by this.
    pub arrived: Option<MessageId>,
}

/// How many signs of typing may wait: more of them are worth nothing.
const TYPING_QUEUE: usize = 256;

/// The handle on live push. Cheap to clone.
#[derive(Clone)]
pub struct Live {
    hub: Arc<Hub>,
    typing: mpsc::Sender<(ConversationId, UserId)>,
}

impl Live {
    /// Begins to follow the log. Whoever is pushed something reads it afterwards: `consistency` is told.
    pub fn start(stores: &Stores, consistency: Arc<Consistency>) -> (Self, JoinHandle<()>) {
        let (typing, signs) = mpsc::channel(TYPING_QUEUE);
        let views = stores.views.applied();
        // what a node shows of a shared log, all nodes can show
        let log = if stores.shared_from.is_none() { stores.store.watch_head() } else { views.clone() };
        let renderer = Renderer::new(stores.store.clone(), stores.codec.clone(), stores.views.queries());
        let reach = Reach { log, views };
        let hub = Arc::new(Hub::new(renderer, stores.commands.clone(), stores.views.demand(), reach, consistency));
        let task = tokio::spawn(hub.clone().run(signs));
        (Self { hub, typing }, task)
    }

    /// Opens a connection: from after this position, or from now on.
    pub fn connect(&self, caller: Caller, after: Option<Position>) -> Connection {
        Connection::new(self.hub.clone(), caller, after)
    }

    /// What this person may see of the next events after a position, and up to where these reach, at most to `to`, which
    /// the views have reached.
    pub(crate) async fn seen(
        &self,
        viewer: UserId,
        after: Position,
        to: Position,
        limit: usize,
    ) -> Result<(Vec<Seen>, Position), RenderError> {
        self.hub.renderer.seen(viewer, after, to, limit).await
    }

    /// One of them as this person sees it now; none for what they may not see any more.
    pub(crate) async fn render(&self, viewer: UserId, seen: &Seen) -> Result<Option<Pushed>, RenderError> {
        self.hub.renderer.render(viewer, seen.position, &seen.told).await
    }

    /// Tells the others in a conversation that somebody is typing.
    pub fn typing(&self, conversation: ConversationId, user: UserId) {
        if self.typing.try_send((conversation, user)).is_err() {
            tracing::debug!("a sign of typing was dropped");
        }
    }

    /// Ends all connections, and takes no more.
    pub async fn stop(&self) {
        self.hub.stop().await;
    }
}
