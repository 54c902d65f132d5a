//! One open connection: first what it missed, from the log; then what happens, from its queue.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{Stream, stream};
use tidings_event_store::Position;

use super::{
    Pushed,
    audience::ListenerId,
    hub::{Hub, Registered},
    queue::Ended,
    render::RenderError,
    seen::Seen,
};
use crate::extract::Caller;

/// Events looked at in one go while catching up.
const PAGE: usize = 1_000;
/// As near to the hub as this, the connection begins to queue what happens.
const NEAR: u64 = 1_000;
/// While it catches up, how often it is asked whether its session still stands. Later the hub tells.
const STANDS_EVERY: Duration = Duration::from_millis(500);

/// What comes next to a connection; after an end, nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Something to push.
    Pushed(Pushed),
    /// Nothing more comes.
    End(Ended),
}

/// See the module.
pub struct Connection {
    hub: Arc<Hub>,
    caller: Caller,
    /// Everything up to here is with the client, in `missed`, or not for it.
    at: Position,
    /// Rendered one by one, as the client takes them: a slow one holds no more than their places.
    missed: VecDeque<Seen>,
    stood_at: Instant,
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
        Self { hub, caller, at, missed: VecDeque::new(), stood_at: Instant::now(), live: None }
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

    /// From after where it begins.
    pub const fn from(&self) -> Position {
        self.at
    }

    /// Everything there is to push, until the session ends, the client falls behind, or the server stops. The last item
    /// says which.
    pub fn events(self) -> impl Stream<Item = Next> + Send {
        stream::unfold(Some(self), |connection| async move {
            let mut connection = connection?;
            match connection.next().await {
                Ok(Ok(pushed)) => Some((Next::Pushed(pushed), Some(connection))),
                Ok(Err(ended)) => Some((Next::End(ended), None)),
                Err(error) => {
                    tracing::error!(%error, "a live stream is interrupted");
                    Some((Next::End(Ended::FellBehind), None))
                }
            }
        })
    }

    async fn next(&mut self) -> Result<Result<Pushed, Ended>, RenderError> {
        loop {
            while let Some(Seen { position, told, .. }) = self.missed.pop_front() {
                if !self.stands().await? {
                    return Ok(Err(Ended::Over));
                }
                if let Some(pushed) = self.hub.renderer.render(self.caller.user, position, &told).await? {
                    return Ok(Ok(pushed));
                }
            }
            let near = self.is_near();
            match &mut self.live {
                Some(live) if self.at >= live.registered.from => {
                    // what a client from elsewhere has seen already, this node may still have to come to
                    match live.registered.queue.next().await {
                        Err(ended) => return Ok(Err(ended)),
                        Ok(pushed) if pushed.position.is_none_or(|position| position > self.at) => {
                            return Ok(Ok(pushed));
                        }
                        Ok(_) => {}
                    }
                }
                Some(live) => {
                    let to = live.registered.from;
                    self.catch_up(to).await?;
                }
                None if near => {
                    let Some(registered) = self.hub.register(self.caller).await? else {
                        return Ok(Err(Ended::Over));
                    };
                    self.listen(registered);
                }
                None => self.catch_up(self.hub.position()).await?,
            }
        }
    }

    async fn stands(&mut self) -> Result<bool, RenderError> {
        if self.stood_at.elapsed() < STANDS_EVERY {
            return Ok(true);
        }
        self.stood_at = Instant::now();
        self.hub.stands(self.caller).await
    }

    /// A page of the log, up to a position that the hub has reached.
    async fn catch_up(&mut self, to: Position) -> Result<(), RenderError> {
        self.hub.views_at(to).await?;
        let (seen, at) = self.hub.renderer.seen(self.caller.user, self.at, to, PAGE).await?;
        self.missed.extend(seen);
        self.at = at;
        Ok(())
    }
}
