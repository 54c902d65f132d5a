//! Views as they stood at any position of the log.
//!
//! The streams that are concerned are folded up to there, by the fold that fills the serving views, into tables of their own, and
//! asked by the queries that ask those: what they answer is what was answered then. What was erased since has no key any more and
//! stays closed, in every past. The tables are files that go with the answer.

mod gathering;

use std::{
    fs, io,
    ops::Deref,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tidings_domain::{ConversationId, StreamId, UserId};
use tidings_event_store::{KeyError, Position, StoreError, Streams};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::timeout,
};

use crate::{
    queries::QueryError,
    runner::{Log, ViewsError},
    sqlite::PastQueries,
};
use gathering::Gathering;

/// How much one look back may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastLimits {
    /// The most events that are folded for one answer.
    pub events: usize,
    /// The most bytes of them.
    pub bytes: usize,
    /// The longest it may take.
    pub within: Duration,
    /// How many are made at once; others wait.
    pub at_once: usize,
    /// How long they wait.
    pub patience: Duration,
}

impl Default for PastLimits {
    fn default() -> Self {
        Self {
            events: 300_000,
            bytes: 128 << 20,
            within: Duration::from_secs(30),
            at_once: 2,
            patience: Duration::from_secs(5),
        }
    }
}

/// Why there is no past.
#[derive(Debug, thiserror::Error)]
pub enum PastError {
    /// It would take more than the limits allow.
    #[error("looking back so would take more than {events} events or {} MiB of them", .bytes >> 20)]
    TooMuch {
        /// See [`PastLimits::events`].
        events: usize,
        /// See [`PastLimits::bytes`].
        bytes: usize,
    },
    /// Too many look back already, or it took too long.
    #[error("others look back, too")]
    Busy,
    /// The log does not answer as it should.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keys cannot be had.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The tables cannot be filled.
    #[error(transparent)]
    Views(#[from] ViewsError),
    /// They cannot be asked.
    #[error(transparent)]
    Query(#[from] QueryError),
}

/// Makes views as they stood.
pub struct PastViews {
    log: Log,
    room: PathBuf,
    limits: PastLimits,
    turns: Arc<Semaphore>,
}

impl PastViews {
    /// Over a log, in a directory of its own: whatever an interrupted look back has left there is removed.
    pub fn open(log: Log, room: &Path, limits: PastLimits) -> io::Result<Self> {
        match fs::remove_dir_all(room) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        Ok(Self { log, room: room.to_owned(), limits, turns: Arc::new(Semaphore::new(limits.at_once)) })
    }

    /// These conversations as of a position, with everybody who ever was in them until then. With a reader, what others have read
    /// is left out.
    pub async fn conversations(
        &self,
        ids: &[ConversationId],
        reader: Option<UserId>,
        as_of: Position,
    ) -> Result<Past, PastError> {
        let said = |id: &ConversationId| {
            let changes = Streams::Under(format!("message-{}-", id.uuid().simple()));
            [Streams::Named(StreamId::Conversation(*id).name()), changes]
        };
        let read = |id: &ConversationId| match reader {
            Some(reader) => Streams::Named(StreamId::Reader(*id, reader).name()),
            None => Streams::Under(format!("reader-{id}-")),
        };
        let said: Vec<_> = ids.iter().flat_map(said).collect();
        self.in_turn(async {
            let concerned = Gathering::new(&self.log, self.limits, &said, as_of).concerned().await?;
            let all: Vec<_> = said.iter().cloned().chain(ids.iter().map(read)).chain(concerned).collect();
            self.fold(&all, as_of).await
        })
        .await
    }

    /// These accounts as of a position.
    pub async fn users(&self, ids: &[UserId], as_of: Position) -> Result<Past, PastError> {
        let streams = ids.iter().flat_map(|id| [StreamId::User(*id), StreamId::Factor(*id)]);
        let streams: Vec<_> = streams.map(|stream| Streams::Named(stream.name())).collect();
        self.in_turn(self.fold(&streams, as_of)).await
    }

    /// All accounts as of a position.
    pub async fn directory(&self, as_of: Position) -> Result<Past, PastError> {
        let all = ["user-", "factor-"].map(|prefix| Streams::Under(prefix.to_owned()));
        self.in_turn(self.fold(&all, as_of)).await
    }

    /// Not with too many others, and not for too long.
    async fn in_turn(&self, made: impl Future<Output = Result<PastQueries, PastError>>) -> Result<Past, PastError> {
        let turn = timeout(self.limits.patience, self.turns.clone().acquire_owned()).await;
        let turn = turn.map_err(|_| PastError::Busy)?.map_err(|_| PastError::Busy)?;
        let queries = timeout(self.limits.within, made).await.map_err(|_| PastError::Busy)??;
        Ok(Past { queries, _turn: turn })
    }

    /// Reads and opens while what was read before is being folded.
    async fn fold(&self, choices: &[Streams], as_of: Position) -> Result<PastQueries, PastError> {
        let (sender, receiver) = mpsc::channel(1);
        let reading = async move {
            let mut gathering = Gathering::new(&self.log, self.limits, choices, as_of);
            loop {
                let some = gathering.next_opened().await?;
                // whoever does not take it in any more says why
                if some.is_empty() || sender.send(some).await.is_err() {
                    return Ok::<_, PastError>(());
                }
            }
        };
        let (read, folded) = tokio::join!(reading, PastQueries::fill(&self.room, receiver, as_of));
        read?;
        Ok(folded?)
    }
}

/// Views as they stood. They go with this.
pub struct Past {
    queries: PastQueries,
    _turn: OwnedSemaphorePermit,
}

impl Deref for Past {
    type Target = PastQueries;

    fn deref(&self) -> &PastQueries {
        &self.queries
    }
}
