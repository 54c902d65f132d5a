//! The events that a look back needs, in the order of the log, a few of them in memory at a time.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use tidings_domain::{AttachmentId, Event, StreamId, UserId, conversation::ConversationEvent, message::MessageEvent};
use tidings_event_store::{
    CodecError, DecodedEvent, Filter, KeyError, MOST_STREAMS, Position, RecordedEvent, StoreError, Streams,
};

use super::{PastError, PastLimits};
use crate::runner::{Log, Poison};

/// Events of all sources together that are read ahead, about.
const AHEAD: usize = 20_000;
/// Events in one transaction.
const BATCH: usize = 5_000;

/// An event, understood or not.
pub(crate) type Outcome = Result<DecodedEvent, Poison>;

/// Events of some streams up to a position.
pub(super) struct Gathering<'a> {
    log: &'a Log,
    limits: PastLimits,
    sources: Vec<Source>,
    events: usize,
    bytes: usize,
    last: Position,
}

/// As many streams as a store takes at once.
struct Source {
    filter: Filter,
    page: usize,
    after: Position,
    until: Position,
    read: VecDeque<Arc<RecordedEvent>>,
}

impl Source {
    /// Reads on where nothing is left of what was read.
    async fn fill(&mut self, log: &Log) -> Result<(), StoreError> {
        while self.read.is_empty() && self.after < self.until {
            let page = log.store.read_all(self.after, &self.filter, self.page).await?;
            self.read.extend(page.events.into_iter().take_while(|event| event.position <= self.until));
            self.after = if page.scanned_to > self.after { page.scanned_to } else { self.until };
        }
        Ok(())
    }

    fn next(&self) -> Option<Position> {
        self.read.front().map(|event| event.position)
    }
}

impl<'a> Gathering<'a> {
    pub(super) fn new(log: &'a Log, limits: PastLimits, choices: &[Streams], until: Position) -> Self {
        let page = (AHEAD / choices.len().div_ceil(MOST_STREAMS).max(1)).clamp(200, BATCH);
        let source = |some: &[Streams]| Source {
            filter: Filter::Streams(some.to_vec()),
            page,
            after: Position::START,
            until,
            read: VecDeque::new(),
        };
        let sources = choices.chunks(MOST_STREAMS).map(source).collect();
        Self { log, limits, sources, events: 0, bytes: 0, last: Position::START }
    }

    /// The next few, in the order of the log; none at the end.
    async fn next(&mut self) -> Result<Vec<Arc<RecordedEvent>>, PastError> {
        let mut some = Vec::new();
        while some.len() < BATCH {
            for source in &mut self.sources {
                source.fill(self.log).await?;
            }
            let first =
                self.sources.iter_mut().filter(|source| source.next().is_some()).min_by_key(|source| source.next());
            let Some(event) = first.and_then(|source| source.read.pop_front()) else { break };
            // a stream may be chosen twice
            if event.position > self.last {
                self.last = event.position;
                self.count(&event)?;
                some.push(event);
            }
        }
        Ok(some)
    }

    fn count(&mut self, event: &RecordedEvent) -> Result<(), PastError> {
        self.events += 1;
        self.bytes += event.data.len();
        let PastLimits { events, bytes, .. } = self.limits;
        if self.events > events || self.bytes > bytes { Err(PastError::TooMuch { events, bytes }) } else { Ok(()) }
    }

    /// The next few, understood.
    pub(super) async fn next_opened(&mut self) -> Result<Vec<Outcome>, PastError> {
        let recorded = self.next().await?;
        let mut opened = Vec::with_capacity(recorded.len());
        for (outcome, recorded) in self.log.codec.open_stored(&recorded).await?.into_iter().zip(&recorded) {
            opened.push(match outcome {
                Ok(decoded) => Ok(decoded),
                Err(CodecError::Key(error @ (KeyError::Unavailable(_) | KeyError::WrongSecret))) => {
                    return Err(error.into());
                }
                Err(error) => Err(Poison { recorded: recorded.clone(), error: error.to_string() }),
            });
        }
        Ok(opened)
    }

    /// The streams of people and files that these events name: whose messages they are, and what is attached to them.
    pub(super) async fn concerned(mut self) -> Result<Vec<Streams>, PastError> {
        let (mut people, mut files) = (BTreeSet::new(), BTreeSet::new());
        loop {
            let some = self.next().await?;
            if some.is_empty() {
                break;
            }
            for recorded in some {
                // what is personal stays closed, and what cannot be understood names nobody
                match self.log.codec.open::<Event>(&recorded, |_| false).await {
                    Ok(Event::Conversation(event)) => of_conversation(&event, &mut people, &mut files),
                    Ok(Event::Message(MessageEvent::Edited(event))) => people.extend(&event.mentions),
                    Ok(_) | Err(_) => {}
                }
            }
        }
        let streams = people.into_iter().map(StreamId::User).chain(files.into_iter().map(StreamId::Attachment));
        Ok(streams.map(|stream| Streams::Named(stream.name())).collect())
    }
}

fn of_conversation(event: &ConversationEvent, people: &mut BTreeSet<UserId>, files: &mut BTreeSet<AttachmentId>) {
    match event {
        ConversationEvent::MessageSent(event) => {
            people.insert(event.sender);
            people.extend(&event.mentions);
            files.extend(event.attachments.iter().map(|file| file.id));
        }
        ConversationEvent::Started(event) => people.extend(&event.members),
        ConversationEvent::MemberAdded(event) => {
            people.insert(event.user);
        }
        ConversationEvent::Renamed(_)
        | ConversationEvent::MemberRemoved(_)
        | ConversationEvent::MemberRoleChanged(_)
        | ConversationEvent::RetentionChanged(_)
        | ConversationEvent::BlocksChanged(_) => {}
    }
}
