//! The life of a message: everything that happened to it and with it, by whom and when, in the order of the log.

use std::collections::HashSet;

use serde::Serialize;
use tidings_domain::{
    Event, MessageId, StreamId, Timestamp, UserId,
    conversation::{ConversationEvent, MessageContent},
    message::MessageEvent,
    reader::ReaderEvent,
    user::UserEvent,
    values::{Body, Subject},
};
use tidings_event_store::{DecodedEvent, Filter, Position, Streams};
use utoipa::ToSchema;

use super::Audit;
use crate::{
    problem::{Kind, Problem},
    routes::{shown, shown_option},
};

/// Events read at a time.
const PAGE: usize = 5_000;
/// The most events of readers that are looked at.
const MOST_LOOKED_AT: usize = 300_000;

/// Something that happened to a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LifeEvent {
    /// What.
    pub what: What,
    /// Who did it, or asked for it; whose it was read or delivered by. `null` where a rule did it.
    #[serde(serialize_with = "shown_option")]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub by: Option<UserId>,
    /// When.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Where in the log.
    pub position: u64,
    /// What it said from then on, where that is not erased; `null` for all but `sent` and `edited`.
    pub body: Option<String>,
    /// The same of its subject.
    pub subject: Option<String>,
    /// Which emoji; `null` for all but reactions.
    pub emoji: Option<String>,
}

/// What can happen to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = LifeEventKind)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Its sender sent it.
    Sent,
    /// Its sender wrote it anew.
    Edited,
    /// It arrived on a device of theirs.
    Delivered,
    /// They read it.
    Read,
    /// They marked it unread again.
    MarkedUnread,
    /// They hid it for themselves.
    Hidden,
    /// They put an emoji on it.
    ReactionAdded,
    /// They took it away.
    ReactionRemoved,
    /// They pinned it.
    Pinned,
    /// They took the pin away.
    Unpinned,
    /// Its sender or a rule deleted it for everyone: its text is erased, unless something holds it.
    Deleted,
    /// Its sender closed their account: its text is erased, unless something holds it.
    SenderClosed,
    /// Nothing of its text is left anywhere.
    Erased,
}

impl Audit {
    /// All of it, in the order of the log.
    pub async fn life(&self, id: MessageId) -> Result<Vec<LifeEvent>, Problem> {
        let stream = StreamId::Conversation(id.conversation).name();
        let sent = self.store.read_stream(&stream, id.version - 1, 1).await?;
        let sent = self.codec.open_stored(&sent).await?.into_iter().next().transpose()?;
        let Some((sent, sender)) = sent.as_ref().and_then(|sent| of_sending(sent, id)) else {
            return Err(Kind::NoSuchMessage.into());
        };
        let mut life = Life { id, sender, events: vec![sent], delivered: HashSet::new(), read: HashSet::new() };
        let filter = Filter::Streams(vec![
            Streams::Named(StreamId::Message(id).name()),
            Streams::Under(format!("reader-{}-", id.conversation)),
            Streams::Named(StreamId::User(sender).name()),
            // who answers has read what they answer to
            Streams::Named(stream),
        ]);
        let (mut after, until, mut looked_at) = (Position::new(life.events[0].position), self.head().await?, 0);
        while after < until {
            let page = self.store.read_all(after, &filter, PAGE).await?;
            looked_at += page.events.len();
            if looked_at > MOST_LOOKED_AT {
                let why = "too much happened in its conversation since: look at its recorded events";
                return Err(Problem::new(Kind::TooMuchHistory, why));
            }
            for decoded in self.codec.open_stored(&page.events).await?.into_iter().flatten() {
                life.goes_on(&decoded);
            }
            if page.scanned_to <= after {
                break;
            }
            after = page.scanned_to;
        }
        Ok(life.events)
    }
}

struct Life {
    id: MessageId,
    sender: UserId,
    events: Vec<LifeEvent>,
    delivered: HashSet<UserId>,
    read: HashSet<UserId>,
}

impl Life {
    fn add(
        &mut self,
        decoded: &DecodedEvent,
        what: What,
        by: impl Into<Option<UserId>>,
        at: Timestamp,
    ) -> &mut LifeEvent {
        let position = decoded.recorded.position.get();
        self.events.push(LifeEvent { what, by: by.into(), at, position, body: None, subject: None, emoji: None });
        let last = self.events.len() - 1;
        &mut self.events[last]
    }

