//! Questions about conversations and their messages.

use async_trait::async_trait;
use tidings_domain::{AttachmentId, ConversationId, MessageId, ScheduledId, Timestamp, UserId};
use tidings_event_store::Position;

use super::{
    Failed, Measured, PostgresQueries, Snapshot, ask, attachments, conversations, erasures, messages, people, pinned,
    receipts, received, scheduled, search, viewer,
};
use crate::{
    model::{
        Attachment, Conversation, ConversationAccess, Erasure, Expired, ExpiryQuestion, InboxCursor, InboxFilter,
        MemberCursor, MemberRow, Membership, Message, MessageAnchor, MessageVersion, Page, Receipt, ReceivedCursor,
        ReceivedFilter, Scheduled, ScheduledCursor, SearchCursor, SearchFilter, SearchHit, UnreadSummary, Wanted,
    },
    queries::{AboutConversations, Answer},
};

#[async_trait]
impl AboutConversations for PostgresQueries {
    async fn inbox(
        &self,
        viewer: UserId,
        filter: InboxFilter,
        cursor: Option<InboxCursor>,
        limit: usize,
    ) -> Answer<Page<Conversation, InboxCursor>> {
        ask!(several self, db => conversations::inbox(db, viewer, filter, cursor, limit))
    }

    async fn conversation(&self, viewer: UserId, id: ConversationId) -> Answer<ConversationAccess> {
        ask!(several self, db => conversations::access(db, viewer, id))
    }

    async fn members(
        &self,
        id: ConversationId,
        cursor: Option<MemberCursor>,
        limit: usize,
    ) -> Answer<Page<MemberRow, MemberCursor>> {
        ask!(one self, db => people::members(db, id, cursor, limit))
    }

    async fn member(&self, id: ConversationId, user: UserId) -> Answer<Option<MemberRow>> {
        ask!(one self, db => people::member(db, id, user))
    }

    async fn member_ids(&self, id: ConversationId) -> Answer<Vec<UserId>> {
        ask!(one self, db => people::member_ids(db, id))
    }

    async fn memberships(&self, user: UserId) -> Answer<Vec<Membership>> {
        ask!(one self, db => viewer::memberships(db, user))
    }

    async fn membership(&self, user: UserId, id: ConversationId) -> Answer<Option<Membership>> {
        ask!(one self, db => viewer::membership(db, user, id))
    }

    async fn messages(
        &self,
        viewer: UserId,
        conversation: ConversationId,
        anchor: MessageAnchor,
        unread: Option<bool>,
        limit: usize,
    ) -> Answer<Option<Page<Message, MessageAnchor>>> {
        ask!(several self, db => messages::page(db, viewer, conversation, anchor, unread, limit))
    }

    async fn pinned(
        &self,
        viewer: UserId,
        conversation: ConversationId,
        before: Option<u64>,
        limit: usize,
    ) -> Answer<Option<Page<Message, u64>>> {
        ask!(several self, db => pinned::page(db, viewer, conversation, before, limit))
    }

    async fn message(&self, viewer: UserId, id: MessageId) -> Answer<Option<Message>> {
        ask!(several self, db => messages::by_id(db, viewer, id))
    }

    async fn messages_at(&self, viewer: UserId, places: &[(ConversationId, u64)]) -> Answer<Vec<Option<Message>>> {
        ask!(several self, db => messages::at(db, viewer, places))
    }

    async fn history(&self, viewer: UserId, id: MessageId) -> Answer<Option<Vec<MessageVersion>>> {
        ask!(several self, db => messages::history(db, viewer, id))
    }

    async fn receipts(
        &self,
        viewer: UserId,
        id: MessageId,
        cursor: Option<MemberCursor>,
        limit: usize,
    ) -> Answer<Option<Page<Receipt, MemberCursor>>> {
        ask!(several self, db => receipts::page(db, viewer, id, cursor, limit))
    }

    async fn received(
        &self,
        viewer: UserId,
        filter: ReceivedFilter,
        cursor: Option<ReceivedCursor>,
        limit: usize,
    ) -> Answer<Page<Message, ReceivedCursor>> {
        ask!(several self, db => received::page(db, viewer, &filter, cursor, limit))
    }

    async fn search(
        &self,
        viewer: UserId,
        wanted: &Wanted,
        filter: SearchFilter,
        cursor: Option<SearchCursor>,
        limit: usize,
    ) -> Answer<Page<SearchHit, SearchCursor>> {
        ask!(several self, db => search::page(db, viewer, wanted, &filter, cursor, limit))
    }

    async fn scheduled(
        &self,
        owner: UserId,
        cursor: Option<ScheduledCursor>,
        limit: usize,
    ) -> Answer<Page<Scheduled, ScheduledCursor>> {
        ask!(several self, db => scheduled::page(db, owner, cursor, limit))
    }

    async fn scheduled_one(&self, owner: UserId, id: ScheduledId) -> Answer<Option<Scheduled>> {
        ask!(several self, db => scheduled::one(db, owner, id))
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Answer<Vec<(UserId, ScheduledId)>> {
        ask!(one self, db => scheduled::due(db, now, limit))
    }

    async fn attachment(&self, viewer: UserId, id: AttachmentId) -> Answer<Option<Attachment>> {
        ask!(several self, db => attachments::visible(db, viewer, id))
    }

    async fn attachments_of(&self, uploader: UserId) -> Answer<Vec<AttachmentId>> {
        ask!(one self, db => attachments::uploaded_by(db, uploader))
    }

    async fn unused_attachments_of(&self, uploader: UserId) -> Answer<u64> {
        ask!(one self, db => attachments::unused_of(db, uploader))
    }

    async fn unused_attachments(&self, before: Timestamp, limit: usize) -> Answer<Vec<AttachmentId>> {
        ask!(one self, db => attachments::unused(db, before, limit))
    }

    async fn waiting_erasures(&self, after: Position, limit: usize) -> Answer<Vec<Erasure>> {
        ask!(one self, db => erasures::waiting(db, after, limit))
    }

    async fn expired(&self, asked: &ExpiryQuestion) -> Answer<Expired> {
        ask!(one self, db => erasures::expired(db, asked))
    }

    async fn unread_summary(&self, viewer: UserId) -> Answer<UnreadSummary> {
        ask!(one self, db => conversations::unread_summary(db, viewer))
    }

    async fn unread(&self, viewer: UserId, conversation: ConversationId) -> Answer<u64> {
        ask!(one self, db => conversations::unread(db, viewer, conversation))
    }
}
