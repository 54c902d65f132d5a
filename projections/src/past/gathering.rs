//! The events that a look back needs.

use std::{collections::BTreeSet, sync::Arc};

use tidings_domain::{AttachmentId, Event, StreamId, UserId, conversation::ConversationEvent, message::MessageEvent};
use tidings_event_store::{CodecError, DecodedEvent, Filter, KeyError, MOST_STREAMS, Position, RecordedEvent, Streams};

use super::{PastError, PastLimits};
use crate::runner::{Log, Poison};

/// Events read at a time.
const PAGE: usize = 10_000;
/// Events opened at a time.
const OPENED: usize = 1_000;

/// An event, understood or not.
pub(crate) type Outcome = Result<DecodedEvent, Poison>;

/// Events of some streams up to a position.
pub(super) struct Gathering<'a> {
    log: &'a Log,
    limits: PastLimits,
    as_of: Position,
    events: Vec<Outcome>,
    bytes: usize,
}

impl<'a> Gathering<'a> {
    pub(super) const fn new(log: &'a Log, limits: PastLimits, as_of: Position) -> Self {
        Self { log, limits, as_of, events: Vec::new(), bytes: 0 }
    }

    /// Adds the events of these streams.
    pub(super) async fn read(&mut self, choices: Vec<Streams>) -> Result<(), PastError> {
        for some in choices.chunks(MOST_STREAMS) {
            let filter = Filter::Streams(some.to_vec());
            let mut after = Position::START;
            while after < self.as_of {
                let page = self.log.store.read_all(after, &filter, PAGE).await?;
                let then = page.events.into_iter().take_while(|event| event.position <= self.as_of).collect();
                self.open(then).await?;
                if page.scanned_to <= after {
                    break;
                }
                after = page.scanned_to;
            }
        }
        Ok(())
    }

    async fn open(&mut self, recorded: Vec<Arc<RecordedEvent>>) -> Result<(), PastError> {
        self.bytes += recorded.iter().map(|event| event.data.len()).sum::<usize>();
        if self.events.len() + recorded.len() > self.limits.events || self.bytes > self.limits.bytes {
            let PastLimits { events, bytes, .. } = self.limits;
            return Err(PastError::TooMuch { events, bytes });
        }
        for some in recorded.chunks(OPENED) {
            for (outcome, recorded) in self.log.codec.open_stored(some).await?.into_iter().zip(some) {
                self.events.push(match outcome {
                    Ok(decoded) => Ok(decoded),
                    Err(CodecError::Key(error @ (KeyError::Unavailable(_) | KeyError::WrongSecret))) => {
                        return Err(error.into());
                    }
                    Err(error) => Err(Poison { recorded: recorded.clone(), error: error.to_string() }),
                });
            }
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// The streams of people and files that what was read names: whose messages they are, and what is attached to them.
    pub(super) fn concerned(&self) -> Vec<Streams> {
        let (mut people, mut files) = (BTreeSet::new(), BTreeSet::new());
        for decoded in self.events.iter().flatten() {
            match &decoded.event {
                Event::Conversation(event) => of_conversation(event, &mut people, &mut files),
                Event::Message(MessageEvent::Edited(event)) => people.extend(&event.mentions),
                Event::Message(_)
                | Event::User(_)
                | Event::Login(_)
                | Event::Session(_)
                | Event::Reader(_)
                | Event::Attachment(_)
                | Event::Request(_)
                | Event::Contact(_)
                | Event::Factor(_)
                | Event::Devices(_)
                | Event::Attempts(_)
                | Event::Schedule(_)
                | Event::Webhook(_)
                | Event::Access(_) => {}
            }
        }
        let streams = people.into_iter().map(StreamId::User).chain(files.into_iter().map(StreamId::Attachment));
        streams.map(|stream| Streams::Named(stream.name())).collect()
    }

    /// All of them, as they stand in the log.
    pub(super) fn in_order(mut self) -> Vec<Outcome> {
        self.events.sort_by_key(position);
        // somebody may be chosen twice
        self.events.dedup_by_key(|event| position(event));
        self.events
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
        | ConversationEvent::BlocksChanged(_) => {}
    }
}

fn position(outcome: &Outcome) -> Position {
    match outcome {
        Ok(decoded) => decoded.recorded.position,
        Err(poison) => poison.recorded.position,
    }
}
