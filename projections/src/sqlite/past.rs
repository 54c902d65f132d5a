//! Views as they stood, in files of their own: filled once, asked, and gone.

use std::{
    fs, io,
    ops::Deref,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use rusqlite::Connection;
use tidings_domain::ConversationId;
use tidings_event_store::{DecodedEvent, Position};
use tokio::{runtime::Handle, sync::mpsc};
use uuid::Uuid;

use super::{
    backend::SqliteBackend,
    error::views_error,
    files::{GenerationFile, Waits},
    pool::Pool,
    queries::{SqliteQueries, conversation_of, messages_of},
    schema::shape,
};
use crate::{
    fold::Folding,
    model::{Conversation, Message, MessageAnchor, Page},
    queries::{Answer, Queries},
    runner::{Batch, Generation, OnPoison, Poison, Projection, ViewsError},
};

/// What is to be folded, in one transaction each.
pub(crate) type Events = mpsc::Receiver<Vec<Result<DecodedEvent, Poison>>>;

/// The questions, as they would have been answered then; and some that only auditors ask.
pub struct PastQueries {
    queries: SqliteQueries,
    pool: Arc<Pool>,
    // after what has files in it open
    _room: Room,
}

/// A directory that goes with whoever has it.
struct Room(PathBuf);

impl Room {
    fn below(directory: &Path) -> io::Result<Self> {
        let room = directory.join(Uuid::new_v4().to_string());
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&room)?;
        Ok(Self(room))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, path = %self.0.display(), "a view of the past could not be removed");
        }
    }
}

impl PastQueries {
    /// Folds events, which come in order, in a directory below this one.
    pub(crate) async fn fill(directory: &Path, events: Events, as_of: Position) -> Result<Self, ViewsError> {
        let directory = directory.to_owned();
        let here = Handle::current();
        // folding takes long and waits for nobody: not on a thread that serves
        let filled = tokio::task::spawn_blocking(move || here.block_on(fill(&directory, events, as_of)));
        filled.await.map_err(|error| ViewsError::Unavailable(error.to_string()))?
    }

    /// A conversation as nobody in particular sees it.
    pub fn conversation_of(&self, id: ConversationId) -> Answer<Option<Conversation>> {
        self.pool.read(|db| Ok(conversation_of(db, id)?))
    }

    /// Its messages, also those that somebody has hidden; always newest first.
    pub fn messages_of(
        &self,
        id: ConversationId,
        anchor: MessageAnchor,
        limit: usize,
    ) -> Answer<Option<Page<Message, MessageAnchor>>> {
        self.pool.read(|db| Ok(messages_of(db, id, anchor, limit)?))
    }
}

impl Deref for PastQueries {
    type Target = dyn Queries;

    fn deref(&self) -> &Self::Target {
        &self.queries
    }
}

async fn fill(directory: &Path, mut events: Events, as_of: Position) -> Result<PastQueries, ViewsError> {
    let room = Room::below(directory).map_err(|error| ViewsError::Unavailable(error.to_string()))?;
    let (mut directory, mut conversations) =
        (begin(&room, Projection::Directory).await?, begin(&room, Projection::Conversations).await?);
    let mut after = Position::START;
    while after < as_of {
        let some = events.recv().await.unwrap_or_default();
        let to = match some.last() {
            Some(Ok(last)) => last.recorded.position,
            Some(Err(last)) => last.recorded.position,
            None => as_of,
        };
        let batch = Batch { after, to, events: some };
        directory.apply(&batch, OnPoison::Park).await?;
        conversations.apply(&batch, OnPoison::Park).await?;
        after = to;
    }
    let pool = Arc::new(Pool::default());
    for mut folded in [directory, conversations] {
        folded.persist().await?;
        pool.serve(end(folded).map_err(|error| views_error(&error))?);
    }
    Ok(PastQueries { queries: SqliteQueries::new(pool.clone()), pool, _room: room })
}

async fn begin(room: &Room, projection: Projection) -> Result<Folding<SqliteBackend>, ViewsError> {
    let file = Arc::new(GenerationFile::new(&room.0, projection, 1, Waits::Never));
    let begin = |file: &Arc<GenerationFile>| -> rusqlite::Result<SqliteBackend> {
        SqliteBackend::new(file.clone(), file.create(&shape(projection))?, true)
    };
    let backend = begin(&file).map_err(|error| views_error(&error))?;
    // nothing is put off: nobody finishes it
    Ok(Folding::open(backend, Position::START, false).await?)
}

/// What serves after the last of it is folded: with its indexes, and nobody holds it alone any more.
fn end(folded: Folding<SqliteBackend>) -> rusqlite::Result<Arc<GenerationFile>> {
    let SqliteBackend { db, file, .. } = folded.backend;
    for statements in shape(file.projection).indexes {
        db.execute_batch(statements)?;
    }
    Connection::close(db).map_err(|(_, error)| error)?;
    Ok(file)
}
