//! What the runner needs of a backend of views.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use tidings_domain::{ConversationId, StreamName};
use tidings_event_store::{Connections, DecodedEvent, Position, RecordedEvent};

use crate::{
    model::ParkedEvent,
    queries::Queries,
    runner::serving::{Alone, Lease, Pinned, Promotion, Wanted, Watch},
};

/// A view or a few that belong together: folded from the log as one, with one checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Projection {
    /// People, their search terms, their sessions, their contacts and blocks.
    Directory,
    /// Conversations, members, messages, readers; who of the auditors looked at them.
    Conversations,
    /// Which messages may hold which words.
    Search,
}

impl Projection {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Directory, Self::Conversations, Self::Search];

    /// As it stands in routes, on the command line and in file names.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Directory => "directory",
            Self::Conversations => "conversations",
            Self::Search => "search",
        }
    }

    /// The projection of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|projection| projection.name() == name)
    }

    /// The categories of streams it is folded from.
    pub const fn categories(self) -> &'static [&'static str] {
        match self {
            Self::Directory => &["user", "session", "contact", "factor", "devices", "webhook"],
            Self::Conversations => &["conversation", "message", "reader", "schedule", "attachment", "user", "access"],
            Self::Search => &["conversation", "message", "user"],
        }
    }

    /// Whether all reads wait for it, and live push. Another is waited for by who asks it, takes events in more lazily, and never
    /// holds these up.
    pub const fn is_prompt(self) -> bool {
        match self {
            Self::Directory | Self::Conversations => true,
            Self::Search => false,
        }
    }

    /// Whether events of this stream concern it.
    pub fn admits(self, stream: &StreamName) -> bool {
        self.categories().contains(&stream.category())
    }
}

/// An event that could not be decoded.
#[derive(Debug, Clone)]
pub struct Poison {
    /// As it is stored.
    pub recorded: Arc<RecordedEvent>,
    /// Why.
    pub error: String,
}

/// A stretch of the log, decoded.
#[derive(Debug)]
pub struct Batch {
    /// Everything up to here came before.
    pub after: Position,
    /// Everything up to here is in it.
    pub to: Position,
    /// In order; may hold events that do not concern a projection.
    pub events: Vec<Result<DecodedEvent, Poison>>,
}

/// What to do with an event that cannot be decoded or applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnPoison {
    /// Park its stream and go on: what serves must go on serving.
    Park,
    /// Stop: a rebuilt view must be whole.
    Stop,
}

/// Why a batch was not applied. Nothing of it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The checkpoint is not where this projector left it: another one is at work.
    #[error("the checkpoint of {projection} moved from {expected} by another hand: is a second projector running?")]
    Conflict {
        /// Which projection.
        projection: &'static str,
        /// Where it was left.
        expected: Position,
    },
    /// The event cannot be decoded or applied, and the view was to be whole.
    #[error("event {position} ({name}, version {version} of {stream}) cannot be applied: {error}", position = .0.position,
        name = .0.name, version = .0.version, stream = .0.stream, error = .0.error)]
    Poisoned(ParkedEvent),
    /// The view's files are damaged: it has to be rebuilt.
    #[error("the view is damaged: {0}")]
    Damaged(String),
    /// The disk or the database does not answer as it should: try again.
    #[error("the view cannot be written: {0}")]
    Unavailable(String),
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Applied {
    /// How many events changed the view.
    pub events: u64,
    /// How many were parked.
    pub parked: u64,
    /// Whether personal text was erased from the view, which must soon leave its files too.
    pub erased: bool,
}

/// One generation of a projection's view, open for folding.
#[async_trait]
pub trait Generation: Send {
    /// 1, 2, 3 …
    fn number(&self) -> u32;

    /// All up to here is folded. What holds nothing for the projection may not be stored yet.
    fn position(&self) -> Position;

    /// What waits for somebody to look at it.
    fn parked(&self) -> Vec<ParkedEvent>;

    /// Folds the events of a batch that lie beyond [`Generation::position`]. The batch begins at or before it.
    async fn apply(&mut self, batch: &Batch, on_poison: OnPoison) -> Result<Applied, ApplyError>;

    /// Tries parked events again, in order; those that can be applied now are parked no more.
    async fn retry(&mut self, events: &[Result<DecodedEvent, Poison>]) -> Result<Applied, ApplyError>;

    /// Stores the position, where that was put off.
    async fn persist(&mut self) -> Result<(), ApplyError>;

