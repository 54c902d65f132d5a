//! The official client, behind what the rest needs of it: bounded, with deadlines, and replaced when it fails.
//!
//! A client whose connection failed may never recover, so that a new one takes its place.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use eventstore::{
    AppendToStreamOptions, ClientSettings, CurrentRevision, Error, EventData, ReadAllOptions, ReadStreamOptions,
    StreamMetadataBuilder, StreamPosition, StreamState, SubscribeToAllOptions,
};
use tokio::{runtime::Handle, sync::Semaphore, time::timeout};

mod reading;

use self::reading::LogSubscription;
use self::reading::{Question, log, place};
use super::{
    ConnectError,
    stored::{Stored, received},
};
use crate::port::{Filter, Position, StoreError};

/// Appends under way at once; from about 100 on the server answers with errors.
const MOST_APPENDS: usize = 64;
/// Readings under way at once.
const MOST_READINGS: usize = 32;
/// How long one answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// A client is replaced no more often than this.
const REPLACED_EVERY: Duration = Duration::from_millis(250);

/// Where a reading of a stream begins.
#[derive(Debug, Clone, Copy)]
pub(super) enum ReadFrom {
    /// Forwards, above a version.
    After(u64),
    /// Backwards, from the last event.
    End,
}

/// What became of an append.
#[derive(Debug)]
pub(super) enum Answer {
    /// It is there; the position is the last event's.
    Appended { position: Position },
    /// The stream has another version.
    WrongVersion { actual: u64 },
    /// Nobody knows: the connection failed, or the server did.
    Unknown(StoreError),
    /// It was refused for what it is: sending it again will not help.
    Refused(StoreError),
}

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct Client(Arc<Inner>);

struct Inner {
    settings: ClientSettings,
    handle: Handle,
    current: Mutex<Current>,
    appends: Semaphore,
    readings: Semaphore,
}

struct Current {
    client: eventstore::Client,
    generation: u64,
    since: Instant,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.hosts()).finish()
    }
}

impl Client {
    pub(super) fn new(connection: &str) -> Result<Self, ConnectError> {
        // what the parser says may repeat the string, and with it a password
        let settings = connection.parse::<ClientSettings>().map_err(|error| {
            let why = error.error().map_or_else(|| "an option of it is not understood".to_owned(), ToString::to_string);
            ConnectError::ConnectionString(why)
        })?;
        let handle = Handle::current();
        let client = eventstore::Client::with_runtime_handle(handle.clone(), settings.clone())
            .map_err(|error| ConnectError::ConnectionString(one_line(&error)))?;
        let current = Mutex::new(Current { client, generation: 0, since: Instant::now() });
        let (appends, readings) = (Semaphore::new(MOST_APPENDS), Semaphore::new(MOST_READINGS));
        Ok(Self(Arc::new(Inner { settings, handle, current, appends, readings })))
    }

    /// Hosts and ports, for people.
    pub(super) fn hosts(&self) -> String {
        let hosts = self.0.settings.hosts().iter().map(|host| format!("{}:{}", host.host, host.port));
        hosts.collect::<Vec<_>>().join(", ")
    }

    /// The first question: is anybody there, and may we? Tells the head.
    pub(super) async fn greet(&self) -> Result<Position, ConnectError> {
        let hosts = self.hosts();
        let refused = |error: StoreError| ConnectError::Unreachable { hosts: self.hosts(), why: error.to_string() };
        match timeout(ANSWER_WITHIN, Question::head().ask(&self.current().0, 1)).await {
            Ok(Ok(last)) => match last.into_iter().next().map(received).transpose() {
                Ok(last) => Ok(last.map_or(Position::START, |last| last.event.position)),
                Err(error) => Err(refused(error)),
            },
            Ok(Err(Error::AccessDenied)) => Err(ConnectError::Refused { hosts }),
            Ok(Err(error)) => Err(ConnectError::Unreachable { hosts, why: one_line(&error) }),
            Err(_) => Err(ConnectError::Unreachable { hosts, why: "it does not answer".to_owned() }),
        }
    }

    fn current(&self) -> (eventstore::Client, u64) {
        let current = self.0.current.lock().unwrap_or_else(PoisonError::into_inner);
        (current.client.clone(), current.generation)
    }

    /// Puts a new client in the place of one that failed, unless somebody has.
    fn replace(&self, failed: u64) {
        let mut current = self.0.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.generation != failed || current.since.elapsed() < REPLACED_EVERY {
            return;
        }
        match eventstore::Client::with_runtime_handle(self.0.handle.clone(), self.0.settings.clone()) {
            Ok(client) => *current = Current { client, generation: failed + 1, since: Instant::now() },
            Err(error) => tracing::error!(error = one_line(&error), "no new connection to KurrentDB can be made"),
        }
    }

    /// Notes a failure of the connection, and says what the store's users are told.
    fn failed(&self, generation: u64, error: &Error) -> StoreError {
        tracing::warn!(error = one_line(error), "KurrentDB does not answer as it should");
        self.replace(generation);
        StoreError::Unavailable(one_line(error))
    }

    fn late(&self, generation: u64) -> StoreError {
        self.replace(generation);
        StoreError::Unavailable("KurrentDB does not answer in time".to_owned())
    }

