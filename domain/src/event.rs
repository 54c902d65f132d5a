//! What every event has: a stored name, an open part as JSON, and perhaps a sealed part.

use crate::ids::KeyId;

/// The keys under which an event's personal part is sealed: its own, and for what a person wrote also that person's, so
/// that destroying either makes it unreadable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealKeys {
    /// The key of the message, person or conversation itself.
    pub own: KeyId,
    /// The key of the person who wrote it, where that is somebody else's business to destroy.
    pub author: Option<KeyId>,
}

/// Why stored bytes are not an event.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// No event of this name was ever defined here.
    #[error("no event is named {0:?}")]
    UnknownName(String),
    /// The bytes are not the JSON that an event of this name has.
    #[error("the stored form of {name} does not parse: {source}")]
    Malformed {
        /// The event's stored name.
        name: String,
        /// What the parser said.
        source: serde_json::Error,
    },
}

/// An event as the event store sees it.
///
/// Names and shapes are the storage format: they only grow. `domain/tests/stored_forms` guards each by a snapshot.
pub trait StoredEvent: Clone + Into<Event> + Sized + Send + Sync + 'static {
    /// Every stored name of this family.
    const NAMES: &'static [&'static str];

    /// The name under which the event is stored.
    fn name(&self) -> &'static str;

    /// The open part, a JSON object.
    fn open_part(&self) -> Result<Vec<u8>, EventError>;

    /// The personal part as JSON, when the event has one and it is readable.
    fn private_part(&self) -> Result<Option<Vec<u8>>, EventError>;

    /// The keys of the personal part; `None` for an event that has no such part.
    fn seal_keys(&self) -> Option<SealKeys>;

    /// An event from its open part; its personal part is [`crate::Personal::Withheld`].
    fn from_open(name: &str, open: &[u8]) -> Result<Self, EventError>;

    /// What the member is called that the personal part stands for; `None` for an event that has no such part.
    fn private_member(&self) -> Option<&'static str>;

    /// Puts the personal part back.
    fn reveal(&mut self, private: &[u8]) -> Result<(), EventError>;
}

/// Defines a family of events: the enum, the stored names, and which field is the personal part.
///
/// `Variant(Payload) = "stored_name"` for an open event,
/// `Variant(Payload) = "stored_name" seals field` for one whose `field: Personal<_>` is sealed under the keys that the
/// payload's method `seal_keys` names.
macro_rules! events {
    ($(#[$meta:meta])* pub enum $family:ident {
        $($(#[$vmeta:meta])* $variant:ident($payload:ident) = $name:literal $(seals $field:ident)?,)+
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum $family {
            $($(#[$vmeta])* $variant($payload),)+
        }

        $(impl From<$payload> for $family {
            fn from(payload: $payload) -> Self {
                Self::$variant(payload)
            }
        })+

        impl $crate::StoredEvent for $family {
            const NAMES: &'static [&'static str] = &[$($name),+];

            fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name,)+
                }
            }

            fn open_part(&self) -> Result<Vec<u8>, $crate::EventError> {
                match self {
                    $(Self::$variant(payload) => serde_json::to_vec(payload),)+
                }
                .map_err(|source| $crate::EventError::Malformed { name: self.name().to_owned(), source })
            }

            fn private_part(&self) -> Result<Option<Vec<u8>>, $crate::EventError> {
                match self {
                    $(Self::$variant(_payload) => events!(@private _payload $($field)?),)+
                }
                .transpose()
                .map_err(|source| $crate::EventError::Malformed { name: self.name().to_owned(), source })
            }

            fn seal_keys(&self) -> Option<$crate::SealKeys> {
                match self {
                    $(Self::$variant(_payload) => events!(@keys _payload $($field)?),)+
                }
            }

            fn private_member(&self) -> Option<&'static str> {
                match self {
                    $(Self::$variant(_) => events!(@member $($field)?),)+
                }
            }

            fn from_open(name: &str, open: &[u8]) -> Result<Self, $crate::EventError> {
                match name {
                    $($name => serde_json::from_slice(open).map(Self::$variant),)+
                    _ => return Err($crate::EventError::UnknownName(name.to_owned())),
                }
                .map_err(|source| $crate::EventError::Malformed { name: name.to_owned(), source })
            }

            fn reveal(&mut self, _private: &[u8]) -> Result<(), $crate::EventError> {
                let name = self.name();
                match self {
                    $(Self::$variant(_payload) => events!(@reveal _payload _private $($field)?),)+
                }
                .map_err(|source| $crate::EventError::Malformed { name: name.to_owned(), source })
            }
        }
    };
    (@private $payload:ident) => { None };
    (@private $payload:ident $field:ident) => { $payload.$field.clear().map(serde_json::to_vec) };
    (@keys $payload:ident) => { None };
    (@keys $payload:ident $field:ident) => { Some($payload.seal_keys()) };
    (@member) => { None };
    (@member $field:ident) => { Some(stringify!($field)) };
    (@reveal $payload:ident $private:ident) => { Ok(()) };
    (@reveal $payload:ident $private:ident $field:ident) => {
        serde_json::from_slice($private).map(|part| $payload.$field = $crate::Personal::Clear(part))
    };
}
pub(crate) use events;