    /// It serves, and is folded by this thread from now on.
    async fn settle_in(&mut self) -> Result<(), ApplyError>;

    /// Conversations that have these numbers in the view that this one will be compared with are to get the same in this one.
    fn assume(&mut self, numbers: HashMap<ConversationId, i64>);

    /// Ends the fast filling: what was left out for speed is made good, and all of it is durable.
    async fn finish(&mut self) -> Result<(), ApplyError>;

    /// Makes what was erased leave the files. `false` when a reader is in the way: try again soon.
    async fn tidy(&mut self) -> Result<bool, ApplyError>;
}

/// What opening a projection found.
pub enum Opened {
    /// A view that serves and goes on.
    Serving(Box<dyn Generation>),
    /// None that this release can use: build one. Says why.
    Build(&'static str),
}

/// Why the views cannot be opened or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ViewsError {
    /// A file that this program did not write lies where a view should be. It was left as it is.
    #[error("{0}")]
    Foreign(String),
    /// The disk or the database does not answer as it should.
    #[error("the views are unavailable: {0}")]
    Unavailable(String),
    /// A batch could not be applied.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// The event store does not answer as it should.
    #[error("the log cannot be read: {0}")]
    Log(String),
    /// One rebuild or comparison at a time.
    #[error("{0} is being rebuilt or verified already")]
    Busy(&'static str),
    /// The views are shutting down.
    #[error("the views have stopped")]
    Stopped,
}

/// A backend of views.
#[async_trait]
pub trait ViewStore: Send + Sync + 'static {
    /// Opens the serving generation of a projection, and removes what an interrupted rebuild left.
    async fn open(&self, projection: Projection) -> Result<Opened, ViewsError>;

    /// Begins the next generation of a projection, for fast filling. It does not serve.
    async fn begin(&self, projection: Projection) -> Result<Box<dyn Generation>, ViewsError>;

    /// Makes a finished generation the serving one; the older goes with its last reader. Unless `forced`, it must be as far.
    async fn promote(&self, projection: Projection, number: u32, forced: bool) -> Result<Promotion, ViewsError>;

    /// Notes that a projection is to be rebuilt, or no longer is: whoever folds after a crash begins again. What serves anew was
    /// rebuilt.
    async fn want(&self, projection: Projection, wanted: bool) -> Result<(), ViewsError>;

    /// What is to be rebuilt: what was noted, and what serves, but was folded in an older way.
    async fn wanted(&self) -> Result<Vec<Wanted>, ViewsError>;

    /// The right to rebuild a projection; none while another node does.
    async fn rebuilding(&self, _projection: Projection) -> Result<Option<Box<dyn Lease>>, ViewsError> {
        Ok(Some(Box::new(Alone)))
    }

    /// Whether there is room for one more generation as large as the serving one, as far as that can be told.
    async fn room(&self, _projection: Projection) -> Result<(), ViewsError> {
        Ok(())
    }

    /// Removes a generation that never served.
    async fn discard(&self, projection: Projection, generation: Box<dyn Generation>) -> Result<(), ViewsError>;

    /// Holds the serving view as it is now, for a comparison.
    async fn pin(&self, projection: Projection) -> Result<Box<dyn Pinned>, ViewsError>;

    /// The questions, answered by whatever serves at the time.
    fn queries(&self) -> Arc<dyn Queries>;

    /// What is connected for questions, for those who watch.
    fn connections(&self) -> Vec<Connections> {
        Vec::new()
    }

    /// Nothing is folded any more: what was written without waiting for the disk is to be there when this returns.
    async fn close(&self) -> Result<(), ViewsError> {
        Ok(())
    }

    /// The right to fold a projection; none while another node has it.
    async fn lease(&self, _projection: Projection) -> Result<Option<Box<dyn Lease>>, ViewsError> {
        Ok(Some(Box::new(Alone)))
    }

    /// The right to deliver webhooks; none while another node has it.
    async fn delivering(&self) -> Result<Option<Box<dyn Lease>>, ViewsError> {
        Ok(Some(Box::new(Alone)))
    }

    /// The right to delete what rules do not keep; none while another node has it.
    async fn expiring(&self) -> Result<Option<Box<dyn Lease>>, ViewsError> {
        Ok(Some(Box::new(Alone)))
    }

    /// For a store that several nodes share: what tells this one how far the views are. None for a store of one process.
    fn watch(&self) -> Option<Box<dyn Watch>> {
        None
    }

    /// Whether readers of this node see what was folded only some time after it was.
    fn reads_elsewhere(&self) -> bool {
        false
    }
}
