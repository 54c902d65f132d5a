//! Open sessions: which there are, and what ends them.

use tidings_domain::{
    SessionId, UserId,
    session::{SessionEvent, SessionOpened},
    values::DeviceName,
};

use super::{DirectoryFold, DirectoryTables, SessionRow};
use crate::fold::{Done, FoldError};

impl DirectoryFold {
    pub(super) async fn load_sessions<T: DirectoryTables>(&mut self, tables: &mut T, ids: &[SessionId]) -> Done {
        if !ids.is_empty() {
            for (id, row) in tables.sessions(ids).await? {
                self.sessions.loaded(id, Some(row));
            }
            for id in ids {
                self.sessions.loaded(*id, None);
            }
        }
        Ok(())
    }

    pub(super) async fn session_event<T: DirectoryTables>(
        &mut self,
        tables: &mut T,
        id: SessionId,
        event: &SessionEvent,
    ) -> Done {
        match event {
            SessionEvent::Opened(event) => self.opened(tables, id, event).await,
            SessionEvent::Refreshed(event) => {
                if let Some(session) = self.session(tables, id).await? {
                    session.refreshed_at = event.at.millis();
                }
                Ok(())
            }
            SessionEvent::Closed(_) => {
                self.sessions.put(id, None);
                Ok(())
            }
        }
    }

    async fn session<T: DirectoryTables>(&mut self, tables: &mut T, id: SessionId) -> Done<Option<&mut SessionRow>> {
        if !self.sessions.contains(id) {
            self.load_sessions(tables, &[id]).await?;
        }
        Ok(self.sessions.change(id).and_then(Option::as_mut))
    }

    pub(super) async fn end_sessions<T: DirectoryTables>(
        &mut self,
        tables: &mut T,
        user: UserId,
        ends: impl Fn(SessionId, &SessionRow) -> bool + Send,
    ) -> Done {
        for (id, row) in tables.sessions_of(user).await? {
            self.sessions.loaded(id, Some(row));
        }
        let of_user =
            self.sessions.iter().filter_map(|(id, row)| Some((id, row.as_ref().filter(|row| row.user == user)?)));
        let ended: Vec<SessionId> = of_user.filter(|(id, row)| ends(*id, row)).map(|(id, _)| id).collect();
        for id in ended {
            self.sessions.put(id, None);
        }
        Ok(())
    }

    /// A session counts only under the present password, or as the one that outlived its change.
    async fn opened<T: DirectoryTables>(&mut self, tables: &mut T, id: SessionId, event: &SessionOpened) -> Done {
        let credential = i64::from(event.credential);
        if !self.users.contains(event.user) {
            self.load_users(tables, &[event.user]).await?;
        }
        let user = self.users.get(event.user).and_then(Option::as_ref);
        let user = user.ok_or_else(|| FoldError::data("this account is not there"))?;
        if user.closed_at.is_none() && (user.credential == credential || user.kept_session == Some(id)) {
            let device = event.device.clear().and_then(Option::as_ref).map(DeviceName::as_str);
            let at = event.at.millis();
            let row = SessionRow {
                user: event.user,
                credential,
                device_name: device.map(str::to_owned),
                opened_at: at,
                refreshed_at: at,
            };
            self.sessions.put(id, Some(row));
        }
        Ok(())
    }
}