use crate::{
    access::AccessEvent, attachment::AttachmentEvent, attempts::AttemptsEvent, contact::ContactEvent,
    conversation::ConversationEvent, devices::DevicesEvent, factor::FactorEvent, hold::HoldEvent, login::LoginEvent,
    message::MessageEvent, reader::ReaderEvent, request::RequestEvent, schedule::ScheduleEvent, session::SessionEvent,
    user::UserEvent, webhook::WebhookEvent,
};

/// Any event of the log. Projections match on it without a wildcard, so the compiler lists what a new event still lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Of one account.
    User(UserEvent),
    /// Of one claimed name, address or number.
    Login(LoginEvent),
    /// Of one signed-in session.
    Session(SessionEvent),
    /// Of one conversation: its people and its messages' arrival.
    Conversation(ConversationEvent),
    /// Of one message after it was sent.
    Message(MessageEvent),
    /// Of one reader in one conversation.
    Reader(ReaderEvent),
    /// Of one uploaded file.
    Attachment(AttachmentEvent),
    /// Of one request that was answered under an idempotency key.
    Request(RequestEvent),
    /// Of two people: contacts or not, blocked or not.
    Contact(ContactEvent),
    /// Of one account's second factor.
    Factor(FactorEvent),
    /// Of one account's devices and their public keys.
    Devices(DevicesEvent),
    /// Of failed sign-ins of one sort.
    Attempts(AttemptsEvent),
    /// Of what one person wants sent later.
    Schedule(ScheduleEvent),
    /// Of one webhook.
    Webhook(WebhookEvent),
    /// Of what auditors were shown of others.
    Access(AccessEvent),
    /// Of what must not be erased for now.
    Hold(HoldEvent),
}

macro_rules! delegate {
    ($($family:ident($inner:ident)),+ $(,)?) => {
        impl StoredEvent for Event {
            const NAMES: &'static [&'static str] = &{
                let mut all = [""; 0 $(+ $inner::NAMES.len())+];
                let mut filled = 0;
                $(
                    let (mut next, family) = (0, $inner::NAMES);
                    while next < family.len() {
                        all[filled] = family[next];
                        filled += 1;
                        next += 1;
                    }
                )+
                assert!(filled == all.len());
                all
            };

            fn name(&self) -> &'static str {
                match self { $(Self::$family(event) => event.name(),)+ }
            }

            fn open_part(&self) -> Result<Vec<u8>, EventError> {
                match self { $(Self::$family(event) => event.open_part(),)+ }
            }

            fn private_part(&self) -> Result<Option<Vec<u8>>, EventError> {
                match self { $(Self::$family(event) => event.private_part(),)+ }
            }

            fn seal_keys(&self) -> Option<SealKeys> {
                match self { $(Self::$family(event) => event.seal_keys(),)+ }
            }

            fn private_member(&self) -> Option<&'static str> {
                match self { $(Self::$family(event) => event.private_member(),)+ }
            }

            fn from_open(name: &str, open: &[u8]) -> Result<Self, EventError> {
                $(if $inner::NAMES.contains(&name) {
                    return $inner::from_open(name, open).map(Self::$family);
                })+
                Err(EventError::UnknownName(name.to_owned()))
            }

            fn reveal(&mut self, private: &[u8]) -> Result<(), EventError> {
                match self { $(Self::$family(event) => event.reveal(private),)+ }
            }
        }
        $(impl From<$inner> for Event {
            fn from(event: $inner) -> Self {
                Self::$family(event)
            }
        })+
    };
}

// The most frequent families first: `from_open` asks them in this order.
delegate!(
    Conversation(ConversationEvent),
    Reader(ReaderEvent),
    Message(MessageEvent),
    User(UserEvent),
    Login(LoginEvent),
    Session(SessionEvent),
    Attachment(AttachmentEvent),
    Request(RequestEvent),
    Contact(ContactEvent),
    Factor(FactorEvent),
    Devices(DevicesEvent),
    Attempts(AttemptsEvent),
    Schedule(ScheduleEvent),
    Webhook(WebhookEvent),
    Access(AccessEvent),
    Hold(HoldEvent),
);
