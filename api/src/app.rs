//! What handlers share, and the two extractors that most of them begin with: [`Acting`] to carry out a command,
//! [`Reading`] to ask the views.

use std::{net::IpAddr, ops::Deref, sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::{
    extract::{FromRef, FromRequestParts},
    http::{HeaderMap, request::Parts},
};
use tidings_commands::{Commands, Context, Outcome};
use tidings_domain::{SessionId, UserId, values::Retention};
use tidings_event_store::{CommandKey, Position};
use tidings_projections::{Projection, Queries, Views, runner::Pace};
use tokio::{sync::watch, time::timeout};

use crate::{
    attachments::Attachments,
    audit::{Audit, LookingBack},
    auth::{Authenticator, Liveness},
    clock::now,
    consistency::Consistency,
    edge::{ClientAddress, Origins},
    exports::Exports,
    extract::{Caller, Cursors, RequestInfo},
    live::Live,
    notary::Notary,
    problem::Problem,
    webhooks::Sender,
};

/// How long an answer waits for its erasure to be complete.
const FORGOTTEN_WITHIN: Duration = Duration::from_secs(5);

/// Everything handlers need. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Shared>);

/// See [`App`].
pub struct Shared {
    /// The write side.
    pub commands: Commands,
    /// The read side. Handlers take it from [`Reading`], which has waited for what it must show.
    pub queries: Arc<dyn Queries>,
    /// Who waits for which position.
    pub consistency: Arc<Consistency>,
    /// Access tokens.
    pub authenticator: Authenticator,
    /// Where lists go on.
    pub cursors: Cursors,
    /// The bytes of attachments, and who uploads.
    pub attachments: Attachments,
    /// What people take away of their data.
    pub exports: Exports,
    /// Open streams.
    pub live: Live,
    /// Judges where webhooks may lead.
    pub webhooks: Sender,
    /// Whose pages may ask.
    pub origins: Origins,
    /// How far what was erased is forgotten.
    pub forgotten: watch::Receiver<Position>,
    /// Who signs the log.
    pub notary: Notary,
    /// The log, for auditors.
    pub audit: Audit,
    /// Views as they stood.
    pub past: LookingBack,
    /// What operators look after.
    pub views: Arc<Views>,
    /// How fast views are rebuilt and compared while they serve.
    pub rebuild_pace: Pace,
    /// How many days `GET /v1/messages` goes back by itself; 0 is all.
    pub messages_window_days: u32,
    /// How long the messages of all conversations are kept at most; none for ever.
    pub retention: Option<Retention>,
}

impl App {
    /// Puts everything together.
    pub fn new(parts: Shared) -> Self {
        Self(Arc::new(parts))
    }

    /// Waits until an erasure is complete: keys destroyed, groups left. Not for ever: it completes all the same.
    pub async fn wait_until_forgotten(&self, user: UserId, erased: Position) {
        let mut forgotten = self.forgotten.clone();
        let late = timeout(FORGOTTEN_WITHIN, forgotten.wait_for(|reached| *reached >= erased)).await.is_err();
        if late {
            tracing::warn!(position = %erased, "an erasure takes its time");
        }
        // what followed from it is to be seen by whoever asks next
        if let Ok(head) = self.commands.head().await {
            self.consistency.acknowledge(user, head);
        }
    }

    /// Remembers that somebody is about to be told of what they did. Where nothing was left to do, they are told that it
    /// is so: what made it so is in the log, and perhaps not in the views yet.
    pub fn acknowledge<T>(&self, user: UserId, outcome: &Outcome<T>) {
        let position = outcome.position.unwrap_or_else(|| self.commands.seen_head());
        self.consistency.acknowledge(user, position);
    }
}

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("App(…)")
    }
}

impl FromRef<App> for Authenticator {
    fn from_ref(app: &App) -> Self {
        app.authenticator.clone()
    }
}

