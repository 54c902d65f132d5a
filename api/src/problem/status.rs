//! Every HTTP status and every stable problem type.

use axum::http::StatusCode;

/// The statuses of success.
pub mod success {
    use axum::http::StatusCode;

    /// Here it is.
    pub const OK: StatusCode = StatusCode::OK;
    /// It is made.
    pub const CREATED: StatusCode = StatusCode::CREATED;
    /// It has begun.
    pub const ACCEPTED: StatusCode = StatusCode::ACCEPTED;
    /// Here is the part that was asked for.
    pub const PARTIAL_CONTENT: StatusCode = StatusCode::PARTIAL_CONTENT;
    /// It is what the client has already.
    pub const NOT_MODIFIED: StatusCode = StatusCode::NOT_MODIFIED;
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
    OtpRequired = UNAUTHORIZED, "otp-required", "A code of the second factor is needed";
    SessionEnded = UNAUTHORIZED, "session-ended", "The session has ended";
    Forbidden = FORBIDDEN, "forbidden", "Not allowed";
    WrongPassword = FORBIDDEN, "wrong-password", "The current password is wrong";
    WrongOtp = FORBIDDEN, "wrong-otp", "The code of the second factor is wrong";
    AccountSuspended = FORBIDDEN, "account-suspended", "The account is suspended";
    NotAMember = FORBIDDEN, "not-a-member", "Not a member of this conversation";
    NotAnAdmin = FORBIDDEN, "not-an-admin", "Only the owner and admins may do this";
    NotTheOwner = FORBIDDEN, "not-the-owner", "Only the owner may do this";
    OwnerIsFixed = FORBIDDEN, "owner-is-fixed", "The owner stays the owner until they leave";
    NotTheSender = FORBIDDEN, "not-the-sender", "Only the sender may do this";
    Blocked = FORBIDDEN, "blocked", "Blocked by this person";
    NotFound = NOT_FOUND, "not-found", "Not found";
    NoSuchUser = NOT_FOUND, "no-such-user", "There is no such user";
    NoSuchSession = NOT_FOUND, "no-such-session", "There is no such session";
    NoSuchEntry = NOT_FOUND, "no-such-entry", "The tree has no such entry or size";
    NoSuchExport = NOT_FOUND, "no-such-export", "There is no such export, or no such part of it";
    NoSuchProjection = NOT_FOUND, "no-such-projection", "There is no such projection";
    NoSuchConversation = NOT_FOUND, "no-such-conversation", "There is no such conversation";
    NoSuchDevice = NOT_FOUND, "no-such-device", "There is no such device";
    NoSuchWebhook = NOT_FOUND, "no-such-webhook", "There is no such webhook";
    NoSuchMessage = NOT_FOUND, "no-such-message", "There is no such message";
    NoSuchScheduled = NOT_FOUND, "no-such-scheduled-message", "There is no such scheduled message";
    NoSuchPosition = NOT_FOUND, "no-such-position", "The log does not reach so far";
    NoSuchAttachment = NOT_FOUND, "no-such-attachment", "There is no such attachment";
    MethodNotAllowed = METHOD_NOT_ALLOWED, "method-not-allowed", "The method is not allowed here";
    TooSlow = REQUEST_TIMEOUT, "too-slow", "The request took too long to arrive";
    Taken = CONFLICT, "taken", "Somebody else has this already";
    TooManyExports = CONFLICT, "too-many-exports", "There are as many exports as one may have";
    ExportNotReady = CONFLICT, "export-not-ready", "The export is not ready yet";
    Busy = CONFLICT, "busy", "The same is being done already";
    DirectIsFixed = CONFLICT, "direct-is-fixed", "A direct conversation stays as it is";
    GroupIsFull = CONFLICT, "group-is-full", "The group is full";
    MessageDeleted = CONFLICT, "message-deleted", "The message was deleted";
    MfaEnabled = CONFLICT, "mfa-enabled", "The second factor is on already";
    NoTotpSecret = CONFLICT, "no-totp-secret", "No secret was made that could be confirmed";
    TooManyDevices = CONFLICT, "too-many-devices", "The account has too many devices";
    TooManyKeyPackages = CONFLICT, "too-many-key-packages", "Too many key packages wait to be claimed";
    NoKeyPackages = CONFLICT, "no-key-packages", "No key package of this device is left";
    TooManyWebhooks = CONFLICT, "too-many-webhooks", "There are as many webhooks as one may have";
    TooManyHolds = CONFLICT, "too-many-holds", "As much is held as can be";
    TooManyReactions = CONFLICT, "too-many-reactions", "The message has too many different reactions";
    UnblockFirst = CONFLICT, "unblock-first", "Unblock this person first";
    TooManyScheduled = CONFLICT, "too-many-scheduled", "Too many messages are scheduled";
    BeingSent = CONFLICT, "being-sent", "The message is being sent";
    AttachmentUsed = CONFLICT, "attachment-used", "The attachment belongs to another message";
    TooManyUnused = CONFLICT, "too-many-unused-attachments", "Too many uploads wait to be sent";
    TooLarge = PAYLOAD_TOO_LARGE, "too-large", "The request is too large";
    WrongMediaType = UNSUPPORTED_MEDIA_TYPE, "wrong-media-type", "The body has the wrong media type";
    NoSuchRange = RANGE_NOT_SATISFIABLE, "no-such-range", "The file does not reach so far";
    InvalidRequest = UNPROCESSABLE_ENTITY, "invalid-request", "The request breaks a rule";
    TooMuchHistory = UNPROCESSABLE_ENTITY, "too-much-history", "Looking back so would take too much";
    KeyReused = UNPROCESSABLE_ENTITY, "idempotency-key-reused", "The idempotency key belongs to another request";
    HeadTooLarge = REQUEST_HEADER_FIELDS_TOO_LARGE, "head-too-large", "The request has too many or too large headers";
    TooManyAttempts = TOO_MANY_REQUESTS, "too-many-attempts", "Too many failed attempts";
    TooManyRequests = TOO_MANY_REQUESTS, "too-many-requests", "Too many requests";
    Internal = INTERNAL_SERVER_ERROR, "internal", "Something went wrong on the server";
    Overloaded = SERVICE_UNAVAILABLE, "overloaded", "Too much is waiting";
    Unavailable = SERVICE_UNAVAILABLE, "unavailable", "The storage does not answer";
    NotYetVisible = SERVICE_UNAVAILABLE, "not-yet-visible", "The views have not reached the position asked for";
    ViewsNotReady = SERVICE_UNAVAILABLE, "views-not-ready", "The views are being built";
    NotSignedYet = SERVICE_UNAVAILABLE, "not-signed-yet", "The notary has not signed that yet";
    ShuttingDown = SERVICE_UNAVAILABLE, "shutting-down", "The server is stopping";
}

impl Kind {
    /// The last part of the type, by which events name a problem.
    pub fn slug(self) -> &'static str {
        self.uri().rsplit('/').next().unwrap_or_default()
    }

    /// The kind of this name.
    pub fn named(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.slug() == slug)
    }

    /// The seconds after which to try again, where that helps.
    pub fn retry_after(self) -> Option<u64> {
        match self.status() {
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => Some(1),
            _ => None,
        }
    }
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
}
