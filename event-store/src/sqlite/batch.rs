//! Judging what waits: which appends are right, and what they become in the log.

use std::{collections::HashSet, sync::Arc};

use tidings_domain::{StreamName, Timestamp};

use super::session::{Session, Stream};
use crate::port::{AppendError, Appended, CommandId, CommandKey, NewEvent, Position, RecordedEvent, StreamAppend};

/// An event and the id of its stream.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) stream: i64,
    pub(super) event: Arc<RecordedEvent>,
}

/// What one transaction is to write, and the answers to give when it is durable.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) new_streams: Vec<(i64, StreamName)>,
    pub(super) rows: Vec<Row>,
    pub(super) commands: Vec<(CommandKey, Position)>,
    pub(super) answers: Vec<Result<Appended, AppendError>>,
    command_ids: HashSet<CommandId>,
}

impl Batch {
    /// Judges appends in order, each as if those before it were in the log. An error is the database's, not an append's.
    pub(super) fn judge(session: &mut Session, appends: Vec<StreamAppend>, now: Timestamp) -> rusqlite::Result<Self> {
        let mut batch = Self::default();
        for append in appends {
            let answer = batch.judge_one(session, append, now)?;
            batch.answers.push(answer);
        }
        // Their ids are random: in order, a large batch touches each page of their table once.
        batch.commands.sort_unstable_by_key(|(command, _)| command.id);
        Ok(batch)
    }

    fn judge_one(
        &mut self,
        session: &mut Session,
        append: StreamAppend,
        now: Timestamp,
    ) -> rusqlite::Result<Result<Appended, AppendError>> {
        let stream = session.stream(&append.stream)?;
        let actual = stream.map_or(0, |stream| stream.version);
        if actual != append.expected_version {
            return Ok(Err(AppendError::WrongExpectedVersion { actual }));
        }
        if let Some(duplicate) = self.duplicate(session, &append.events)? {
            return Ok(Err(AppendError::DuplicateCommand(duplicate)));
        }
        if append.events.is_empty() {
            return Ok(Ok(Appended { position: session.head, version: actual }));
        }
        Ok(Ok(self.accept(session, append, stream, now)))
    }

    /// The first command among these that is in the log, in this batch, or here twice.
    fn duplicate(&mut self, session: &Session, events: &[NewEvent]) -> rusqlite::Result<Option<CommandId>> {
        let ids = || events.iter().filter_map(|event| event.command.map(|command| command.id));
        for (nth, id) in ids().enumerate() {
            if self.command_ids.contains(&id)
                || ids().take(nth).any(|other| other == id)
                || session.knows_command(id)?
            {
                return Ok(Some(id));
            }
        }
        self.command_ids.extend(ids());
        Ok(None)
    }

    fn accept(
        &mut self,
        session: &mut Session,
        append: StreamAppend,
        stream: Option<Stream>,
        now: Timestamp,
    ) -> Appended {
        let mut stream = stream.unwrap_or_else(|| {
            let id = session.next_stream();
            self.new_streams.push((id, append.stream.clone()));
            Stream { id, version: 0 }
        });
        for new in append.events {
            stream.version += 1;
            let position = session.next_position();
            self.commands.extend(new.command.map(|command| (command, position)));
            let event = RecordedEvent {
                position,
                stream: append.stream.clone(),
                version: stream.version,
                id: new.id,
                name: session.name(new.name),
                recorded_at: now,
                data: new.data,
                metadata: new.metadata,
            };
            self.rows.push(Row { stream: stream.id, event: Arc::new(event) });
        }
        session.remember(append.stream, stream);
        Appended { position: session.head, version: stream.version }
    }
}
