//! Which recorded events an auditor asks for.

use std::str::FromStr;

use tidings_domain::{
    Event, StoredEvent, StreamId, StreamName, Timestamp, UserId, access::AccessFilter, values::Invalid,
};
use tidings_event_store::{Filter, Metadata, RecordedEvent, Streams};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

/// The name of a stream, ours or not: a log may hold what other programs wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamText(pub StreamName);

impl FromStr for StreamText {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(StreamName::stored(text)))
        } else {
            Err(Invalid("must be the name of a stream: 1 to 255 visible ASCII characters"))
        }
    }
}

/// A category of streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Category(pub &'static str);

impl PartialSchema for Category {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(StreamId::CATEGORIES)).into()
    }
}

impl ToSchema for Category {}

impl FromStr for Category {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let known = StreamId::CATEGORIES.iter().copied().find(|known| *known == text);
        known.map(Self).ok_or(Invalid("must be a category of streams"))
    }
}

/// The name of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventName(pub &'static str);

impl PartialSchema for EventName {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(Event::NAMES.iter().copied())).into()
    }
}

impl ToSchema for EventName {}

impl FromStr for EventName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let known = Event::NAMES.iter().copied().find(|known| *known == text);
        known.map(Self).ok_or(Invalid("must be the name of an event"))
    }
}

/// What is asked for; all of it must hold.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Of this stream.
    pub stream: Option<StreamName>,
    /// Of streams of this category.
    pub category: Option<&'static str>,
    /// Of this name.
    pub event: Option<&'static str>,
    /// Caused by this person.
    pub actor: Option<UserId>,
    /// Taken by the store at or after.
    pub since: Option<Timestamp>,
    /// Taken by the store before.
    pub until: Option<Timestamp>,
}

impl Wanted {
    /// What of it the store can sort out.
    pub(super) fn filter(&self) -> Filter {
        match (&self.stream, self.category) {
            (Some(stream), _) => Filter::Streams(vec![Streams::Named(stream.clone())]),
            (None, Some(category)) => Filter::Categories(vec![category]),
            (None, None) => Filter::All,
        }
    }

    /// Whether an event is wanted.
    pub(super) fn admits(&self, event: &RecordedEvent) -> bool {
        self.stream.as_ref().is_none_or(|stream| *stream == event.stream)
            && self.category.is_none_or(|category| category == event.stream.category())
            && self.event.is_none_or(|name| name == &*event.name)
            && self.since.is_none_or(|since| event.recorded_at >= since)
            && self.until.is_none_or(|until| event.recorded_at < until)
            && self.actor.is_none_or(|actor| caused_by(event) == Some(actor))
    }

    /// As it is noted. The name of a stream that is none of ours is nobody's, and could say anything.
    pub fn noted(&self) -> AccessFilter {
        let ours = self.stream.as_ref().filter(|stream| stream.id().is_ok());
        AccessFilter {
            stream: ours.map(ToString::to_string),
            category: self.category.map(str::to_owned),
            event: self.event.map(str::to_owned),
            actor: self.actor,
            since: self.since,
            until: self.until,
        }
    }
}

/// Who caused an event, where somebody did.
pub(super) fn caused_by(event: &RecordedEvent) -> Option<UserId> {
    serde_json::from_slice::<Metadata>(&event.metadata).ok()?.actor
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_names_what_there_can_be() {
        assert_eq!("message_sent".parse(), Ok(EventName("message_sent")));
        assert_eq!("reader".parse(), Ok(Category("reader")));
        assert!("message_unsent".parse::<EventName>().is_err() && "".parse::<Category>().is_err());
        for wrong in ["", "two words", "ä", &"x".repeat(256)] {
            assert!(wrong.parse::<StreamText>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_may_be_anything_is_not_noted() {
        let wanted = |name| Wanted { stream: Some(StreamName::stored(name)), ..Wanted::default() };
        assert_eq!(wanted("adas-diary").noted().stream, None);
        let ours = "access-2026-11-20";
        assert_eq!(wanted(ours).noted().stream.as_deref(), Some(ours));
    }
}
