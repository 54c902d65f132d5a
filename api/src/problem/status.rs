//! Every HTTP status and every stable problem type, for every error of every layer.
//!
//! A new refusal anywhere makes a match below incomplete: the compiler asks what its status is.

use axum::http::StatusCode;
use tidings_commands::{Error as CommandError, Refusal};
use tidings_domain::{
    LoginKind, conversation::ConversationRefusal, login::LoginRefusal, message::MessageRefusal, reader::ReaderRefusal,
    request::RequestRefusal, session::SessionRefusal, user::UserRefusal,
};
use tidings_event_store::{CodecError, KeyError, StoreError};
use tidings_projections::{QueryError, ViewsError};

use super::{FieldError, Problem};

/// The statuses of success.
pub mod success {
    use axum::http::StatusCode;

    /// Here it is.
    pub const OK: StatusCode = StatusCode::OK;
    /// It is made.
    pub const CREATED: StatusCode = StatusCode::CREATED;
    /// It has begun.
    pub const ACCEPTED: StatusCode = StatusCode::ACCEPTED;
    /// It is done, and there is nothing to show.
    pub const NO_CONTENT: StatusCode = StatusCode::NO_CONTENT;
}

macro_rules! kinds {
    ($($variant:ident = $status:ident, $slug:literal, $title:literal;)+) => {
        /// What sort of problem.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Kind {
            $(#[doc = $title] $variant,)+
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The HTTP status.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)+ }
            }

            /// The stable type: a URI reference.
            pub const fn uri(self) -> &'static str {
                match self { $(Self::$variant => concat!("/problems/", $slug),)+ }
            }

            /// What problems of this type have in common.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }
        }
    };
}

kinds! {
    MalformedRequest = BAD_REQUEST, "malformed-request", "The request cannot be parsed";
    Unauthenticated = UNAUTHORIZED, "unauthenticated", "A valid access token is needed";
    WrongCredentials = UNAUTHORIZED, "wrong-credentials", "Wrong name or password";
    SessionEnded = UNAUTHORIZED, "session-ended", "The session has ended";
    Forbidden = FORBIDDEN, "forbidden", "Not allowed";
    WrongPassword = FORBIDDEN, "wrong-password", "The current password is wrong";
    AccountSuspended = FORBIDDEN, "account-suspended", "The account is suspended";
    NotAMember = FORBIDDEN, "not-a-member", "Not a member of this conversation";
    NotAnAdmin = FORBIDDEN, "not-an-admin", "Only the owner and admins may do this";
    NotTheOwner = FORBIDDEN, "not-the-owner", "Only the owner may do this";
    OwnerIsFixed = FORBIDDEN, "owner-is-fixed", "The owner stays the owner until they leave";
    NotTheSender = FORBIDDEN, "not-the-sender", "Only the sender may do this";
    NotFound = NOT_FOUND, "not-found", "Not found";
    NoSuchUser = NOT_FOUND, "no-such-user", "There is no such user";
    NoSuchSession = NOT_FOUND, "no-such-session", "There is no such session";
    NoSuchProjection = NOT_FOUND, "no-such-projection", "There is no such projection";
    NoSuchConversation = NOT_FOUND, "no-such-conversation", "There is no such conversation";
    NoSuchMessage = NOT_FOUND, "no-such-message", "There is no such message";
    MethodNotAllowed = METHOD_NOT_ALLOWED, "method-not-allowed", "The method is not allowed here";
    TooSlow = REQUEST_TIMEOUT, "too-slow", "The request took too long to arrive";
    Taken = CONFLICT, "taken", "Somebody else has this already";
    Busy = CONFLICT, "busy", "The same is being done already";
    DirectIsFixed = CONFLICT, "direct-is-fixed", "A direct conversation stays as it is";
    GroupIsFull = CONFLICT, "group-is-full", "The group is full";
    MessageDeleted = CONFLICT, "message-deleted", "The message was deleted";
    TooManyReactions = CONFLICT, "too-many-reactions", "The message has too many different reactions";
    TooLarge = PAYLOAD_TOO_LARGE, "too-large", "The request is too large";
    WrongMediaType = UNSUPPORTED_MEDIA_TYPE, "wrong-media-type", "The body must be application/json";
    InvalidRequest = UNPROCESSABLE_ENTITY, "invalid-request", "The request breaks a rule";
    KeyReused = UNPROCESSABLE_ENTITY, "idempotency-key-reused", "The idempotency key belongs to another request";
    TooManyRequests = TOO_MANY_REQUESTS, "too-many-requests", "Too many requests";
    Internal = INTERNAL_SERVER_ERROR, "internal", "Something went wrong on the server";
    Overloaded = SERVICE_UNAVAILABLE, "overloaded", "Too much is waiting";
    Unavailable = SERVICE_UNAVAILABLE, "unavailable", "The storage does not answer";
    NotYetVisible = SERVICE_UNAVAILABLE, "not-yet-visible", "The views have not reached the position asked for";
    ViewsNotReady = SERVICE_UNAVAILABLE, "views-not-ready", "The views are being built";
    ShuttingDown = SERVICE_UNAVAILABLE, "shutting-down", "The server is stopping";
}

