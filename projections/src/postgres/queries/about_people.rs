//! Questions about accounts and what belongs to them.

use async_trait::async_trait;
use tidings_domain::{MessageId, SessionId, Timestamp, UserId, WebhookId};
use tidings_event_store::Position;

use super::{Failed, Measured, PostgresQueries, Snapshot, accesses, ask, contacts, erasures, people, webhooks};
use crate::{
    model::{
        Access, AccessCursor, AccessPage, Block, Contact, ContactCursor, ContactState, Device, Erasure, Page, Session,
        User, UserCursor, Webhook,
    },
    queries::{AboutPeople, Answer},
};

#[async_trait]
impl AboutPeople for PostgresQueries {
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

    async fn accesses(&self, viewer: UserId, cursor: Option<AccessCursor>, limit: usize) -> Answer<AccessPage> {
        ask!(one self, db => accesses::page(db, viewer, cursor, limit))
    }

    async fn accesses_to(&self, message: MessageId, since: Position, limit: usize) -> Answer<Vec<Access>> {
        ask!(one self, db => accesses::to(db, message, since, limit))
    }

    async fn erasures(&self, user: UserId, before: Option<Position>, limit: usize) -> Answer<Page<Erasure, Position>> {
        ask!(one self, db => erasures::of(db, user, before, limit))
    }
}
