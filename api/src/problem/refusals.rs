//! Which problem each refusal is. A new one makes a match below incomplete: the compiler asks what its kind is.

use tidings_commands::{Error as CommandError, Refusal};
use tidings_domain::{
    LoginKind, attachment::AttachmentRefusal, contact::ContactRefusal, conversation::ConversationRefusal,
    devices::DevicesRefusal, factor::FactorRefusal, hold::HoldRefusal, login::LoginRefusal, message::MessageRefusal,
    reader::ReaderRefusal, request::RequestRefusal, schedule::ScheduleRefusal, session::SessionRefusal,
    user::UserRefusal, webhook::WebhookRefusal,
};

use super::{FieldError, Problem, status::Kind};

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
        // only processes ask for what is refused so
        UserRefusal::NotClosed => Kind::Internal,
    };
    HoldRefusal: refusal => match refusal {
        HoldRefusal::TooMany => Kind::TooManyHolds,
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
        // only processes ask for what is refused so
        MessageRefusal::StillKept | MessageRefusal::NotDeleted => Kind::Internal,
        MessageRefusal::TooManyReactions => Kind::TooManyReactions,
    };
    AttachmentRefusal: refusal => match refusal {
        AttachmentRefusal::NoSuchAttachment => Kind::NoSuchAttachment,
        AttachmentRefusal::AlreadyUsed => Kind::AttachmentUsed,
    };
    WebhookRefusal: refusal => match refusal {
        WebhookRefusal::NoSuchWebhook => Kind::NoSuchWebhook,
    };
    ReaderRefusal: refusal => match refusal {
        ReaderRefusal::NoSuchMessage => Kind::NoSuchMessage,
    };
    FactorRefusal: refusal => match refusal {
        FactorRefusal::AlreadyOn => Kind::MfaEnabled,
        FactorRefusal::NotOffered => Kind::NoTotpSecret,
        FactorRefusal::WrongCode => Kind::WrongOtp,
    };
    DevicesRefusal: refusal => match refusal {
        DevicesRefusal::NoSuchDevice => Kind::NoSuchDevice,
        DevicesRefusal::TooManyDevices => Kind::TooManyDevices,
        DevicesRefusal::TooManyKeyPackages => Kind::TooManyKeyPackages,
        DevicesRefusal::NoKeyPackages => Kind::NoKeyPackages,
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
            ConversationRefusal::Blocked => Kind::Blocked,
            // these two are about one member of the request
            ConversationRefusal::DirectSize => return Self::invalid("/members", refusal.to_string()),
            ConversationRefusal::NoSuchReply => {
                return Self::of_fields(Kind::NoSuchMessage, vec![FieldError::new("/reply_to", refusal.to_string())]);
            }
        };
        Self::new(kind, refusal.to_string())
    }
}

impl From<ContactRefusal> for Problem {
    fn from(refusal: ContactRefusal) -> Self {
        let kind = match refusal {
            ContactRefusal::Oneself => return Self::invalid("/user", refusal.to_string()),
            ContactRefusal::Blocked => Kind::Blocked,
            ContactRefusal::Blocking => Kind::UnblockFirst,
        };
        Self::new(kind, refusal.to_string())
    }
}

impl From<ScheduleRefusal> for Problem {
    fn from(refusal: ScheduleRefusal) -> Self {
        let kind = match refusal {
            ScheduleRefusal::NoSuchScheduled => Kind::NoSuchScheduled,
            ScheduleRefusal::TooMany => Kind::TooManyScheduled,
            ScheduleRefusal::BeingSent => Kind::BeingSent,
            ScheduleRefusal::NotInTheFuture | ScheduleRefusal::TooFarAhead => {
                return Self::invalid("/send_at", refusal.to_string());
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
            Refusal::Contact(refusal) => refusal.into(),
            Refusal::Attachment(refusal) => refusal.into(),
            Refusal::Factor(refusal) => refusal.into(),
            Refusal::Devices(refusal) => refusal.into(),
            Refusal::Schedule(refusal) => refusal.into(),
            Refusal::Webhook(refusal) => refusal.into(),
            Refusal::Hold(refusal) => refusal.into(),
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

/// What signing out of a session answers: one that is over, or somebody else's, is not there.
pub fn of_sign_out(error: CommandError) -> Problem {
    if matches!(error, CommandError::Refused(Refusal::Session(_))) { Kind::NoSuchSession.into() } else { error.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_keeps_its_sentence_and_gets_its_kind() {
        let problem = Problem::from(ConversationRefusal::NotAMember);
        assert_eq!((problem.kind(), problem.to_string().as_str()), (Kind::NotAMember, "only members may do this"));
        assert_eq!(Problem::from(ConversationRefusal::NoSuchReply).kind(), Kind::NoSuchMessage);
    }
}
