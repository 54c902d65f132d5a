//! One turn of a lane: gather, judge, send, answer.

use std::time::{Duration, Instant};

use tidings_domain::StreamName;
use tokio::time::sleep;

use super::{Inner, Waiting, weight};
use crate::{
    kurrentdb::{
        client::{Answer, ReadFrom},
        stored::to_send,
    },
    port::{AppendError, Appended, NewEvent, Position, StoreError, StreamAppend},
};

/// The most that goes as one append of many. One alone may be larger, up to what the server takes.
const MAX_MERGED_BYTES: usize = 512 * 1024;
const MAX_MERGED_EVENTS: usize = 2_000;

/// KurrentDB refuses appends above 1 MiB; each event has some bytes beside its own.
const LARGEST_APPEND: usize = 1024 * 1024;
const BYTES_BESIDE: usize = 256;

/// For how long an append is sent again when nobody knows what became of it, and with what pauses.
const SENT_FOR: Duration = Duration::from_secs(8);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What became of a merged append.
enum Sent {
    /// The positions of its events, when more than the last is known.
    Done(Positions),
    Wrong {
        actual: u64,
    },
    Failed(StoreError),
}

enum Positions {
    Last(Position),
    Each(Vec<Position>),
}

impl Inner {
    pub(super) async fn turn(&self, mut first: Waiting) {
        for earlier in &mut first.earlier {
            // ends with an error, for nothing is ever sent: the other one was answered
            earlier.changed().await.ok();
        }
        if let Err(error) = self.judge(&first.append).await {
            return self.answer(first, Err(error));
        }
        if first.append.events.is_empty() {
            let outcome = self.barrier(&first.append).await;
            return self.answer(first, outcome);
        }
        let group = self.gather(first);
        let (stream, version) = (group[0].append.stream.clone(), group[0].append.expected_version);
        let events: Vec<NewEvent> = group.iter().flat_map(|waiting| waiting.append.events.clone()).collect();
        let merged = group.len() > 1;
        let begun = Instant::now();
        match self.send(&stream, version, &events, merged).await {
            Sent::Done(positions) => {
                metrics::histogram!("tidings_log_commit_seconds").record(begun.elapsed());
                metrics::histogram!("tidings_log_batch_events")
                    .record(f64::from(u32::try_from(events.len()).unwrap_or(u32::MAX)));
                self.done(group, &positions);
            }
            Sent::Wrong { actual } => self.wrong(&stream, group, actual),
            Sent::Failed(error) => {
                metrics::counter!("tidings_log_failed_batches_total").increment(1);
                for waiting in group {
                    self.answer(waiting, Err(error.clone().into()));
                }
            }
        }
    }

    /// Whether it may be sent at all.
    async fn judge(&self, append: &StreamAppend) -> Result<(), AppendError> {
        let bytes = weight(&append.events) + append.events.len() * BYTES_BESIDE;
        if bytes > LARGEST_APPEND {
            let why = format!("an append of {bytes} bytes is larger than KurrentDB takes ({LARGEST_APPEND})");
            return Err(StoreError::Unavailable(why).into());
        }
        self.judge.prepare(append).await?;
        match self.judge.repeated(&append.events)? {
            Some(command) => Err(AppendError::DuplicateCommand(command)),
            None => Ok(()),
        }
    }

    /// The first, with those behind it that build on it and have nothing to wait for.
    fn gather(&self, first: Waiting) -> Vec<Waiting> {
        let stream = first.append.stream.clone();
        let mut version = first.append.expected_version + first.append.events.len() as u64;
        let (mut bytes, mut count) = (weight(&first.append.events), first.append.events.len());
        let mut group = vec![first];
        while let Some(next) = self.next_if(&stream, |next| {
            let events = &next.append.events;
            !events.is_empty()
                && next.append.expected_version == version
                && bytes + weight(events) <= MAX_MERGED_BYTES
                && count + events.len() <= MAX_MERGED_EVENTS
                && next.earlier.iter().all(|earlier| earlier.has_changed().is_err())
                && matches!(self.judge.repeated(events), Ok(None))
        }) {
            version += next.append.events.len() as u64;
            bytes += weight(&next.append.events);
            count += next.append.events.len();
            group.push(next);
        }
        group
    }

