//! What the views can be asked. Each backend answers the same.
//!
//! Every question names who asks, and is answered as that person may see it: what they may not see is not there. An
//! answer is consistent in itself: it is read in one transaction.

use std::sync::Arc;

use async_trait::async_trait;
use tidings_domain::{AttachmentId, ConversationId, MessageId, ScheduledId, SessionId, Timestamp, UserId, WebhookId};
use tidings_event_store::Position;

use crate::model::{
    Access, AccessCursor, AccessPage, Attachment, Block, Contact, ContactCursor, ContactState, Conversation,
    ConversationAccess, Device, Erasure, Expired, ExpiryQuestion, InboxCursor, InboxFilter, InboxPage, MemberCursor,
    MemberRow, Membership, Message, MessageAnchor, MessageVersion, Page, Receipt, ReceivedCursor, ReceivedFilter,
    Scheduled, ScheduledCursor, SearchCursor, SearchFilter, SearchHit, Session, Shown, UnreadCounts, UnreadSummary,
    User, UserCursor, Wanted, Webhook,
};

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// A view is being built for the first time, or anew for another release: come back later.
    #[error("the views are being built")]
    NotReady,
    /// The disk or the database does not answer as it should. Logged, never shown to clients.
    #[error("the views are unavailable: {0}")]
    Unavailable(String),
}

/// An answer, or why there is none.
pub type Answer<T> = Result<T, QueryError>;

/// All questions. `limit` is the most items of a page, at least 1.
pub trait Queries: AboutPeople + AboutConversations {}

impl<T: AboutPeople + AboutConversations> Queries for T {}

/// About accounts, what belongs to them, and what was done with what is theirs.
#[async_trait]
pub trait AboutPeople: Send + Sync + 'static {
    /// An account by its id, closed ones too.
    async fn user(&self, id: UserId) -> Answer<Option<User>>;

    /// An account by its username in lower case. Closed accounts have none.
    async fn user_by_username(&self, username: &str) -> Answer<Option<User>>;

    /// The accounts among these ids, in the order asked; unknown ids are left out.
    async fn users(&self, ids: &[UserId]) -> Answer<Vec<User>>;

    /// Accounts that are not closed with, for each word of `query`, a word of the username, first or last name that
    /// begins with it, whatever the case. All, by username, when `query` is blank.
    async fn search_users(
        &self,
        query: &str,
        cursor: Option<&UserCursor>,
        limit: usize,
    ) -> Answer<Page<User, UserCursor>>;

    /// The open sessions of a user, newest first: those not closed, not ended by a new password, and opened or
    /// refreshed at or after `alive_since`.
    async fn sessions(&self, user: UserId, alive_since: Timestamp) -> Answer<Vec<Session>>;

    /// A session, if it is open as of [`AboutPeople::sessions`].
    async fn session(&self, id: SessionId) -> Answer<Option<Session>>;

    /// Whom somebody has as contacts, or has asked, or was asked by: newest first. Closed accounts are left out.
    async fn contacts(
        &self,
        viewer: UserId,
        state: ContactState,
        cursor: Option<ContactCursor>,
        limit: usize,
    ) -> Answer<Page<Contact, ContactCursor>>;

    /// One such.
    async fn contact(&self, viewer: UserId, other: UserId) -> Answer<Option<Contact>>;

    /// The ids of somebody's accepted contacts, the newest first, at most so many.
    async fn contact_ids(&self, user: UserId, limit: usize) -> Answer<Vec<UserId>>;

    /// Whom somebody blocks, newest first. Closed accounts are left out.
    async fn blocks(
        &self,
        viewer: UserId,
        cursor: Option<ContactCursor>,
        limit: usize,
    ) -> Answer<Page<Block, ContactCursor>>;

    /// The devices of an account, in the order in which they were added. A few at most.
    async fn devices(&self, user: UserId) -> Answer<Vec<Device>>;

    /// The webhooks of a user, the oldest first.
    async fn webhooks(&self, owner: UserId) -> Answer<Vec<Webhook>>;

    /// The webhooks of all users after this one, by their ids: for whoever delivers.
    async fn all_webhooks(&self, after: Option<WebhookId>, limit: usize) -> Answer<Vec<(WebhookId, UserId)>>;

    /// What auditors were shown of somebody, or of a conversation they are or were in, or may have been shown of anybody since they are
    /// there; newest first. Not what they were shown of themselves as auditors.
    async fn accesses(&self, viewer: UserId, cursor: Option<AccessCursor>, limit: usize) -> Answer<AccessPage>;

    /// What of a conversation auditors were shown since a position, but for single messages other than this one; oldest first.
    async fn accesses_to(&self, message: MessageId, since: Position, limit: usize) -> Answer<Vec<Access>>;

    /// What was to be erased of what somebody wrote, and their account where it was closed: the newest first.
    async fn erasures(&self, user: UserId, before: Option<Position>, limit: usize) -> Answer<Page<Erasure, Position>>;
}

