//! The directory projection: people, the words they are found by, their open sessions, their contacts and blocks, their
//! devices.

mod contacts;
mod devices;
mod profile;
mod sessions;
mod tables;
mod webhooks;

use std::collections::BTreeSet;

use tidings_domain::{
    Event, SessionId, StreamId, UserId, WebhookId,
    factor::FactorEvent,
    session::SessionEvent,
    user::{UserEvent, UserPasswordChanged, UserRegistered},
};
use tidings_event_store::DecodedEvent;

pub(crate) use contacts::{ContactChanges, ContactTables, Toward};
pub(crate) use devices::{DeviceKey, DeviceRow};
pub(crate) use tables::{DirectoryChanges, DirectoryTables, SessionRow, UserRow, parse_roles, wanted};
pub(crate) use webhooks::{WebhookRow, parse_paused, parse_recent, parse_topics};

use profile::{change_profile, change_roles};

use super::{Done, FoldError, kept::Kept, signed};

/// How many rows stay in memory between batches.
const KEPT: usize = 10_000;

/// Folds the events of accounts and sessions.
#[derive(Default)]
pub(crate) struct DirectoryFold {
    users: Kept<UserId, Option<UserRow>>,
    sessions: Kept<SessionId, Option<SessionRow>>,
    contacts: ContactChanges,
    devices: Kept<DeviceKey, Option<DeviceRow>>,
    webhooks: Kept<WebhookId, Option<WebhookRow>>,
    pub(super) erased: bool,
}

impl DirectoryFold {
    /// Loads the rows that a batch will need.
    pub(super) async fn prepare<T: DirectoryTables>(&mut self, tables: &mut T, events: &[&DecodedEvent]) -> Done {
        let (mut users, mut sessions, mut devices) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for decoded in events {
            if let (Event::Session(event), StreamId::Session(id)) = (&decoded.event, decoded.stream) {
                sessions.insert(id);
                if let SessionEvent::Opened(event) = event {
                    users.insert(event.user);
                }
            }
            if let StreamId::User(id) | StreamId::Factor(id) | StreamId::Devices(id) = decoded.stream {
                users.insert(id);
            }
            if let (Event::Devices(event), StreamId::Devices(id)) = (&decoded.event, decoded.stream) {
                devices.insert((id, devices::number(event)));
            }
        }
        let users: Vec<_> = users.into_iter().filter(|id| !self.users.contains(*id)).collect();
        let sessions: Vec<_> = sessions.into_iter().filter(|id| !self.sessions.contains(*id)).collect();
        self.load_users(tables, &users).await?;
        self.load_devices(tables, &devices).await?;
        self.load_sessions(tables, &sessions).await
    }

    async fn load_users<T: DirectoryTables>(&mut self, tables: &mut T, ids: &[UserId]) -> Done {
        if !ids.is_empty() {
            for (id, row) in tables.users(ids).await? {
                self.users.loaded(id, Some(row));
            }
            for id in ids {
                self.users.loaded(*id, None);
            }
        }
        Ok(())
    }

    /// Folds one event.
    pub(super) async fn apply<T: DirectoryTables>(&mut self, tables: &mut T, decoded: &DecodedEvent) -> Done {
        match (&decoded.event, decoded.stream) {
            (Event::User(event), StreamId::User(id)) => self.user(tables, id, event).await,
            (Event::Session(event), StreamId::Session(id)) => self.session_event(tables, id, event).await,
            (Event::Contact(event), StreamId::Contact(pair)) => {
                self.contacts.apply(pair, signed(decoded.recorded.position.get()), event)
            }
            (Event::Factor(event), StreamId::Factor(id)) => self.factor(tables, id, event).await,
            (Event::Devices(event), StreamId::Devices(id)) => self.device(tables, id, event).await,
            (
                Event::Login(_)
                | Event::Conversation(_)
                | Event::Message(_)
                | Event::Reader(_)
                | Event::Attachment(_)
                | Event::Request(_)
                | Event::Attempts(_)
                | Event::Access(_)
                | Event::Hold(_)
                | Event::Schedule(_),
                _,
            ) => Ok(()),
            (Event::Webhook(event), StreamId::Webhook(id)) => self.webhook(tables, id, event).await,
            (
                Event::User(_)
                | Event::Session(_)
                | Event::Contact(_)
                | Event::Factor(_)
                | Event::Devices(_)
                | Event::Webhook(_),
                _,
            ) => Err(FoldError::data("this event does not belong into this stream")),
        }
    }