    /// Sends until it is known what became of it: the same events at the same version are appended once, however often
    /// they are sent.
    async fn send(&self, stream: &StreamName, version: u64, events: &[NewEvent], each: bool) -> Sent {
        let (begun, mut pause, mut doubtful) = (Instant::now(), FIRST_PAUSE, false);
        loop {
            let data = match events.iter().map(to_send).collect() {
                Ok(data) => data,
                Err(error) => return Sent::Failed(error),
            };
            let error = match self.client.append(stream.as_str(), Some(version), data).await {
                Answer::Appended { position } if !doubtful && !each => {
                    return Sent::Done(Positions::Last(position));
                }
                Answer::WrongVersion { actual } if !doubtful => return Sent::Wrong { actual },
                // the answer to what was there before may tell anything: what is there is read
                Answer::Appended { .. } | Answer::WrongVersion { .. } => {
                    match self.look(stream, version, events).await {
                        Ok(sent) => return sent,
                        Err(error) => error,
                    }
                }
                Answer::Refused(error) => return Sent::Failed(error),
                Answer::Unknown(error) => error,
            };
            doubtful = true;
            if begun.elapsed() > SENT_FOR {
                return Sent::Failed(error);
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Whether these events stand at this version.
    async fn look(&self, stream: &StreamName, version: u64, events: &[NewEvent]) -> Result<Sent, StoreError> {
        let there = self.client.read_stream(stream.as_str(), ReadFrom::After(version), events.len()).await?;
        let same = there.len() == events.len() && there.iter().zip(events).all(|(there, new)| there.event.id == new.id);
        if same {
            let positions = there.into_iter().map(|stored| stored.event.position).collect();
            return Ok(Sent::Done(Positions::Each(positions)));
        }
        Ok(Sent::Wrong { actual: self.version(stream).await? })
    }

    async fn version(&self, stream: &StreamName) -> Result<u64, StoreError> {
        let last = self.client.read_stream(stream.as_str(), ReadFrom::End, 1).await?;
        Ok(last.first().map_or(0, |last| last.event.version))
    }

    async fn barrier(&self, append: &StreamAppend) -> Result<Appended, AppendError> {
        let version = self.version(&append.stream).await?;
        if version != append.expected_version {
            return Err(AppendError::WrongExpectedVersion { actual: version });
        }
        let position = self.judge.fresh_head().await?;
        Ok(Appended { position, version })
    }

    fn done(&self, group: Vec<Waiting>, positions: &Positions) {
        let mut before = 0;
        for waiting in group {
            let StreamAppend { expected_version, events, .. } = &waiting.append;
            before += events.len();
            let position = match positions {
                Positions::Last(position) => *position,
                Positions::Each(each) => each[before - 1],
            };
            let appended = Appended { position, version: expected_version + events.len() as u64 };
            self.judge.appended(&waiting.append, appended);
            self.answer(waiting, Ok(appended));
        }
    }

    /// The first is refused. Those behind it built on it, and are refused with it, up to one that is right by chance.
    fn wrong(&self, stream: &StreamName, group: Vec<Waiting>, actual: u64) {
        let mut left = group.into_iter();
        let mut refused = left.next();
        while let Some(waiting) = refused.take() {
            self.answer(waiting, Err(AppendError::WrongExpectedVersion { actual }));
            match left.next() {
                Some(next) if next.append.expected_version == actual => {
                    self.put_back(stream, std::iter::once(next).chain(left.by_ref()).collect());
                }
                next => refused = next,
            }
        }
    }
}