/// About conversations, their messages, and what is to become of one.
#[async_trait]
pub trait AboutConversations: Send + Sync + 'static {
    /// The conversations that somebody is in, newest activity (last message, or start) first.
    async fn inbox(
        &self,
        viewer: UserId,
        filter: InboxFilter,
        cursor: Option<InboxCursor>,
        limit: usize,
    ) -> Answer<Page<Conversation, InboxCursor>>;

    /// The first page of [`AboutConversations::inbox`], to be shown in one form: where the views are kept in this process, from
    /// memory as long as nothing of it is touched.
    async fn inbox_page(&self, viewer: UserId, filter: InboxFilter, limit: usize) -> Answer<Arc<InboxPage>> {
        let Page { items, next } = self.inbox(viewer, filter, None, limit).await?;
        let items = items.into_iter().map(|conversation| Arc::new(Shown::new(conversation))).collect();
        Ok(Arc::new(Shown::new(Page { items, next })))
    }

    /// One conversation.
    async fn conversation(&self, viewer: UserId, id: ConversationId) -> Answer<ConversationAccess>;

    /// Who is in a conversation now, the longest-standing first; who may ask was checked before.
    async fn members(
        &self,
        id: ConversationId,
        cursor: Option<MemberCursor>,
        limit: usize,
    ) -> Answer<Page<MemberRow, MemberCursor>>;

    /// One who is in a conversation now.
    async fn member(&self, id: ConversationId, user: UserId) -> Answer<Option<MemberRow>>;

    /// The ids of all who are in a conversation now.
    async fn member_ids(&self, id: ConversationId) -> Answer<Vec<UserId>>;

    /// All conversations somebody is or was in.
    async fn memberships(&self, user: UserId) -> Answer<Vec<Membership>>;

    /// One such, for deciding whether something new may be shown to them.
    async fn membership(&self, user: UserId, id: ConversationId) -> Answer<Option<Membership>>;

    /// A stretch of a conversation's messages, always newest first, without those the viewer has hidden. `next` goes on
    /// the way the anchor points: to older ones, but for [`MessageAnchor::After`] to newer ones. None when the viewer
    /// never was in the conversation.
    async fn messages(
        &self,
        viewer: UserId,
        conversation: ConversationId,
        anchor: MessageAnchor,
        unread: Option<bool>,
        limit: usize,
    ) -> Answer<Option<Page<Message, MessageAnchor>>>;

    /// The messages pinned in a conversation, newest first, before a `seq` where one is given; without those the viewer may not see
    /// or has hidden. None when the viewer never was in the conversation.
    async fn pinned(
        &self,
        viewer: UserId,
        conversation: ConversationId,
        before: Option<u64>,
        limit: usize,
    ) -> Answer<Option<Page<Message, u64>>>;

    /// One message, unless the viewer may not see it or has hidden it.
    async fn message(&self, viewer: UserId, id: MessageId) -> Answer<Option<Message>>;

    /// Several messages by conversation and `seq`, in the order asked; none for what the viewer may not see.
    async fn messages_at(&self, viewer: UserId, places: &[(ConversationId, u64)]) -> Answer<Vec<Option<Message>>>;

    /// What a message said at each time, oldest first; one version for a message never edited, none at all when it is
    /// deleted. None when the viewer may not see it.
    async fn history(&self, viewer: UserId, id: MessageId) -> Answer<Option<Vec<MessageVersion>>>;

    /// To whom but its sender a message was delivered, in the order in which they joined. None when the viewer may not
    /// see it.
    async fn receipts(
        &self,
        viewer: UserId,
        id: MessageId,
        cursor: Option<MemberCursor>,
        limit: usize,
    ) -> Answer<Option<Page<Receipt, MemberCursor>>>;

    /// What somebody received in all conversations they are or were in, newest first: what others sent since they last
    /// joined (and until they left), without what they have hidden. Deleted messages stay as tombstones.
    async fn received(
        &self,
        viewer: UserId,
        filter: ReceivedFilter,
        cursor: Option<ReceivedCursor>,
        limit: usize,
    ) -> Answer<Page<Message, ReceivedCursor>>;

    /// What somebody may see that says what is wanted, newest first: not what is deleted, or hidden for them. A page may hold less
    /// than `limit`, even nothing, and yet go on: looking ends after so many messages that might have been it.
    async fn search(
        &self,
        viewer: UserId,
        wanted: &Wanted,
        filter: SearchFilter,
        cursor: Option<SearchCursor>,
        limit: usize,
    ) -> Answer<Page<SearchHit, SearchCursor>>;

    /// What somebody wants sent later, or could not be sent; the earliest first.
    async fn scheduled(
        &self,
        owner: UserId,
        cursor: Option<ScheduledCursor>,
        limit: usize,
    ) -> Answer<Page<Scheduled, ScheduledCursor>>;

    /// One of these.
    async fn scheduled_one(&self, owner: UserId, id: ScheduledId) -> Answer<Option<Scheduled>>;

    /// Whose scheduled messages are to be sent, and which: their time has come. The earliest first.
    async fn due(&self, now: Timestamp, limit: usize) -> Answer<Vec<(UserId, ScheduledId)>>;

    /// An uploaded file, unless the viewer may not see it: it is on a message they see, or on none and their own.
    async fn attachment(&self, viewer: UserId, id: AttachmentId) -> Answer<Option<Attachment>>;

    /// All files of somebody that are not removed yet.
    async fn attachments_of(&self, uploader: UserId) -> Answer<Vec<AttachmentId>>;

    /// How many files somebody uploaded that are on no message.
    async fn unused_attachments_of(&self, uploader: UserId) -> Answer<u64>;

    /// Files of anybody that are on no message and were uploaded before this time, the oldest first.
    async fn unused_attachments(&self, before: Timestamp, limit: usize) -> Answer<Vec<AttachmentId>>;

    /// Erasures of anybody that are not done, asked for after this position, the oldest first: for whoever does them.
    async fn waiting_erasures(&self, after: Position, limit: usize) -> Answer<Vec<Erasure>>;

    /// Messages of anybody that are not to be kept any more: for whoever deletes them.
    async fn expired(&self, asked: &ExpiryQuestion) -> Answer<Expired>;

    /// What is unread, everywhere. Exact.
    async fn unread_summary(&self, viewer: UserId) -> Answer<UnreadSummary>;

    /// The same, to be shown in one form; from memory as [`AboutConversations::inbox_page`].
    async fn unread_counts(&self, viewer: UserId) -> Answer<Arc<UnreadCounts>> {
        Ok(Arc::new(Shown::new(self.unread_summary(viewer).await?)))
    }

    /// What is unread in one conversation; 0 for one who is not in it.
    async fn unread(&self, viewer: UserId, conversation: ConversationId) -> Answer<u64>;
}
