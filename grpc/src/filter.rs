//! Which events of the whole log a client wants.

use fancy_regex::{Regex, RegexBuilder};
use tidings_event_store::RecordedEvent;
use tonic::Status;

use crate::proto::event_store::client::streams::read_req::options::{FilterOptions, filter_options};

/// Bounds of what strangers' expressions may cost.
const LONGEST_EXPRESSION: usize = 2_048;
const MOST_PREFIXES: usize = 256;
const MOST_BACKTRACKING: usize = 10_000;
const LARGEST_PROGRAM: usize = 1024 * 1024;

/// Events looked at between checkpoints, when the client does not say.
const DEFAULT_WINDOW: u64 = 32;

/// A filter and how often its reader is told how far it looked.
#[derive(Debug)]
pub(crate) struct EventFilter {
    by: By,
    wanted: Wanted,
    /// A checkpoint is due after so many events were looked at.
    pub(crate) checkpoint_interval: u64,
}

#[derive(Debug)]
enum By {
    Stream,
    EventType,
}

#[derive(Debug)]
enum Wanted {
    Prefixes(Vec<String>),
    Expression(Box<Regex>),
}

impl EventFilter {
    pub(crate) fn parse(options: FilterOptions) -> Result<Self, Status> {
        let (by, expression) = match options.filter {
            Some(filter_options::Filter::StreamIdentifier(expression)) => (By::Stream, expression),
            Some(filter_options::Filter::EventType(expression)) => (By::EventType, expression),
            None => return Err(Status::invalid_argument("the filter says neither stream nor event type")),
        };
        let window = match options.window {
            Some(filter_options::Window::Max(max)) if max > 0 => u64::from(max),
            Some(filter_options::Window::Max(_) | filter_options::Window::Count(())) | None => DEFAULT_WINDOW,
        };
        let checkpoint_interval = window * u64::from(options.checkpoint_interval_multiplier.max(1));
        Ok(Self { by, wanted: Wanted::parse(expression)?, checkpoint_interval })
    }

    pub(crate) fn admits(&self, event: &RecordedEvent) -> bool {
        let text = match self.by {
            By::Stream => event.stream.as_str(),
            By::EventType => &event.name,
        };
        match &self.wanted {
            Wanted::Prefixes(prefixes) => prefixes.iter().any(|prefix| text.starts_with(prefix.as_str())),
            // one that is too costly for this text does not match it
            Wanted::Expression(regex) => regex.is_match(text).unwrap_or(false),
        }
    }
}

impl Wanted {
    fn parse(expression: filter_options::Expression) -> Result<Self, Status> {
        if !expression.prefix.is_empty() {
            return match expression.prefix.len() {
                1..=MOST_PREFIXES => Ok(Self::Prefixes(expression.prefix)),
                _ => Err(Status::invalid_argument(format!("a filter may have {MOST_PREFIXES} prefixes"))),
            };
        }
        if expression.regex.len() > LONGEST_EXPRESSION {
            return Err(Status::invalid_argument(format!("an expression may have {LONGEST_EXPRESSION} characters")));
        }
        let regex = RegexBuilder::new(&expression.regex)
            .backtrack_limit(MOST_BACKTRACKING)
            .delegate_size_limit(LARGEST_PROGRAM)
            .build();
        regex
            .map(|regex| Self::Expression(Box::new(regex)))
            .map_err(|error| Status::invalid_argument(format!("the filter's expression cannot be used: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use tidings_domain::{StreamName, Timestamp};
    use tidings_event_store::Position;
    use uuid::Uuid;

    use super::*;

    fn expression(regex: &str, prefixes: &[&str]) -> filter_options::Expression {
        let prefix = prefixes.iter().map(|&prefix| prefix.to_owned()).collect();
        filter_options::Expression { regex: regex.to_owned(), prefix }
    }

    fn by_stream(expression: filter_options::Expression) -> Result<EventFilter, Status> {
        let filter = Some(filter_options::Filter::StreamIdentifier(expression));
        EventFilter::parse(FilterOptions { filter, window: None, checkpoint_interval_multiplier: 3 })
    }

    fn admits(filter: &EventFilter, stream: &str) -> bool {
        filter.admits(&RecordedEvent {
            position: Position::new(1),
            stream: StreamName::stored(stream),
            version: 1,
            id: Uuid::nil(),
            name: Arc::from("message_sent"),
            recorded_at: Timestamp::from_millis(0),
            data: Bytes::new(),
            metadata: Bytes::new(),
        })
    }

    #[test]
    fn prefixes_and_expressions_choose_streams() {
        let prefixes = by_stream(expression("", &["user-", "session-"])).unwrap();
        assert_eq!(["user-1", "session-1", "login-1"].map(|stream| admits(&prefixes, stream)), [true, true, false]);
        assert_eq!(prefixes.checkpoint_interval, 96);
        let regex = by_stream(expression("^[^$].*", &[])).unwrap();
        assert_eq!(["user-1", "$stats"].map(|stream| admits(&regex, stream)), [true, false]);
    }

    #[test]
    fn the_look_ahead_of_official_clients_is_understood() {
        let filter = by_stream(expression(r"^(?!(\$.+|user-.+)$).*$", &[])).unwrap();
        assert_eq!(["user-1", "$stats", "login-1"].map(|stream| admits(&filter, stream)), [false, false, true]);
    }

    #[test]
    fn an_expression_that_is_none_or_too_long_is_refused() {
        for refused in [expression("(", &[]), expression(&"a".repeat(3_000), &[])] {
            assert_eq!(by_stream(refused).unwrap_err().code(), tonic::Code::InvalidArgument);
        }
        let none = FilterOptions { filter: None, window: None, checkpoint_interval_multiplier: 1 };
        assert_eq!(EventFilter::parse(none).unwrap_err().code(), tonic::Code::InvalidArgument);
    }
}