    async fn user<T: DirectoryTables>(&mut self, tables: &mut T, id: UserId, event: &UserEvent) -> Done {
        if let UserEvent::Registered(event) = event {
            return self.registered(tables, id, event).await;
        }
        let row = self.account(tables, id).await?;
        match event {
            // was folded before; and of what is erased there is nothing left
            UserEvent::Registered(_) | UserEvent::Erased(_) => Ok(()),
            UserEvent::ProfileChanged(event) => {
                row.modified_at = event.at.millis();
                if let Some(change) = event.change.clear() {
                    change_profile(row, change);
                }
                // an address or name that was taken away must leave the files too
                self.erased = true;
                Ok(())
            }
            UserEvent::PasswordChanged(event) => self.password_changed(tables, id, event).await,
            UserEvent::RoleGranted(event) => {
                change_roles(row, |roles| roles.insert(event.role));
                row.modified_at = event.at.millis();
                Ok(())
            }
            UserEvent::RoleRevoked(event) => {
                change_roles(row, |roles| roles.remove(&event.role));
                row.modified_at = event.at.millis();
                Ok(())
            }
            UserEvent::Suspended(event) => {
                (row.suspended, row.modified_at) = (true, event.at.millis());
                Ok(())
            }
            UserEvent::Reinstated(event) => {
                (row.suspended, row.modified_at) = (false, event.at.millis());
                Ok(())
            }
            UserEvent::Closed(event) => {
                let at = event.at.millis();
                let UserRow { created_at, credential, kept_session, imported, suspended, .. } = *row;
                let kept = UserRow { created_at, credential, kept_session, imported, suspended, ..UserRow::default() };
                *row = UserRow { modified_at: at, closed_at: Some(at), ..kept };
                self.erased = true;
                self.forget_devices(tables, id).await?;
                self.end_webhooks(tables, id).await?;
                self.end_sessions(tables, id, |_, _| true).await
            }
        }
    }

    async fn registered<T: DirectoryTables>(&mut self, tables: &mut T, id: UserId, event: &UserRegistered) -> Done {
        if !self.users.contains(id) {
            self.load_users(tables, &[id]).await?;
        }
        if self.users.get(id).is_some_and(Option::is_some) {
            return Err(FoldError::data("this account is there already"));
        }
        let (identity, at) = (event.identity.clear(), event.at.millis());
        let row = UserRow {
            username: identity.map(|identity| identity.username.as_str().to_owned()),
            email: identity.and_then(|identity| identity.email.as_ref()).map(|email| email.as_str().to_owned()),
            phone_number: identity.and_then(|identity| identity.phone_number.as_ref()).map(|it| it.as_str().to_owned()),
            first_name: identity.and_then(|identity| identity.first_name.as_ref()).map(|it| it.as_str().to_owned()),
            last_name: identity.and_then(|identity| identity.last_name.as_ref()).map(|it| it.as_str().to_owned()),
            created_at: at,
            modified_at: at,
            credential: 1,
            imported: event.imported,
            ..UserRow::default()
        };
        self.users.put(id, Some(row));
        Ok(())
    }

    /// An account that is there, to be changed.
    async fn account<T: DirectoryTables>(&mut self, tables: &mut T, id: UserId) -> Done<&mut UserRow> {
        if !self.users.contains(id) {
            self.load_users(tables, &[id]).await?;
        }
        let row = self.users.change(id).and_then(Option::as_mut);
        row.ok_or_else(|| FoldError::data("this account is not there"))
    }

    async fn factor<T: DirectoryTables>(&mut self, tables: &mut T, id: UserId, event: &FactorEvent) -> Done {
        let on = match event {
            FactorEvent::Enabled(_) => true,
            FactorEvent::Disabled(_) => false,
            FactorEvent::Offered(_) | FactorEvent::CodeUsed(_) | FactorEvent::RecoveryCodeUsed(_) => return Ok(()),
        };
        let row = self.account(tables, id).await?;
        row.mfa = on && row.closed_at.is_none();
        Ok(())
    }

    /// Ends the sessions opened under older passwords, but for the one that goes on.
    async fn password_changed<T: DirectoryTables>(
        &mut self,
        tables: &mut T,
        id: UserId,
        event: &UserPasswordChanged,
    ) -> Done {
        let credential = i64::from(event.credential);
        let row = self.account(tables, id).await?;
        (row.modified_at, row.credential, row.kept_session) = (event.at.millis(), credential, event.kept);
        let kept = event.kept;
        self.end_sessions(tables, id, |session, row| row.credential != credential && Some(session) != kept).await
    }

    pub(super) async fn flush<T: DirectoryTables + ContactTables>(&mut self, tables: &mut T) -> Done {
        let changes = DirectoryChanges {
            users: self.users.changes().filter_map(|(id, row)| Some((id, row.as_ref()?))).collect(),
            sessions: self.sessions.changes().map(|(id, row)| (id, row.as_ref())).collect(),
            devices: self.devices.changes().map(|(key, row)| (key, row.as_ref())).collect(),
            webhooks: self.webhooks.changes().map(|(id, row)| (id, row.as_ref())).collect(),
        };
        tables.write_directory(&changes).await?;
        if !self.contacts.is_empty() {
            tables.write_contacts(&self.contacts).await?;
            self.contacts = ContactChanges::default();
        }
        self.users.written(KEPT);
        self.sessions.written(KEPT);
        self.devices.written(KEPT);
        self.webhooks.written(KEPT);
        Ok(())
    }
}
