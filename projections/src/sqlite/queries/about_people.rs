//! Questions about accounts and what belongs to them.

use async_trait::async_trait;
use tidings_domain::{MessageId, SessionId, Timestamp, UserId, WebhookId};
use tidings_event_store::Position;

use super::{SqliteQueries, accesses, contacts, erasures, people, webhooks};
use crate::{
    model::{
        Access, AccessCursor, AccessPage, Block, Contact, ContactCursor, ContactState, Device, Erasure, Page, Session,
        User, UserCursor, Webhook,
    },
    queries::{AboutPeople, Answer},
};

#[async_trait]
impl AboutPeople for SqliteQueries {
    async fn user(&self, id: UserId) -> Answer<Option<User>> {
        self.read(|db| people::user(db, id))
    }

    async fn user_by_username(&self, username: &str) -> Answer<Option<User>> {
        self.read(|db| people::user_by_username(db, username))
    }

    async fn users(&self, ids: &[UserId]) -> Answer<Vec<User>> {
        self.read(|db| ids.iter().filter_map(|id| people::user(db, *id).transpose()).collect())
    }

    async fn search_users(
        &self,
        query: &str,
        cursor: Option<&UserCursor>,
        limit: usize,
    ) -> Answer<Page<User, UserCursor>> {
        self.read(|db| people::search(db, query, cursor, limit))
    }

    async fn sessions(&self, user: UserId, alive_since: Timestamp) -> Answer<Vec<Session>> {
        self.read(|db| people::sessions(db, user, alive_since))
    }

    async fn session(&self, id: SessionId) -> Answer<Option<Session>> {
        self.read(|db| people::session(db, id))
    }

    async fn contacts(
        &self,
        viewer: UserId,
        state: ContactState,
        cursor: Option<ContactCursor>,
        limit: usize,
    ) -> Answer<Page<Contact, ContactCursor>> {
        self.read(|db| contacts::page(db, viewer, state, cursor, limit))
    }

    async fn contact(&self, viewer: UserId, other: UserId) -> Answer<Option<Contact>> {
        self.read(|db| contacts::one(db, viewer, other))
    }

    async fn contact_ids(&self, user: UserId, limit: usize) -> Answer<Vec<UserId>> {
        self.read(|db| contacts::ids(db, user, limit))
    }

    async fn blocks(
        &self,
        viewer: UserId,
        cursor: Option<ContactCursor>,
        limit: usize,
    ) -> Answer<Page<Block, ContactCursor>> {
        self.read(|db| contacts::blocks(db, viewer, cursor, limit))
    }

    async fn devices(&self, user: UserId) -> Answer<Vec<Device>> {
        self.read(|db| people::devices(db, user))
    }

    async fn webhooks(&self, owner: UserId) -> Answer<Vec<Webhook>> {
        self.read(|db| webhooks::of(db, owner))
    }

    async fn all_webhooks(&self, after: Option<WebhookId>, limit: usize) -> Answer<Vec<(WebhookId, UserId)>> {
        self.read(|db| webhooks::all(db, after, limit))
    }

    async fn accesses(&self, viewer: UserId, cursor: Option<AccessCursor>, limit: usize) -> Answer<AccessPage> {
        self.read(|db| accesses::page(db, viewer, cursor, limit))
    }

    async fn accesses_to(&self, message: MessageId, since: Position, limit: usize) -> Answer<Vec<Access>> {
        self.read(|db| accesses::to(db, message, since, limit))
    }

    async fn erasures(&self, user: UserId, before: Option<Position>, limit: usize) -> Answer<Page<Erasure, Position>> {
        self.read(|db| erasures::of(db, user, before, limit))
    }
}
