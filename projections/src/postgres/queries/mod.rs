//! The questions, over PostgreSQL: each in a few statements, however many rows it takes.

mod accesses;
mod attachments;
mod contacts;
mod conversations;
mod erasures;
mod messages;
mod people;
mod pinned;
mod receipts;
mod received;
mod scheduled;
mod search;
mod viewer;
mod webhooks;

use std::sync::Arc;

use async_trait::async_trait;
use tidings_domain::{AttachmentId, ConversationId, MessageId, ScheduledId, SessionId, Timestamp, UserId, WebhookId};
use tidings_event_store::Position;

use super::reading::{Failed, Reading, Snapshot};
use crate::{
    measuring::Measured,
    model::{
        Access, AccessCursor, AccessPage, Attachment, Block, Contact, ContactCursor, ContactState, Conversation,
        ConversationAccess, Device, Erasure, Expired, ExpiryQuestion, InboxCursor, InboxFilter, MemberCursor,
        MemberRow, Membership, Message, MessageAnchor, MessageVersion, Page, Receipt, ReceivedCursor, ReceivedFilter,
        Scheduled, ScheduledCursor, SearchCursor, SearchFilter, SearchHit, Session, UnreadSummary, User, UserCursor,
        Wanted, Webhook,
    },
    queries::{Answer, Queries},
};

/// Answers from whatever generations serve.
pub(super) struct PostgresQueries {
    reading: Arc<Reading>,
}

impl PostgresQueries {
    pub(super) const fn new(reading: Arc<Reading>) -> Self {
        Self { reading }
    }
}

/// Asks one statement, or several that see the same moment; again where a swap or a lost server was in the way.
macro_rules! ask {
    (one $self:ident, $db:ident => $question:expr) => {
        ask!($self, false, $db => $question)
    };
    (several $self:ident, $db:ident => $question:expr) => {
        ask!($self, true, $db => $question)
    };
    ($self:ident, $several:expr, $db:ident => $question:expr) => {{
        let measured = Measured::within(&|| ());
        let mut tries = 0;
        loop {
            let failed = match $self.reading.snapshot($several).await {
                Ok(mut snapshot) => {
                    let $db: &mut Snapshot = &mut snapshot;
                    match $question.await {
                        Ok(answer) => {
                            measured.answered();
                            return Ok(answer);
                        }
                        Err(error) => Failed { error: error.into(), on_replica: snapshot.on_replica() },
                    }
                }
                Err(failed) => failed,
            };
            $self.reading.again(failed, &mut tries).await?;
        }
    }};
}

#[async_trait]
impl Queries for PostgresQueries {
    async fn user(&self, id: UserId) -> Answer<Option<User>> {
        ask!(one self, db => people::user(db, id))
    }

    async fn user_by_username(&self, username: &str) -> Answer<Option<User>> {
        ask!(one self, db => people::user_by_username(db, username))
    }

    async fn users(&self, ids: &[UserId]) -> Answer<Vec<User>> {
        ask!(one self, db => people::users(db, ids))
    }

    async fn search_users(
        &self,
        query: &str,
        cursor: Option<&UserCursor>,
        limit: usize,
    ) -> Answer<Page<User, UserCursor>> {
        ask!(one self, db => people::search(db, query, cursor, limit))
    }

    async fn sessions(&self, user: UserId, alive_since: Timestamp) -> Answer<Vec<Session>> {
        ask!(one self, db => people::sessions(db, user, alive_since))
    }

    async fn session(&self, id: SessionId) -> Answer<Option<Session>> {
        ask!(one self, db => people::session(db, id))
    }

    async fn contacts(
        &self,
        viewer: UserId,
        state: ContactState,
        cursor: Option<ContactCursor>,
        limit: usize,
    ) -> Answer<Page<Contact, ContactCursor>> {
        ask!(one self, db => contacts::page(db, viewer, state, cursor, limit))
    }

    async fn contact(&self, viewer: UserId, other: UserId) -> Answer<Option<Contact>> {
        ask!(one self, db => contacts::one(db, viewer, other))
    }

    async fn contact_ids(&self, user: UserId, limit: usize) -> Answer<Vec<UserId>> {
        ask!(one self, db => contacts::ids(db, user, limit))
    }

    async fn blocks(
        &self,
        viewer: UserId,
        cursor: Option<ContactCursor>,
        limit: usize,
    ) -> Answer<Page<Block, ContactCursor>> {
        ask!(one self, db => contacts::blocks(db, viewer, cursor, limit))
    }

    async fn devices(&self, user: UserId) -> Answer<Vec<Device>> {
        ask!(one self, db => people::devices(db, user))
    }

    async fn webhooks(&self, owner: UserId) -> Answer<Vec<Webhook>> {
        ask!(one self, db => webhooks::of(db, owner))
    }

    async fn all_webhooks(&self, after: Option<WebhookId>, limit: usize) -> Answer<Vec<(WebhookId, UserId)>> {
        ask!(one self, db => webhooks::all(db, after, limit))
    }

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

    async fn accesses(&self, viewer: UserId, cursor: Option<AccessCursor>, limit: usize) -> Answer<AccessPage> {
        ask!(one self, db => accesses::page(db, viewer, cursor, limit))
    }

    async fn accesses_to(&self, message: MessageId, since: Position, limit: usize) -> Answer<Vec<Access>> {
        ask!(one self, db => accesses::to(db, message, since, limit))
    }

    async fn erasures(&self, user: UserId, before: Option<Position>, limit: usize) -> Answer<Page<Erasure, Position>> {
        ask!(one self, db => erasures::of(db, user, before, limit))
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