impl Kind {
    /// The seconds after which to try again, where that helps.
    pub fn retry_after(self) -> Option<u32> {
        match self.status() {
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => Some(1),
            _ => None,
        }
    }
}

/// Refusals and failures that have a kind of their own; the detail is their own sentence.
macro_rules! problem_from {
    ($($error:ty: $pattern:ident => $kind:expr;)+) => {
        $(impl From<$error> for Problem {
            fn from($pattern: $error) -> Self {
                let kind = $kind;
                Self::new(kind, $pattern.to_string())
            }
        })+
    };
}

problem_from! {
    UserRefusal: refusal => match refusal {
        UserRefusal::NoSuchUser => Kind::NoSuchUser,
        UserRefusal::AlreadyRegistered => Kind::Taken,
        UserRefusal::Suspended => Kind::AccountSuspended,
    };
    LoginRefusal: refusal => match refusal {
        LoginRefusal::Taken => Kind::Taken,
    };
    SessionRefusal: refusal => match refusal {
        SessionRefusal::Ended | SessionRefusal::WrongToken => Kind::SessionEnded,
    };
    MessageRefusal: refusal => match refusal {
        MessageRefusal::NotTheSender => Kind::NotTheSender,
        MessageRefusal::Deleted => Kind::MessageDeleted,
        MessageRefusal::TooManyReactions => Kind::TooManyReactions,
    };
    ReaderRefusal: refusal => match refusal {
        ReaderRefusal::NoSuchMessage => Kind::NoSuchMessage,
    };
}

impl From<ConversationRefusal> for Problem {
    fn from(refusal: ConversationRefusal) -> Self {
        let kind = match refusal {
            ConversationRefusal::NoSuchConversation => Kind::NoSuchConversation,
            ConversationRefusal::NotAMember => Kind::NotAMember,
            ConversationRefusal::NotAnAdmin => Kind::NotAnAdmin,
            ConversationRefusal::NotTheOwner => Kind::NotTheOwner,
            ConversationRefusal::OwnerIsFixed => Kind::OwnerIsFixed,
            ConversationRefusal::DirectIsFixed => Kind::DirectIsFixed,
            ConversationRefusal::TooManyMembers => Kind::GroupIsFull,
            // these two are about one member of the request
            ConversationRefusal::DirectSize => return Self::invalid("/members", refusal.to_string()),
            ConversationRefusal::NoSuchReply => {
                return Self::of_fields(Kind::NoSuchMessage, vec![FieldError::new("/reply_to", refusal.to_string())]);
            }
        };
        Self::new(kind, refusal.to_string())
    }
}

impl From<RequestRefusal> for Problem {
    fn from(refusal: RequestRefusal) -> Self {
        match refusal {}
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::User(refusal) => refusal.into(),
            Refusal::LoginTaken(kind) => taken(kind),
            Refusal::Session(refusal) => refusal.into(),
            Refusal::Conversation(refusal) => refusal.into(),
            Refusal::Message(refusal) => refusal.into(),
            Refusal::Reader(refusal) => refusal.into(),
        }
    }
}

