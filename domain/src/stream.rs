//! The names of streams. ADR 0001 says why the boundaries run where they do.

use std::{fmt, str::FromStr, sync::Arc};

use crate::{
    ids::{AttachmentId, ConversationId, IdError, MessageId, SessionId, UserId, WebhookId},
    pair::Pair,
    time::Day,
};

/// What a claimed login is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LoginKind {
    /// The account's unique name.
    Username,
    /// An email address.
    Email,
    /// An E.164 phone number.
    Phone,
}

impl LoginKind {
    /// As it stands in the stream's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Username => "username",
            Self::Email => "email",
            Self::Phone => "phone",
        }
    }
}

/// A name that is no stream of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the name of a stream")]
pub struct StreamError(pub String);

/// The rest of the name of the one stream of its category.
const ALL_HOLDS: &str = "all";

/// Which stream, by its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamId {
    /// `user-{id}`: one account, one history.
    User(UserId),
    /// `login-{kind}-{keyed hash}`: uniqueness by the stream's own version.
    Login(LoginKind, [u8; 32]),
    /// `session-{id}`.
    Session(SessionId),
    /// `conversation-{id}`: one order for all members.
    Conversation(ConversationId),
    /// `message-{id}`: what happens to a message after it was sent.
    Message(MessageId),
    /// `reader-{conversation}-{user}`: how far one reader is.
    Reader(ConversationId, UserId),
    /// `attachment-{id}`: an uploaded file, what it is put to, and its end.
    Attachment(AttachmentId),
    /// `request-{command id}`: what was answered under an idempotency key.
    Request([u8; 16]),
    /// `contact-{a}-{b}`: what two people are to each other; the lower id stands first.
    Contact(Pair),
    /// `factor-{user}`: an account's second factor, by itself because each sign-in with it is an event.
    Factor(UserId),
    /// `devices-{user}`: an account's devices and their public keys, by itself because strangers claim from it.
    Devices(UserId),
    /// `attempts-{keyed hash}`: failed sign-ins to one name, from one address, or of both together.
    Attempts([u8; 32]),
    /// `schedule-{user}`: what somebody wants sent later.
    Schedule(UserId),
    /// `webhook-{id}`: where somebody is told, and how far.
    Webhook(WebhookId),
    /// `access-{day}`: what auditors were shown of others.
    Access(Day),
    /// `hold-all`: what must not be erased for now.
    Holds,
}

impl StreamId {
    /// All that [`StreamId::category`] answers.
    pub const CATEGORIES: [&'static str; 16] = [
        "user",
        "login",
        "session",
        "conversation",
        "message",
        "reader",
        "attachment",
        "request",
        "contact",
        "factor",
        "devices",
        "attempts",
        "schedule",
        "webhook",
        "access",
        "hold",
    ];

