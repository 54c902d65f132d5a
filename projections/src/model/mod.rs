//! What queries answer with: plain rows. The API gives them their JSON form.

mod access;
mod attachment;
mod contact;
mod conversation;
mod erasure;
mod inbox;
mod message;
mod people;
mod scheduled;
mod search;
mod status;
mod webhooks;

pub use crate::text::{NothingToFind, Snippet, Wanted};
pub use access::{Access, AccessCursor, AccessPage};
pub use attachment::{Attachment, Pixels};
pub use contact::{Block, Contact, ContactCursor, ContactState};
pub use conversation::{
    Conversation, ConversationAccess, ConversationUnread, InboxCursor, InboxFilter, MemberCursor, MemberRow,
    Membership, UnreadSummary,
};
pub use erasure::{Erasure, Expired, ExpiryCursor, ExpiryQuestion};
pub use inbox::{InboxPage, Shown, UnreadCounts};
pub use message::{Message, MessageAnchor, MessageVersion, Reaction, Receipt, ReceivedCursor, ReceivedFilter};
pub use people::{Device, Session, User, UserCursor, UserRef};
pub use scheduled::{Scheduled, ScheduledCursor};
pub use search::{SearchCursor, SearchFilter, SearchHit};
pub use status::{Difference, ParkedEvent, ProjectionStatus, RebuildProgress, Verification, Verified};
pub use webhooks::{Webhook, WebhookFailure};

/// A stretch of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T, C> {
    /// In the list's order.
    pub items: Vec<T>,
    /// Where the next stretch begins; none at the end.
    pub next: Option<C>,
}

impl<T, C> Page<T, C> {
    /// A list of nothing.
    pub const fn empty() -> Self {
        Self { items: Vec::new(), next: None }
    }
}
