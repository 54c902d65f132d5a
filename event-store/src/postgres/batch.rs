//! Appends as the columns that the database's function takes, and its answers as theirs.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use sqlx::{
    Row,
    postgres::{PgConnection, PgRow},
};
use tidings_domain::{StreamName, Timestamp};
use uuid::Uuid;

use crate::port::{AppendError, Appended, CommandId, CommandKey, Position, RecordedEvent, StreamAppend};

const APPEND: &str = "SELECT outcomes, vals, head, recorded
    FROM tidings_events.append_2($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";

/// What the function answers for an append; anything else is another version than the expected one.
const APPENDED: i32 = 0;
const DUPLICATE: i32 = 2;

/// Parts appends so that no command comes twice in one part: whether the second is a repetition depends on what becomes of
/// the first.
pub(super) fn parts(appends: Vec<StreamAppend>) -> Vec<Vec<StreamAppend>> {
    let mut parts = vec![];
    let mut part = vec![];
    let mut commands: HashSet<CommandId> = HashSet::new();
    for append in appends {
        if commands_of(&append).any(|command| commands.contains(&command.id)) {
            parts.push(std::mem::take(&mut part));
            commands.clear();
        }
        commands.extend(commands_of(&append).map(|command| command.id));
        part.push(append);
    }
    parts.push(part);
    parts
}

fn commands_of(append: &StreamAppend) -> impl Iterator<Item = CommandKey> {
    append.events.iter().filter_map(|event| event.command)
}

/// Which event of an append comes with a command that an earlier one came with. Such an append may not be written.
fn repetition(append: &StreamAppend) -> Option<usize> {
    let mut seen = HashSet::new();
    append.events.iter().position(|event| event.command.is_some_and(|command| !seen.insert(command.id)))
}

/// One column for each parameter of the function.
#[derive(Default)]
struct Columns<'a> {
    places: HashMap<&'a StreamName, i32>,
    stream_names: Vec<&'a str>,
    stream_categories: Vec<&'a str>,
    /// The least that an append expects of each.
    stream_expected: Vec<i64>,
    append_stream: Vec<i32>,
    append_expected: Vec<i64>,
    append_events: Vec<i32>,
    event_append: Vec<i32>,
    event_version: Vec<i64>,
    event_id: Vec<Uuid>,
    event_name: Vec<&'a str>,
    event_data: Vec<&'a [u8]>,
    event_metadata: Vec<&'a [u8]>,
    command_append: Vec<i32>,
    /// The place of its first event, from 1; 0 where it only asks.
    command_event: Vec<i32>,
    command_ids: Vec<Uuid>,
    command_fingerprints: Vec<Uuid>,
}

