//! Some conversations and some people, chosen by chance: what a comparison goes through that is to cost little.
//!
//! Half of them are drawn from the log, so that what is missing from the view can be found, and half from the view, so that what
//! is in it without reason can be. All of their events are folded, and no others but those whose streams do not tell whom they
//! concern.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use tidings_domain::{ConversationId, Event, StreamId, StreamName, UserId, session::SessionEvent};
use tidings_event_store::{Filter, Position, RecordedEvent};
use uuid::Uuid;

use super::{
    feed::Log,
    port::{Projection, ViewsError},
    serving::Pinned,
};

/// What a row belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A conversation.
    Conversation,
    /// An account.
    Person,
}

/// What is compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sample {
    /// These conversations.
    pub conversations: BTreeSet<ConversationId>,
    /// What is these people's.
    pub people: BTreeSet<UserId>,
    /// The numbers of the conversations in the view, in order; those that it does not know have some beyond all others.
    pub numbers: Vec<i64>,
}

impl Sample {
    /// Draws so many conversations and people of a projection; some come out twice, and count once.
    pub(super) async fn draw(
        log: &Log,
        projection: Projection,
        pinned: &mut dyn Pinned,
        size: usize,
    ) -> Result<(Self, HashMap<ConversationId, i64>), ViewsError> {
        let mut sample = Self::default();
        let filter = Filter::Categories(projection.categories().to_vec());
        let head = pinned.position();
        for _ in 0..size.div_ceil(2) {
            let before = Position::new(below(head.get()));
            if let Some(event) = log.some(before, &filter).await? {
                sample.add(projection, &event.stream);
            }
        }
        for unit in projection.units() {
            let count = pinned.count(*unit).await?;
            for _ in 0..size.div_ceil(2).min(usize::try_from(count).unwrap_or(usize::MAX)) {
                let Some(id) = pinned.nth(*unit, below(count)).await? else { continue };
                match unit {
                    Unit::Conversation => drop(sample.conversations.insert(ConversationId::new(id))),
                    Unit::Person => drop(sample.people.insert(UserId::new(id))),
                }
            }
        }
        let numbers = sample.number(pinned).await?;
        Ok((sample, numbers))
    }

    /// Whomever the event of this stream concerns, as far as its name tells.
    fn add(&mut self, projection: Projection, stream: &StreamName) {
        let (conversation, person) = match stream.id() {
            Ok(StreamId::Conversation(id)) => (Some(id), None),
            Ok(StreamId::Message(id)) => (Some(id.conversation), None),
            Ok(StreamId::Reader(id, user)) => (Some(id), Some(user)),
            Ok(StreamId::User(user) | StreamId::Factor(user) | StreamId::Devices(user) | StreamId::Schedule(user)) => {
                (None, Some(user))
            }
            Ok(StreamId::Contact(pair)) => (None, pair.both().first().copied()),
            Ok(
                StreamId::Login(..)
                | StreamId::Session(_)
                | StreamId::Attachment(_)
                | StreamId::Request(_)
                | StreamId::Attempts(_)
                | StreamId::Access(_)
                | StreamId::Holds
                | StreamId::Webhook(_),
            )
            | Err(_) => (None, None),
        };
        if projection.units().contains(&Unit::Conversation) {
            self.conversations.extend(conversation);
        }
        if projection != Projection::Search {
            self.people.extend(person);
        }
    }

    async fn number(&mut self, pinned: &mut dyn Pinned) -> Result<HashMap<ConversationId, i64>, ViewsError> {
        let (mut numbers, mut next) = pinned.numbers(&self.conversations).await?;
        for id in &self.conversations {
            numbers.entry(*id).or_insert_with(|| {
                next += 1;
                next - 1
            });
        }
        self.numbers = numbers.values().copied().collect();
        self.numbers.sort_unstable();
        Ok(numbers)
    }

    /// Whether an event may have to do with the sample.
    pub(super) fn admits(&self, projection: Projection, event: &RecordedEvent) -> bool {
        match event.stream.id() {
            Ok(StreamId::Conversation(id) | StreamId::Reader(id, _)) => self.conversations.contains(&id),
            Ok(StreamId::Message(id)) => self.conversations.contains(&id.conversation),
            // an account that is closed takes its messages with it, in whatever conversation
            Ok(StreamId::User(user)) => {
                self.people.contains(&user) || projection != Projection::Directory && &*event.name == "user_closed"
            }
            Ok(StreamId::Factor(user) | StreamId::Devices(user) | StreamId::Schedule(user)) => {
                self.people.contains(&user)
            }
            Ok(StreamId::Contact(pair)) => pair.both().iter().any(|user| self.people.contains(user)),
            // whose they are, only the events tell; and what is no stream of ours is to be found out
            Ok(StreamId::Session(_) | StreamId::Attachment(_) | StreamId::Webhook(_) | StreamId::Access(_))
            | Err(_) => true,
            Ok(StreamId::Login(..) | StreamId::Request(_) | StreamId::Attempts(_) | StreamId::Holds) => false,
        }
    }

    /// Whether it has, of an event whose stream does not tell. A session without its account could not be folded.
    pub(super) fn concerns(&self, event: &Event) -> bool {
        let Event::Session(SessionEvent::Opened(opened)) = event else { return true };
        self.people.contains(&opened.user)
    }
}

impl Projection {
    /// What its rows can be told apart by in the view.
    const fn units(self) -> &'static [Unit] {
        match self {
            Self::Directory => &[Unit::Person],
            Self::Conversations | Self::Search => &[Unit::Conversation],
        }
    }
}

/// What of the log is folded.
#[derive(Debug, Clone, Default)]
pub(super) enum Of {
    /// All that concerns the projection.
    #[default]
    All,
    /// What concerns a sample.
    Some(Arc<Sample>),
}

/// A number below `bound`, or 0; drawn so that no stretch is left out.
fn below(bound: u64) -> u64 {
    // the upper half has the version in its lower sixteen bits, which is not by chance
    (Uuid::new_v4().as_u64_pair().0 >> 16).checked_rem(bound).unwrap_or(0)
}
