//! Why a command did not do what it was asked.

use tidings_domain::{
    AttachmentId, LoginKind, attachment::AttachmentRefusal, contact::ContactRefusal, conversation::ConversationRefusal,
    devices::DevicesRefusal, factor::FactorRefusal, hold::HoldRefusal, message::MessageRefusal, reader::ReaderRefusal,
    request::RequestRefusal, schedule::ScheduleRefusal, session::SessionRefusal, user::UserRefusal,
    webhook::WebhookRefusal,
};
use tidings_event_store::{CodecError, KeyError, StoreError};

/// A decider's reason why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Of an account.
    #[error(transparent)]
    User(#[from] UserRefusal),
    /// A name, address or number belongs to somebody else.
    #[error("this {} is taken", .0.as_str())]
    LoginTaken(LoginKind),
    /// Of a session.
    #[error(transparent)]
    Session(#[from] SessionRefusal),
    /// Of a conversation.
    #[error(transparent)]
    Conversation(#[from] ConversationRefusal),
    /// Of a message.
    #[error(transparent)]
    Message(#[from] MessageRefusal),
    /// Of a reader.
    #[error(transparent)]
    Reader(#[from] ReaderRefusal),
    /// Of two people.
    #[error(transparent)]
    Contact(#[from] ContactRefusal),
    /// Of an uploaded file.
    #[error(transparent)]
    Attachment(#[from] AttachmentRefusal),
    /// Of a second factor.
    #[error(transparent)]
    Factor(#[from] FactorRefusal),
    /// Of devices and their keys.
    #[error(transparent)]
    Devices(#[from] DevicesRefusal),
    /// Of what is to be sent later.
    #[error(transparent)]
    Schedule(#[from] ScheduleRefusal),
    /// Of a webhook.
    #[error(transparent)]
    Webhook(#[from] WebhookRefusal),
    /// Of what is held.
    #[error(transparent)]
    Hold(#[from] HoldRefusal),
}

impl From<RequestRefusal> for Refusal {
    fn from(refusal: RequestRefusal) -> Self {
        match refusal {}
    }
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The rules forbid it, or what it is about is not there.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Name or password is wrong; which of them is not said.
    #[error("the credentials are wrong")]
    WrongCredentials,
    /// A signed-in person did not show their present password.
    #[error("the password is wrong")]
    WrongPassword,
    /// The password is right, and the account asks for a second factor.
    #[error("a code of the second factor is needed")]
    OtpRequired,
    /// Too much has failed: the attempt was not looked at.
    #[error("too many failed attempts: come back in {} s", .millis.div_euclid(1000) + 1)]
    TooManyAttempts {
        /// When the next one may be made.
        millis: i64,
    },
    /// Somebody who is named does not exist. The text is how they were named.
    #[error("there is no such user: {0}")]
    NoSuchUser(String),
    /// The message does not exist, or who asks cannot see it.
    #[error("there is no such message")]
    NoSuchMessage,
    /// A file cannot be put to the message.
    #[error("{refusal}")]
    Attachment {
        /// Which of them.
        id: AttachmentId,
        /// Why not.
        refusal: AttachmentRefusal,
    },
    /// The key was used for another request.
    #[error("this idempotency key was used for another request")]
    KeyReused,
    /// The person concerned is being forgotten: their keys are gone.
    #[error("the account is closed")]
    Forgotten,
    /// Too many passwords wait to be checked.
    #[error("too many sign-ins at once")]
    HashingBusy,
    /// Others won the race for the stream every time.
    #[error("too many changes at once")]
    Contended,
    /// The event store does not work now.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key store does not work now.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The log holds what this version cannot read.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The program is at fault. Logged, never shown.
    #[error("internal fault: {0}")]
    Internal(String),
}

macro_rules! refused {
    ($($refusal:ty),+) => {
        $(impl From<$refusal> for Error {
            fn from(refusal: $refusal) -> Self {
                Self::Refused(refusal.into())
            }
        })+
    };
}
refused!(
    UserRefusal,
    SessionRefusal,
    ConversationRefusal,
    MessageRefusal,
    ReaderRefusal,
    RequestRefusal,
    ContactRefusal,
    FactorRefusal,
    DevicesRefusal,
    ScheduleRefusal,
    WebhookRefusal
);