/// A count in a batch, which is far from 2^31.
fn small(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

impl<'a> Columns<'a> {
    fn add(&mut self, append: &'a StreamAppend) {
        let expected = append.expected_version.cast_signed();
        let place = match self.places.get(&append.stream) {
            Some(place) => *place,
            None => self.add_stream(&append.stream, expected),
        };
        if let Some(least) = usize::try_from(place - 1).ok().and_then(|place| self.stream_expected.get_mut(place)) {
            *least = expected.min(*least);
        }
        // One that repeats a command within itself is only judged, like a barrier: by what comes before the repetition.
        let repetition = repetition(append);
        let events = repetition.map_or(append.events.len(), |_| 0);
        self.append_stream.push(place);
        self.append_expected.push(expected);
        self.append_events.push(small(events));
        let nth = small(self.append_stream.len());
        let judged = append.events.iter().zip(expected + 1..);
        for (event, version) in judged.take(repetition.unwrap_or(events)) {
            if let Some(command) = event.command {
                self.command_append.push(nth);
                self.command_event.push(if repetition.is_none() { small(self.event_append.len() + 1) } else { 0 });
                self.command_ids.push(Uuid::from_bytes(command.id.0));
                self.command_fingerprints.push(Uuid::from_bytes(command.fingerprint.0));
            }
            if repetition.is_none() {
                self.event_append.push(nth);
                self.event_version.push(version);
                self.event_id.push(event.id);
                self.event_name.push(event.name);
                self.event_data.push(&event.data);
                self.event_metadata.push(&event.metadata);
            }
        }
    }

    fn add_stream(&mut self, stream: &'a StreamName, expected: i64) -> i32 {
        self.stream_names.push(stream.as_str());
        self.stream_categories.push(stream.category());
        self.stream_expected.push(expected);
        let place = small(self.stream_names.len());
        self.places.insert(stream, place);
        place
    }

    async fn send(&self, connection: &mut PgConnection) -> sqlx::Result<PgRow> {
        sqlx::query(APPEND)
            .bind(&self.stream_names)
            .bind(&self.stream_categories)
            .bind(&self.stream_expected)
            .bind(&self.append_stream)
            .bind(&self.append_expected)
            .bind(&self.append_events)
            .bind(&self.event_append)
            .bind(&self.event_version)
            .bind(&self.event_id)
            .bind(&self.event_name)
            .bind(&self.event_data)
            .bind(&self.event_metadata)
            .bind(&self.command_append)
            .bind(&self.command_event)
            .bind(&self.command_ids)
            .bind(&self.command_fingerprints)
            .fetch_one(connection)
            .await
    }
}

/// What became of a part: durable when it is here.
pub(super) struct Written {
    pub(super) answers: Vec<Result<Appended, AppendError>>,
    pub(super) events: Vec<Arc<RecordedEvent>>,
    /// Where the log ended before.
    pub(super) before: Position,
}

/// Judges and writes a part in one statement. Nothing of it is in the log after an error that PostgreSQL answered with; after
/// the loss of the connection all of what was right may be.
pub(super) async fn write(connection: &mut PgConnection, appends: Vec<StreamAppend>) -> sqlx::Result<Written> {
    let mut columns = Columns::default();
    for append in &appends {
        columns.add(append);
    }
    let row = columns.send(connection).await?;
    let before = position(row.try_get(2)?);
    let recorded_at = Timestamp::from_millis(row.try_get::<Option<i64>, _>(3)?.unwrap_or_default());
    let (outcomes, values) = match row.try_get(0)? {
        Some(outcomes) => (outcomes, row.try_get(1)?),
        None => in_order(before, &columns),
    };
    let command_ids = columns.command_ids;
    let mut written = Written { answers: Vec::with_capacity(appends.len()), events: vec![], before };
    for (append, (outcome, value)) in appends.into_iter().zip(outcomes.into_iter().zip(values)) {
        let answer = match outcome {
            APPENDED => match repetition(&append).and_then(|nth| append.events[nth].command) {
                Some(command) => Err(AppendError::DuplicateCommand(command.id)),
                None => Ok(written.accept(append, position(value), recorded_at)),
            },
            DUPLICATE => {
                let id = usize::try_from(value - 1).ok().and_then(|nth| command_ids.get(nth));
                let id = id.ok_or_else(|| sqlx::Error::Protocol("an answer for a command that was not sent".into()))?;
                Err(AppendError::DuplicateCommand(CommandId(id.into_bytes())))
            }
            _ => Err(AppendError::WrongExpectedVersion { actual: value.cast_unsigned() }),
        };
        written.answers.push(answer);
    }
    Ok(written)
}

/// The answers for a batch that was written as it is.
fn in_order(before: Position, columns: &Columns<'_>) -> (Vec<i32>, Vec<i64>) {
    let mut last = before.get().cast_signed();
    let mut after = |events: &i32| {
        last += i64::from(*events);
        last
    };
    (vec![APPENDED; columns.append_events.len()], columns.append_events.iter().map(&mut after).collect())
}

impl Written {
    fn accept(&mut self, append: StreamAppend, last: Position, recorded_at: Timestamp) -> Appended {
        let version = append.expected_version + append.events.len() as u64;
        let first = last.get() + 1 - append.events.len() as u64;
        for (event, nth) in append.events.into_iter().zip(0..) {
            self.events.push(Arc::new(RecordedEvent {
                position: Position::new(first + nth),
                stream: append.stream.clone(),
                version: append.expected_version + 1 + nth,
                id: event.id,
                name: event.name.into(),
                recorded_at,
                data: event.data,
                metadata: event.metadata,
            }));
        }
        Appended { position: last, version }
    }
}

const fn position(number: i64) -> Position {
    Position::new(number.cast_unsigned())
}