fn taken(kind: LoginKind) -> Problem {
    let member = match kind {
        LoginKind::Username => "/username",
        LoginKind::Email => "/email",
        LoginKind::Phone => "/phone_number",
    };
    Problem::of_fields(Kind::Taken, vec![FieldError::new(member, "is taken")])
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        let kind = match error {
            CommandError::Refused(refusal) => return refusal.into(),
            CommandError::Store(error) => return error.into(),
            CommandError::Keys(error) => return error.into(),
            CommandError::Codec(error) => return error.into(),
            CommandError::WrongCredentials => Kind::WrongCredentials,
            CommandError::WrongPassword => Kind::WrongPassword,
            CommandError::NoSuchUser(_) => Kind::NoSuchUser,
            CommandError::NoSuchMessage => Kind::NoSuchMessage,
            CommandError::KeyReused => Kind::KeyReused,
            CommandError::Forgotten => Kind::SessionEnded,
            CommandError::HashingBusy | CommandError::Contended => Kind::Overloaded,
            CommandError::Internal(_) => return failed(&error, Kind::Internal),
        };
        Self::new(kind, error.to_string())
    }
}

impl From<CodecError> for Problem {
    fn from(error: CodecError) -> Self {
        match error {
            CodecError::Key(error) => error.into(),
            CodecError::Event(_) | CodecError::Stream(_) | CodecError::Newer { .. } | CodecError::Seal { .. } => {
                failed(&error, Kind::Internal)
            }
        }
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        match &error {
            QueryError::NotReady => Kind::ViewsNotReady.into(),
            QueryError::Unavailable(_) => failed(&error, Kind::Unavailable),
        }
    }
}

impl From<ViewsError> for Problem {
    fn from(error: ViewsError) -> Self {
        let kind = match &error {
            ViewsError::Busy(_) => return Self::new(Kind::Busy, error.to_string()),
            ViewsError::Stopped => Kind::ShuttingDown,
            ViewsError::Unavailable(_) | ViewsError::Log(_) => Kind::Unavailable,
            ViewsError::Foreign(_) | ViewsError::Apply(_) => Kind::Internal,
        };
        failed(&error, kind)
    }
}

/// What signing out of a session answers: one that is over, or somebody else's, is not there.
pub fn of_sign_out(error: CommandError) -> Problem {
    if matches!(error, CommandError::Refused(Refusal::Session(_))) { Kind::NoSuchSession.into() } else { error.into() }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let kind = match &error {
            StoreError::Overloaded => Kind::Overloaded,
            StoreError::Unavailable(_) => Kind::Unavailable,
            StoreError::Corrupt(_) => Kind::Internal,
        };
        failed(&error, kind)
    }
}

impl From<KeyError> for Problem {
    fn from(error: KeyError) -> Self {
        let kind = match &error {
            KeyError::Unavailable(_) => Kind::Unavailable,
            KeyError::Refused(_) | KeyError::WrongSecret | KeyError::Damaged(_) => Kind::Internal,
        };
        failed(&error, kind)
    }
}

/// A failure inside: its sentence is for the operator's log, clients learn the kind alone.
fn failed(error: &dyn std::error::Error, kind: Kind) -> Problem {
    tracing::error!(problem = kind.uri(), "{error}");
    kind.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_problem_has_a_type_of_its_own() {
        let types: HashSet<_> = Kind::ALL.iter().map(|kind| kind.uri()).collect();
        assert_eq!(types.len(), Kind::ALL.len());
    }

    #[test]
    fn a_refusal_keeps_its_sentence_and_gets_its_kind() {
        let problem = Problem::from(ConversationRefusal::NotAMember);
        assert_eq!((problem.kind(), problem.to_string().as_str()), (Kind::NotAMember, "only members may do this"));
        assert_eq!(Problem::from(ConversationRefusal::NoSuchReply).kind(), Kind::NoSuchMessage);
    }
}