#[async_trait]
impl Liveness for Commands {
    async fn is_alive(&self, session: SessionId, user: UserId, credential: u32) -> Result<bool, Problem> {
        Ok(Self::is_alive(self, session, user, credential).await?)
    }
}

/// A stranger about to carry out a command: registration, sign-in, refresh.
#[derive(Debug, Clone)]
pub struct Stranger {
    /// What handlers share.
    pub app: App,
    /// What the command comes with.
    pub context: Context,
    /// From which address or network; none for requests that did not come by network.
    pub address: Option<IpAddr>,
    info: RequestInfo,
}

impl Stranger {
    /// Says who it turned out to be, and remembers what they are about to be told.
    pub fn turned_out_to_be<T>(&self, user: UserId, outcome: &Outcome<T>) {
        self.info.caller.set(user);
        self.app.acknowledge(user, outcome);
    }
}

impl FromRequestParts<App> for Stranger {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let info: RequestInfo = parts.extensions.get().cloned().unwrap_or_default();
        let context = Context {
            actor: None,
            session: None,
            key: parts.extensions.get::<CommandKey>().copied(),
            request: Some(info.id.to_string()),
            now: now(),
        };
        let address = parts.extensions.get::<ClientAddress>().map(|address| address.network());
        Ok(Self { app: app.clone(), context, address, info })
    }
}

/// A caller about to carry out a command.
#[derive(Debug, Clone)]
pub struct Acting {
    /// What handlers share.
    pub app: App,
    /// Who.
    pub caller: Caller,
    /// What the command comes with.
    pub context: Context,
}

impl Acting {
    /// Who.
    pub fn user(&self) -> UserId {
        self.caller.user
    }

    /// Notes what came of a command before its caller is told.
    pub fn done<T>(&self, outcome: Outcome<T>) -> Outcome<T> {
        self.app.acknowledge(self.caller.user, &outcome);
        outcome
    }

    /// The views, once they show what was done so far.
    pub async fn reading(&self) -> Result<&dyn Queries, Problem> {
        self.app.consistency.wait(self.caller.user, None).await?;
        Ok(self.app.queries.as_ref())
    }
}

impl FromRequestParts<App> for Acting {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let Stranger { app, context, .. } = Stranger::from_request_parts(parts, app).await?;
        let context = Context { actor: Some(caller.user), session: Some(caller.session), ..context };
        Ok(Self { app, caller, context })
    }
}

/// A caller about to ask the views, which show everything the caller was told.
#[derive(Debug, Clone)]
pub struct Reading {
    /// What handlers share.
    pub app: App,
    /// Who.
    pub caller: Caller,
    at_least: Option<Position>,
}

impl Reading {
    /// Who.
    pub fn user(&self) -> UserId {
        self.caller.user
    }

    /// The views.
    pub fn views(&self) -> &dyn Queries {
        self.app.queries.as_ref()
    }

    /// Waits until a view that is not prompt shows all that, too.
    pub async fn wait_for(&self, projection: Projection) -> Result<(), Problem> {
        let (views, demand) = (&self.app.views, self.app.views.demand());
        let want = |position| demand.want_of(projection, position);
        self.app.consistency.wait_on(views.applied_by(projection), want, self.user(), self.at_least).await
    }
}

impl FromRequestParts<App> for Reading {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let at_least = min_position(&parts.headers)?;
        app.consistency.wait(caller.user, at_least).await?;
        Ok(Self { app: app.clone(), caller, at_least })
    }
}

/// `Tidings-Min-Position`: the position that the answer must show.
fn min_position(headers: &HeaderMap) -> Result<Option<Position>, Problem> {
    let Some(value) = headers.get("tidings-min-position") else { return Ok(None) };
    let number = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    number.and_then(|text| text.parse().ok()).map(|number| Some(Position::new(number))).ok_or_else(|| {
        Problem::new(crate::problem::Kind::MalformedRequest, "the header Tidings-Min-Position must be a number")
    })
}
