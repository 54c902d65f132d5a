//! Which events a reader wants.

use tidings_domain::StreamName;

/// Which events of the whole log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Filter {
    /// All.
    #[default]
    All,
    /// Those of streams of these categories ([`StreamName::category`]).
    Categories(Vec<&'static str>),
    /// Those of these streams, at most [`MOST_STREAMS`] choices. The others are not even looked at, where a store can find
    /// streams by their names: what such a page costs depends on what it holds, and not on the log.
    Streams(Vec<Streams>),
}

/// The most choices of one [`Filter::Streams`].
pub const MOST_STREAMS: usize = 200;

/// One stream, or some that have the beginnings of their names in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Streams {
    /// The one of this name.
    Named(StreamName),
    /// All whose names begin so: `reader-{conversation}-`. Not empty.
    Under(String),
}

impl Streams {
    /// Whether a stream is one of these.
    pub fn admits(&self, stream: &StreamName) -> bool {
        match self {
            Self::Named(name) => name == stream,
            Self::Under(prefix) => stream.as_str().starts_with(prefix.as_str()),
        }
    }

    /// The first name that sorts behind all those under a prefix, byte by byte. Names hold ASCII alone.
    pub(crate) fn behind(prefix: &str) -> String {
        format!("{prefix}\u{7f}")
    }
}

impl Filter {
    /// Whether the filter lets events of this stream through.
    pub fn admits(&self, stream: &StreamName) -> bool {
        match self {
            Self::All => true,
            Self::Categories(categories) => categories.contains(&stream.category()),
            Self::Streams(choices) => choices.iter().any(|streams| streams.admits(stream)),
        }
    }
}
