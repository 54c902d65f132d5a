//! What auditors are shown: recorded events, the life of a message, views as they stood. Each is noted in the log before it is
//! shown ([`note`]); `docs/audit.md` says what they can ask.

mod cloud;
mod concerned;
mod filter;
mod life;
mod pages;
mod streaming;
mod times;

use std::{io, path::Path, sync::Arc, time::Duration};

use tidings_commands::Outcome;
use tidings_domain::{
    UserId,
    access::{ContentAccessed, Shown},
};
use tidings_event_store::{Codec, EventStore, Position, RecordedEvent};
use tidings_projections::{PastLimits, PastViews, runner::Log};
use tokio::{sync::watch, time::timeout};

pub use cloud::CloudEvent;
pub use filter::{Category, EventName, StreamText, Wanted};
pub use life::{LifeEvent, What};
pub use pages::{Bounds, Found};
pub use streaming::lines;

use crate::{
    app::Acting,
    extract::AsOf,
    problem::{Kind, Problem},
};

/// How long an answer waits for what was erased to be forgotten.
const FORGOTTEN_WITHIN: Duration = Duration::from_secs(5);

/// The log, for those who may look into it. Cheap to clone.
#[derive(Clone)]
pub struct Audit {
    store: Arc<dyn EventStore>,
    codec: Codec,
    forgotten: Option<watch::Receiver<Position>>,
}

/// Views as they stood: not more at once than leave room for everything else, and one who looks back takes no auditor's turn.
#[derive(Clone)]
pub struct LookingBack {
    /// For auditors.
    pub of_auditors: Arc<PastViews>,
    /// For everybody, what they saw themselves.
    pub of_people: Arc<PastViews>,
}

impl LookingBack {
    /// In files below a data directory. What an interrupted looking back left there is removed.
    pub fn open(data_dir: &Path, store: Arc<dyn EventStore>, codec: Codec) -> io::Result<Self> {
        let log = Log { store, codec };
        let room = |whose| data_dir.join("past").join(whose);
        let people = PastLimits { events: 100_000, bytes: 32 << 20, ..PastLimits::default() };
        Ok(Self {
            of_auditors: Arc::new(PastViews::open(log.clone(), &room("auditors"), PastLimits::default())?),
            of_people: Arc::new(PastViews::open(log, &room("people"), people)?),
        })
    }
}

impl std::fmt::Debug for Audit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Audit(…)")
    }
}

impl Audit {
    /// Over the installation's log.
    pub fn new(store: Arc<dyn EventStore>, codec: Codec) -> Self {
        Self { store, codec, forgotten: None }
    }

    /// The same, once this node has forgotten what was erased on any: its key may be in memory here for a moment more.
    #[must_use]
    pub fn once_forgotten(self, forgotten: watch::Receiver<Position>) -> Self {
        Self { forgotten: Some(forgotten), ..self }
    }

    /// Where the log ends. What is erased up to there is forgotten when this returns.
    pub async fn head(&self) -> Result<Position, Problem> {
        let head = self.store.head().await?;
        if let Some(mut forgotten) = self.forgotten.clone() {
            let reached = timeout(FORGOTTEN_WITHIN, forgotten.wait_for(|reached| *reached >= head)).await;
            if !reached.is_ok_and(|reached| reached.is_ok()) {
                return Err(Problem::new(Kind::NotYetVisible, "what was erased is not forgotten yet"));
            }
        }
        Ok(head)
    }

    /// The position that is meant; the end of the log where none is named.
    pub async fn position_of(&self, as_of: Option<AsOf>) -> Result<Position, Problem> {
        let head = self.head().await?;
        match as_of {
            None => Ok(head),
            Some(AsOf::Position(position)) if position > head => Err(Kind::NoSuchPosition.into()),
            Some(AsOf::Position(position)) => Ok(position),
            Some(AsOf::Time(at)) => Ok(times::position_at(&*self.store, at, head).await?),
        }
    }

    /// Recorded events as auditors are shown them: opened as far as there are keys.
    pub async fn opened(&self, events: &[Arc<RecordedEvent>]) -> Result<Vec<CloudEvent>, Problem> {
        let opened = self.codec.open_stored(events).await?;
        Ok(events.iter().zip(opened).map(|(recorded, opened)| CloudEvent::of(recorded, opened.ok().as_ref())).collect())
    }
}

/// Notes what an auditor is about to be shown. It is shown only once this has succeeded.
pub async fn note(acting: &Acting, access: ContentAccessed) -> Result<Outcome<()>, Problem> {
    Ok(acting.done(acting.app.commands.note_access(access, &acting.context).await?))
}

/// What this auditor is shown now.
pub fn shown_to(acting: &Acting, shown: Shown) -> ContentAccessed {
    ContentAccessed::new(acting.user(), acting.context.now, shown)
}

/// The same where it is somebody's.
pub fn shown_of(acting: &Acting, shown: Shown, user: UserId) -> ContentAccessed {
    ContentAccessed { users: vec![user], ..shown_to(acting, shown) }
}