    /// Appends events to a stream of this version; to one of any version where none is given.
    pub(super) async fn append(&self, stream: &str, expected: Option<u64>, events: Vec<EventData>) -> Answer {
        let Ok(_permit) = self.0.appends.acquire().await else { return Answer::Unknown(closed()) };
        let state = match expected {
            None => StreamState::Any,
            Some(0) => StreamState::NoStream,
            Some(version) => StreamState::StreamRevision(version - 1),
        };
        let options = AppendToStreamOptions::default().stream_state(state).deadline(ANSWER_WITHIN);
        let (client, generation) = self.current();
        match timeout(ANSWER_WITHIN, client.append_to_stream(stream, &options, events)).await {
            Ok(Ok(written)) => Answer::Appended { position: Position::new(written.position.commit) },
            Ok(Err(Error::WrongExpectedVersion { current, .. })) => Answer::WrongVersion {
                actual: match current {
                    CurrentRevision::Current(revision) => revision + 1,
                    CurrentRevision::NoStream => 0,
                },
            },
            Ok(Err(error @ (Error::AccessDenied | Error::ResourceDeleted | Error::UnsupportedFeature))) => {
                Answer::Refused(StoreError::Unavailable(one_line(&error)))
            }
            Ok(Err(Error::Grpc { code, message })) if message.contains("Append Size") => {
                Answer::Refused(StoreError::Unavailable(format!("{code}: {message}")))
            }
            Ok(Err(error)) => Answer::Unknown(self.failed(generation, &error)),
            Err(_) => Answer::Unknown(self.late(generation)),
        }
    }

    /// Events of a stream, at most so many; none of one that is not there.
    pub(super) async fn read_stream(
        &self,
        stream: &str,
        from: ReadFrom,
        limit: usize,
    ) -> Result<Vec<Stored>, StoreError> {
        if limit == 0 || matches!(from, ReadFrom::After(u64::MAX)) {
            return Ok(Vec::new());
        }
        let options = ReadStreamOptions::default().max_count(limit);
        let options = match from {
            ReadFrom::After(after) => options.position(StreamPosition::Position(after)),
            ReadFrom::End => options.position(StreamPosition::End),
        };
        self.ask(&Question::Stream(stream, options), limit).await
    }

    /// Events of the log after a position, at most so many that the filter admits.
    pub(super) async fn read_all(
        &self,
        after: Position,
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<Stored>, StoreError> {
        // no choice at all is no prefix at all over there, and lets everything through
        let nothing = match filter {
            Filter::All => false,
            Filter::Categories(categories) => categories.is_empty(),
            Filter::Streams(choices) => choices.is_empty(),
        };
        if nothing {
            return Ok(Vec::new());
        }
        // the event at the position comes, too
        let options = ReadAllOptions::default().position(place(after)).filter(reading::of(filter)).max_count(limit + 1);
        let mut events = self.ask(&Question::All(options), limit + 1).await?;
        events.retain(|stored| stored.event.position > after);
        events.truncate(limit);
        Ok(events)
    }

    /// The event at a position that was told before.
    pub(super) async fn event_at(&self, position: Position) -> Result<Option<Stored>, StoreError> {
        let options = ReadAllOptions::default().position(place(position)).max_count(1);
        let events = self.ask(&Question::All(options), 1).await?;
        Ok(events.into_iter().next().filter(|stored| stored.event.position == position))
    }

    /// The position of the last event.
    pub(super) async fn head(&self) -> Result<Position, StoreError> {
        let last = self.ask(&Question::head(), 1).await?;
        Ok(last.first().map_or(Position::START, |last| last.event.position))
    }

    /// Asks, and once more on another connection when the first has failed: it may have been cut long ago.
    async fn ask(&self, question: &Question<'_>, limit: usize) -> Result<Vec<Stored>, StoreError> {
        let _permit = self.0.readings.acquire().await.map_err(|_| closed())?;
        let (client, first) = self.current();
        match timeout(ANSWER_WITHIN, question.ask(&client, limit)).await {
            Ok(Ok(events)) => return events.into_iter().map(received).collect(),
            Ok(Err(error)) => drop(self.failed(first, &error)),
            Err(_) => return Err(self.late(first)),
        }
        let (client, second) = self.current();
        match timeout(ANSWER_WITHIN, question.ask(&client, limit)).await {
            Ok(Ok(events)) => events.into_iter().map(received).collect(),
            Ok(Err(error)) => Err(self.failed(second, &error)),
            Err(_) => Err(self.late(second)),
        }
    }

    /// Subscribes to the log after a position.
    pub(super) async fn subscribe(&self, after: Position) -> LogSubscription {
        let (client, generation) = self.current();
        let options = SubscribeToAllOptions::default().position(place(after)).filter(log());
        let subscription = client.subscribe_to_all(&options).await;
        LogSubscription { client: self.clone(), generation, subscription }
    }

    /// Lets a stream keep its newest event only.
    pub(super) async fn keep_newest_only(&self, stream: &str) -> Result<(), StoreError> {
        let (client, generation) = self.current();
        let metadata = StreamMetadataBuilder::new().max_count(1).build();
        let options = AppendToStreamOptions::default().deadline(ANSWER_WITHIN);
        match timeout(ANSWER_WITHIN, client.set_stream_metadata(stream, &options, &metadata)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(self.failed(generation, &error)),
            Err(_) => Err(self.late(generation)),
        }
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".to_owned())
}

fn one_line(error: &impl ToString) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}
