//! Questions about conversations and their messages.

use std::sync::Arc;

use async_trait::async_trait;
use tidings_domain::{AttachmentId, ConversationId, MessageId, ScheduledId, Timestamp, UserId};
use tidings_event_store::Position;

use super::{
    SqliteQueries, attachments, conversations, erasures, messages, people, receipts, received, scheduled, search,
};
use crate::{
    model::{
        Attachment, Conversation, ConversationAccess, Erasure, Expired, ExpiryQuestion, InboxCursor, InboxFilter,
        InboxPage, MemberCursor, MemberRow, Membership, Message, MessageAnchor, MessageVersion, Page, Receipt,
        ReceivedCursor, ReceivedFilter, Scheduled, ScheduledCursor, SearchCursor, SearchFilter, SearchHit,
        UnreadCounts, UnreadSummary, Wanted,
    },
    queries::{AboutConversations, Answer},
    viewing::Viewer,
};

#[async_trait]
impl AboutConversations for SqliteQueries {
    async fn inbox(
        &self,
        viewer: UserId,
        filter: InboxFilter,
        cursor: Option<InboxCursor>,
        limit: usize,
    ) -> Answer<Page<Conversation, InboxCursor>> {
        self.read(|db| conversations::inbox(db, viewer, filter, cursor, limit))
    }

    async fn inbox_page(&self, viewer: UserId, filter: InboxFilter, limit: usize) -> Answer<Arc<InboxPage>> {
        self.kept_inbox(viewer, filter, limit)
    }

    async fn conversation(&self, viewer: UserId, id: ConversationId) -> Answer<ConversationAccess> {
        self.read(|db| conversations::access(db, viewer, id))
    }

    async fn members(
        &self,
        id: ConversationId,
        cursor: Option<MemberCursor>,
        limit: usize,
    ) -> Answer<Page<MemberRow, MemberCursor>> {
        self.read(|db| people::members(db, id, cursor, limit))
    }

    async fn member(&self, id: ConversationId, user: UserId) -> Answer<Option<MemberRow>> {
        self.read(|db| people::member(db, id, user))
    }

    async fn member_ids(&self, id: ConversationId) -> Answer<Vec<UserId>> {
        self.read(|db| people::member_ids(db, id))
    }

    async fn memberships(&self, user: UserId) -> Answer<Vec<Membership>> {
        self.read(|db| conversations::memberships(db, user))
    }

    async fn membership(&self, user: UserId, id: ConversationId) -> Answer<Option<Membership>> {
        self.read(|db| conversations::membership(db, user, id))
    }

    async fn messages(
        &self,
        viewer: UserId,
        conversation: ConversationId,
        anchor: MessageAnchor,
        unread: Option<bool>,
        limit: usize,
    ) -> Answer<Option<Page<Message, MessageAnchor>>> {
        self.read(|db| {
            let viewer = Viewer::find(db, viewer, conversation)?;
            viewer.map(|viewer| messages::page(db, &viewer, anchor, unread, limit)).transpose()
        })
    }

    async fn pinned(
        &self,
        viewer: UserId,
        conversation: ConversationId,
        before: Option<u64>,
        limit: usize,
    ) -> Answer<Option<Page<Message, u64>>> {
        self.read(|db| {
            let viewer = Viewer::find(db, viewer, conversation)?;
            viewer.map(|viewer| messages::pinned(db, &viewer, before, limit)).transpose()
        })
    }

    async fn message(&self, viewer: UserId, id: MessageId) -> Answer<Option<Message>> {
        self.read(|db| Ok(messages::by_id(db, viewer, id)?.map(|(_, message)| message)))
    }

    async fn messages_at(&self, viewer: UserId, places: &[(ConversationId, u64)]) -> Answer<Vec<Option<Message>>> {
        self.read(|db| messages::several(db, viewer, places))
    }

    async fn history(&self, viewer: UserId, id: MessageId) -> Answer<Option<Vec<MessageVersion>>> {
        self.read(|db| {
            let found = messages::by_id(db, viewer, id)?;
            found.map(|(viewer, message)| messages::history(db, &viewer, &message)).transpose()
        })
    }

    async fn receipts(
        &self,
        viewer: UserId,
        id: MessageId,
        cursor: Option<MemberCursor>,
        limit: usize,
    ) -> Answer<Option<Page<Receipt, MemberCursor>>> {
        self.read(|db| {
            let found = messages::by_id(db, viewer, id)?;
            found.map(|(viewer, message)| receipts::page(db, &viewer, &message, cursor, limit)).transpose()
        })
    }

    async fn received(
        &self,
        viewer: UserId,
        filter: ReceivedFilter,
        cursor: Option<ReceivedCursor>,
        limit: usize,
    ) -> Answer<Page<Message, ReceivedCursor>> {
        self.read(|db| received::page(db, viewer, &filter, cursor, limit))
    }

    async fn search(
        &self,
        viewer: UserId,
        wanted: &Wanted,
        filter: SearchFilter,
        cursor: Option<SearchCursor>,
        limit: usize,
    ) -> Answer<Page<SearchHit, SearchCursor>> {
        self.pool.search(|db| Ok(search::page(db, viewer, wanted, &filter, cursor, limit)?))
    }

    async fn scheduled(
        &self,
        owner: UserId,
        cursor: Option<ScheduledCursor>,
        limit: usize,
    ) -> Answer<Page<Scheduled, ScheduledCursor>> {
        self.read(|db| scheduled::page(db, owner, cursor, limit))
    }

    async fn scheduled_one(&self, owner: UserId, id: ScheduledId) -> Answer<Option<Scheduled>> {
        self.read(|db| scheduled::one(db, owner, id))
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Answer<Vec<(UserId, ScheduledId)>> {
        self.read(|db| scheduled::due(db, now, limit))
    }

    async fn attachment(&self, viewer: UserId, id: AttachmentId) -> Answer<Option<Attachment>> {
        self.read(|db| attachments::visible(db, viewer, id))
    }

    async fn attachments_of(&self, uploader: UserId) -> Answer<Vec<AttachmentId>> {
        self.read(|db| attachments::uploaded_by(db, uploader))
    }

    async fn unused_attachments_of(&self, uploader: UserId) -> Answer<u64> {
        self.read(|db| attachments::unused_of(db, uploader))
    }

    async fn unused_attachments(&self, before: Timestamp, limit: usize) -> Answer<Vec<AttachmentId>> {
        self.read(|db| attachments::unused(db, before, limit))
    }

    async fn waiting_erasures(&self, after: Position, limit: usize) -> Answer<Vec<Erasure>> {
        self.read(|db| erasures::waiting(db, after, limit))
    }

    async fn expired(&self, asked: &ExpiryQuestion) -> Answer<Expired> {
        self.read(|db| erasures::expired(db, asked))
    }

    async fn unread_summary(&self, viewer: UserId) -> Answer<UnreadSummary> {
        self.read(|db| conversations::unread_summary(db, viewer))
    }

    async fn unread_counts(&self, viewer: UserId) -> Answer<Arc<UnreadCounts>> {
        self.kept_unread(viewer)
    }

    async fn unread(&self, viewer: UserId, conversation: ConversationId) -> Answer<u64> {
        self.read(|db| conversations::unread(db, viewer, conversation))
    }
}