    /// The part of the name before the first hyphen, by which readers of the whole log filter.
    pub const fn category(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Login(..) => "login",
            Self::Session(_) => "session",
            Self::Conversation(_) => "conversation",
            Self::Message(_) => "message",
            Self::Reader(..) => "reader",
            Self::Attachment(_) => "attachment",
            Self::Request(_) => "request",
            Self::Contact(_) => "contact",
            Self::Factor(_) => "factor",
            Self::Devices(_) => "devices",
            Self::Attempts(_) => "attempts",
            Self::Schedule(_) => "schedule",
            Self::Webhook(_) => "webhook",
            Self::Access(_) => "access",
            Self::Holds => "hold",
        }
    }

    /// The name as the stores keep it.
    pub fn name(&self) -> StreamName {
        StreamName(self.to_string().into())
    }
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn unhex<const N: usize>(text: &str) -> Result<[u8; N], IdError> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N || !digits.iter().all(|d| matches!(d, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(IdError);
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let value = |digit: u8| if digit <= b'9' { digit - b'0' } else { digit - b'a' + 10 };
        *byte = value(pair[0]) << 4 | value(pair[1]);
    }
    Ok(bytes)
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let category = self.category();
        match self {
            Self::User(id) | Self::Factor(id) | Self::Devices(id) => write!(f, "{category}-{id}"),
            Self::Login(kind, hash) => write!(f, "{category}-{}-{}", kind.as_str(), Hex(hash)),
            Self::Session(id) => write!(f, "{category}-{id}"),
            Self::Conversation(id) => write!(f, "{category}-{id}"),
            Self::Message(id) => write!(f, "{category}-{id}"),
            Self::Reader(conversation, user) => write!(f, "{category}-{conversation}-{user}"),
            Self::Attachment(id) => write!(f, "{category}-{id}"),
            Self::Request(command) => write!(f, "{category}-{}", Hex(command)),
            Self::Contact(pair) => {
                let [low, high] = pair.both();
                write!(f, "{category}-{low}-{high}")
            }
            Self::Attempts(hash) => write!(f, "{category}-{}", Hex(hash)),
            Self::Schedule(user) => write!(f, "{category}-{user}"),
            Self::Webhook(id) => write!(f, "{category}-{id}"),
            Self::Access(day) => write!(f, "{category}-{day}"),
            Self::Holds => write!(f, "{category}-{ALL_HOLDS}"),
        }
    }
}

impl FromStr for StreamId {
    type Err = StreamError;

    fn from_str(name: &str) -> Result<Self, StreamError> {
        parse(name).map_err(|IdError| StreamError(name.to_owned()))
    }
}

fn parse(name: &str) -> Result<StreamId, IdError> {
    let (category, rest) = name.split_once('-').ok_or(IdError)?;
    Ok(match category {
        "user" => StreamId::User(rest.parse()?),
        "session" => StreamId::Session(rest.parse()?),
        "conversation" => StreamId::Conversation(rest.parse()?),
        "message" => StreamId::Message(rest.parse()?),
        "attachment" => StreamId::Attachment(rest.parse()?),
        "reader" => {
            let (conversation, user) = two_ids(rest)?;
            StreamId::Reader(conversation.parse()?, user.parse()?)
        }
        "login" => {
            let (kind, hash) = rest.split_once('-').ok_or(IdError)?;
            let kind = [LoginKind::Username, LoginKind::Email, LoginKind::Phone]
                .into_iter()
                .find(|known| known.as_str() == kind)
                .ok_or(IdError)?;
            StreamId::Login(kind, unhex(hash)?)
        }
        "request" => StreamId::Request(unhex(rest)?),
        "contact" => {
            let (low, high) = two_ids(rest)?;
            let both = [low.parse()?, high.parse()?];
            // one pair has one spelling
            StreamId::Contact(Pair::of(both[0], both[1]).filter(|pair| pair.both() == both).ok_or(IdError)?)
        }
        "factor" => StreamId::Factor(rest.parse()?),
        "devices" => StreamId::Devices(rest.parse()?),
        "attempts" => StreamId::Attempts(unhex(rest)?),
        "schedule" => StreamId::Schedule(rest.parse()?),
        "webhook" => StreamId::Webhook(rest.parse()?),
        "access" => StreamId::Access(rest.parse().map_err(|_| IdError)?),
        "hold" if rest == ALL_HOLDS => StreamId::Holds,
        _ => return Err(IdError),
    })
}

/// Two hyphenated UUIDs of 36 characters with a hyphen between them.
fn two_ids(text: &str) -> Result<(&str, &str), IdError> {
    let (one, other) = text.split_at_checked(36).ok_or(IdError)?;
    Ok((one, other.strip_prefix('-').ok_or(IdError)?))
}

/// The name of a stream as it is stored. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamName(Arc<str>);

impl StreamName {
    /// A name as it was stored. Not checked: logs may hold streams that this version does not know.
    pub fn stored(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the first hyphen.
    pub fn category(&self) -> &str {
        self.0.split('-').next().unwrap_or_default()
    }

    /// The name taken apart.
    pub fn id(&self) -> Result<StreamId, StreamError> {
        self.0.parse()
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
