//! What a client asks for, understood.

use tidings_domain::StreamName;
use tonic::Status;

use crate::{
    filter::EventFilter,
    proto::event_store::client::{
        StreamIdentifier,
        streams::{
            ReadReq,
            read_req::options::{
                CountOption, FilterOption, ReadDirection, StreamOption, all_options::AllOption,
                stream_options::RevisionOption, uuid_option,
            },
        },
    },
    wire::IdForm,
};

/// A call of `Streams.Read`.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) target: Target,
    pub(crate) direction: ReadDirection,
    /// How many events; `None` for a subscription.
    pub(crate) count: Option<u64>,
    pub(crate) filter: Option<EventFilter>,
    pub(crate) ids: IdForm,
}

/// What is read, and from where.
#[derive(Debug)]
pub(crate) enum Target {
    Stream(StreamName, From),
    All(From),
}

/// A place to begin at: a revision of a stream, or a position of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    Start,
    At(u64),
    End,
}

fn lacks(what: &str) -> Status {
    Status::invalid_argument(format!("the request does not say {what}"))
}

/// The name of a stream, as clients give it.
pub(crate) fn stream_name(identifier: Option<StreamIdentifier>) -> Result<StreamName, Status> {
    let bytes = identifier.ok_or_else(|| lacks("which stream"))?.stream_name;
    match std::str::from_utf8(&bytes) {
        Ok(name) if !name.is_empty() => Ok(StreamName::stored(name)),
        Ok(_) | Err(_) => Err(Status::invalid_argument("the name of the stream is empty or not UTF-8")),
    }
}

impl Asked {
    pub(crate) fn parse(request: ReadReq) -> Result<Self, Status> {
        let options = request.options.ok_or_else(|| lacks("anything"))?;
        let direction = ReadDirection::try_from(options.read_direction).map_err(|_| lacks("a direction"))?;
        let target = match options.stream_option.ok_or_else(|| lacks("what to read"))? {
            StreamOption::Stream(stream) => {
                let from = match stream.revision_option.ok_or_else(|| lacks("from where"))? {
                    RevisionOption::Revision(revision) => From::At(revision),
                    RevisionOption::Start(()) => From::Start,
                    RevisionOption::End(()) => From::End,
                };
                Target::Stream(stream_name(stream.stream_identifier)?, from)
            }
            StreamOption::All(all) => Target::All(match all.all_option.ok_or_else(|| lacks("from where"))? {
                AllOption::Position(position) => From::At(position.commit_position),
                AllOption::Start(()) => From::Start,
                AllOption::End(()) => From::End,
            }),
        };
        let count = match options.count_option.ok_or_else(|| lacks("how much"))? {
            CountOption::Count(count) => Some(count),
            CountOption::Subscription(_) => None,
        };
        let filter = match options.filter_option {
            Some(FilterOption::Filter(filter)) => Some(EventFilter::parse(filter)?),
            Some(FilterOption::NoFilter(())) | None => None,
        };
        let ids = match options.uuid_option.and_then(|option| option.content) {
            Some(uuid_option::Content::String(())) => IdForm::Text,
            Some(uuid_option::Content::Structured(())) | None => IdForm::Structured,
        };
        let asked = Self { target, direction, count, filter, ids };
        asked.check()
    }

    fn check(self) -> Result<Self, Status> {
        if self.filter.is_some() && matches!(self.target, Target::Stream(..)) {
            return Err(Status::invalid_argument("only the whole log can be filtered"));
        }
        if self.count.is_none() && self.direction == ReadDirection::Backwards {
            return Err(Status::invalid_argument("a subscription cannot go backwards"));
        }
        Ok(self)
    }
}
