//! The workloads, by their names on the command line.

use crate::report::Goals;
use crate::target::Work;
use clap::ValueEnum;

/// A workload, by its name on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Workload {
    /// GET a page of 50 conversations
    Inbox,
    /// GET a page of 50 messages
    Messages,
    /// GET the total of unread messages
    Unread,
    /// GET what has these words in it
    Search,
    /// POST an account: one argon2 hash each
    Register,
    /// POST a session: one argon2 hash each
    SignIn,
    /// POST a message, durable, over many conversations
    Send,
    /// POST a message, durable, all into one group
    SendHot,
    /// POST a message, durable, into a group of 25,000
    SendLarge,
    /// PUT a read mark, durable
    MarkRead,
    /// From sending a message until all who listen have it, by itself and beside 64 senders
    Push,
    /// Start the server, empty and with the log of this run
    Start,
    /// Rebuild each view and all of them from the log, with no server running
    Replay,
    /// Verify the log against its signed heads
    Audit,
    /// Import a chat log
    Import,
    /// Import a channel's history and read in it
    History,
    /// POST a message, durable, over PostgreSQL, beside plain inserts
    Postgres,
    /// 5,000 idle live connections, and 1,000 messages a second to 50 others
    Live,
    /// Rebuild every view of a long log beside 2,000 mixed requests a second
    Rebuild,
    /// Everything over a log that grows
    Growth,
}

impl Workload {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
            Self::Messages => "messages",
            Self::Unread => "unread",
            Self::Search => "search",
            Self::Register => "register",
            Self::SignIn => "sign-in",
            Self::Send => "send",
            Self::SendHot => "send-hot",
            Self::SendLarge => "send-large",
            Self::MarkRead => "mark-read",
            Self::Push => "push",
            Self::Start => "start",
            Self::Replay => "replay",
            Self::Audit => "audit",
            Self::Import => "import",
            Self::History => "history",
            Self::Postgres => "postgres",
            Self::Live => "live",
            Self::Rebuild => "rebuild",
            Self::Growth => "growth",
        }
    }

    /// What it asks over HTTP, where it does.
    pub(crate) fn work(self) -> Option<Work> {
        match self {
            Self::Inbox => Some(Work::Inbox),
            Self::Messages => Some(Work::Messages),
            Self::Unread => Some(Work::Unread),
            Self::Search => Some(Work::Search),
            Self::Register => Some(Work::Register),
            Self::SignIn => Some(Work::SignIn),
            Self::Send => Some(Work::Send),
            Self::SendHot => Some(Work::SendHot),
            Self::SendLarge => Some(Work::SendLarge),
            Self::MarkRead => Some(Work::MarkRead),
            Self::Push
            | Self::Start
            | Self::Replay
            | Self::Audit
            | Self::Import
            | Self::History
            | Self::Postgres
            | Self::Live
            | Self::Rebuild
            | Self::Growth => None,
        }
    }

    /// What is to be reached at so many connections, or by a program that is run to its end.
    pub(crate) fn goals(self, connections: Option<u16>) -> Goals {
        let none = Goals::default();
        match self {
            Self::Send | Self::SendLarge if connections == Some(1) => Goals { ratio: Some(0.8), ..none },
            Self::Send | Self::SendHot | Self::SendLarge if connections == Some(64) => {
                Goals { ratio: Some(0.6), p99_ms: Some(3.0), ..none }
            }
            Self::Send | Self::SendHot | Self::SendLarge => Goals { ratio: Some(0.6), ..none },
            Self::Inbox | Self::Unread => Goals { ratio: Some(0.8), ..none },
            Self::Replay => Goals { rate: Some(450_000.0), ..none },
            Self::Messages
            | Self::Search
            | Self::Register
            | Self::SignIn
            | Self::MarkRead
            | Self::Push
            | Self::Start
            | Self::Audit
            | Self::Import
            | Self::History
            | Self::Postgres
            | Self::Live
            | Self::Rebuild
            | Self::Growth => none,
        }
    }

    /// Whether it needs both servers with the data set in them, or what they leave behind.
    pub(crate) fn needs_both_sides(self) -> bool {
        self.work().is_some_and(|work| work != Work::SendLarge)
            || matches!(self, Self::Push | Self::Start | Self::Replay | Self::Audit)
    }

    /// Whether it needs a log of some length.
    pub(crate) fn needs_a_long_log(self) -> bool {
        matches!(self, Self::Start | Self::Replay | Self::Audit)
    }

    pub(crate) fn is_durable(self) -> bool {
        match self {
            Self::Register
            | Self::SignIn
            | Self::Send
            | Self::SendHot
            | Self::SendLarge
            | Self::MarkRead
            | Self::Push
            | Self::Import
            | Self::History
            | Self::Postgres
            | Self::Live
            | Self::Rebuild
            | Self::Growth => true,
            Self::Inbox | Self::Messages | Self::Unread | Self::Search | Self::Start | Self::Replay | Self::Audit => {
                false
            }
        }
    }

    /// Whether it takes minutes whatever the options say.
    pub(crate) fn takes_long(self) -> bool {
        matches!(self, Self::Postgres | Self::Live | Self::Rebuild | Self::Growth)
    }

    /// Whether it is measured at so many connections, and if not, why.
    pub(crate) fn left_out(self, connections: u16) -> Option<&'static str> {
        let hashing = self.work().is_some_and(Work::hashes);
        match connections {
            1 if self == Self::SendHot => Some("with nobody to share the group it is the same as `send`"),
            many if hashing && usize::from(many) > most_hashing() => {
                Some("more than 32 passwords a processor do not wait: the rest is answered 503, on purpose")
            }
            _ => None,
        }
    }
}

/// How many passwords may be hashed or wait for it at once.
fn most_hashing() -> usize {
    32 * std::thread::available_parallelism().map_or(1, usize::from)
}