    fn goes_on(&mut self, decoded: &DecodedEvent) {
        match (&decoded.event, decoded.stream) {
            (Event::Message(event), _) => self.changed(decoded, event),
            (Event::Reader(event), StreamId::Reader(_, reader)) if reader != self.sender => {
                self.of_reader(decoded, reader, event);
            }
            (Event::User(UserEvent::Closed(event)), _) => {
                self.add(decoded, What::SenderClosed, self.sender, event.at);
            }
            (Event::User(UserEvent::Erased(event)), _) => {
                self.add(decoded, What::Erased, self.sender, event.at);
            }
            (Event::Conversation(ConversationEvent::MessageSent(event)), _) if event.sender != self.sender => {
                self.reached(decoded, event.sender, event.at, true);
            }
            (
                Event::Conversation(_)
                | Event::Reader(_)
                | Event::User(_)
                | Event::Login(_)
                | Event::Session(_)
                | Event::Attachment(_)
                | Event::Request(_)
                | Event::Contact(_)
                | Event::Factor(_)
                | Event::Devices(_)
                | Event::Attempts(_)
                | Event::Schedule(_)
                | Event::Webhook(_)
                | Event::Hold(_)
                | Event::Access(_),
                _,
            ) => {}
        }
    }

    fn changed(&mut self, decoded: &DecodedEvent, event: &MessageEvent) {
        match event {
            MessageEvent::Edited(event) => {
                let edited = self.add(decoded, What::Edited, event.by, event.at);
                (edited.subject, edited.body) = said(event.content.clear());
            }
            MessageEvent::Deleted(event) => {
                self.add(decoded, What::Deleted, event.by, event.at);
            }
            MessageEvent::Erased(event) => {
                self.add(decoded, What::Erased, event.by, event.at);
            }
            MessageEvent::ReactionAdded(event) => {
                let emoji = event.emoji.as_str().to_owned();
                self.add(decoded, What::ReactionAdded, event.user, event.at).emoji = Some(emoji);
            }
            MessageEvent::ReactionRemoved(event) => {
                let emoji = event.emoji.as_str().to_owned();
                self.add(decoded, What::ReactionRemoved, event.user, event.at).emoji = Some(emoji);
            }
            MessageEvent::Pinned(event) => {
                self.add(decoded, What::Pinned, event.by, event.at);
            }
            MessageEvent::Unpinned(event) => {
                self.add(decoded, What::Unpinned, event.by, event.at);
            }
        }
    }

    fn of_reader(&mut self, decoded: &DecodedEvent, reader: UserId, event: &ReaderEvent) {
        let seq = self.id.seq;
        match event {
            ReaderEvent::ReadUpTo(event) if event.seq >= seq => self.reached(decoded, reader, event.at, true),
            ReaderEvent::MarkedRead(event) if event.seq == seq => self.reached(decoded, reader, event.at, true),
            ReaderEvent::DeliveredUpTo(event) if event.seq >= seq => self.reached(decoded, reader, event.at, false),
            ReaderEvent::MarkedUnread(event) if event.seq == seq => {
                self.read.remove(&reader);
                self.add(decoded, What::MarkedUnread, reader, event.at);
            }
            ReaderEvent::Hidden(event) if event.seq == seq => {
                self.add(decoded, What::Hidden, reader, event.at);
            }
            ReaderEvent::ReadUpTo(_)
            | ReaderEvent::MarkedRead(_)
            | ReaderEvent::DeliveredUpTo(_)
            | ReaderEvent::MarkedUnread(_)
            | ReaderEvent::Hidden(_)
            | ReaderEvent::SettingsChanged(_) => {}
        }
    }

    /// It arrived, and perhaps was read: both are told once, until it is marked unread.
    fn reached(&mut self, decoded: &DecodedEvent, reader: UserId, at: Timestamp, read: bool) {
        if self.delivered.insert(reader) && !read {
            self.add(decoded, What::Delivered, reader, at);
        }
        if read && self.read.insert(reader) {
            self.add(decoded, What::Read, reader, at);
        }
    }
}

/// How it began, and who sent it.
fn of_sending(decoded: &DecodedEvent, id: MessageId) -> Option<(LifeEvent, UserId)> {
    let Event::Conversation(ConversationEvent::MessageSent(event)) = &decoded.event else { return None };
    let (subject, body) = said(event.content.clear());
    let (by, position) = (event.sender, decoded.recorded.position.get());
    let sent = LifeEvent { what: What::Sent, by: Some(by), at: event.at, position, body, subject, emoji: None };
    (event.seq == id.seq).then_some((sent, event.sender))
}

fn said(content: Option<&MessageContent>) -> (Option<String>, Option<String>) {
    let subject = content.and_then(|content| content.subject.clone()).map(Subject::into_string);
    (subject, content.and_then(|content| content.body.clone()).map(Body::into_string))
}
