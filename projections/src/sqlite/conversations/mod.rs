//! The conversations projection: conversations, members, messages, readers.

mod closing;
mod members;
pub(super) mod messages;
pub(super) mod readers;
mod state;

use std::collections::HashMap;

use rusqlite::Connection;
use tidings_domain::{
    Event, StreamId, UserId, conversation::ConversationEvent, message::MessageEvent, reader::ReaderEvent,
    user::UserEvent,
};
use tidings_event_store::{DecodedEvent, RecordedEvent};

use super::{error::FoldError, fold::Fold, signed};
use state::Rows;
pub(super) use state::{key, unkey};

/// Where an event stands in the log.
#[derive(Debug, Clone, Copy)]
struct Place {
    position: i64,
    version: i64,
}

/// Folds the events of conversations, messages and readers, and of accounts that are closed.
#[derive(Default)]
pub(super) struct ConversationsFold {
    rows: Rows,
    /// Closed accounts and when; none before they were read.
    closed: Option<HashMap<UserId, i64>>,
    /// The number that the next conversation will have; none before it was read.
    next_number: Option<i64>,
    /// The number that was reserved for the event now being retried.
    assigned: Option<i64>,
    erased: bool,
}

impl Fold for ConversationsFold {
    fn apply(&mut self, db: &Connection, decoded: &DecodedEvent) -> Result<(), FoldError> {
        let recorded = &decoded.recorded;
        let place = Place { position: signed(recorded.position.get()), version: signed(recorded.version) };
        match (&decoded.event, decoded.stream) {
            (Event::Conversation(event), StreamId::Conversation(id)) => match event {
                ConversationEvent::MessageSent(event) => self.message_sent(db, id, place, event),
                ConversationEvent::Started(event) => self.started(db, id, place, event),
                ConversationEvent::Renamed(event) => self.renamed(db, id, event),
                ConversationEvent::MemberAdded(event) => self.member_added(db, id, event),
                ConversationEvent::MemberRemoved(event) => self.member_removed(db, id, place, event),
                ConversationEvent::MemberRoleChanged(event) => self.role_changed(db, id, event),
            },
            (Event::Message(event), StreamId::Message(id)) => match event {
                MessageEvent::Edited(event) => self.edited(db, id, event),
                MessageEvent::Deleted(event) => self.deleted(db, id, event),
                MessageEvent::ReactionAdded(event) => self.reaction_added(db, id, place, event),
                MessageEvent::ReactionRemoved(event) => self.reaction_removed(db, id, event),
                MessageEvent::Pinned(event) => self.pinned(db, id, Some(event.at.millis())),
                MessageEvent::Unpinned(_) => self.pinned(db, id, None),
            },
            (Event::Reader(event), StreamId::Reader(id, user)) => match event {
                ReaderEvent::ReadUpTo(event) => self.read_up_to(db, id, user, event),
                ReaderEvent::DeliveredUpTo(event) => self.delivered_up_to(db, id, user, event),
                ReaderEvent::MarkedRead(event) => self.marked_read(db, id, user, event),
                ReaderEvent::MarkedUnread(event) => self.marked_unread(db, id, user, event),
                ReaderEvent::Hidden(event) => self.hidden(db, id, user, event),
                ReaderEvent::SettingsChanged(event) => self.settings_changed(db, id, user, event),
            },
            (Event::User(event), StreamId::User(user)) => match event {
                UserEvent::Closed(event) => self.user_closed(db, user, event),
                UserEvent::Registered(_)
                | UserEvent::ProfileChanged(_)
                | UserEvent::PasswordChanged(_)
                | UserEvent::RoleGranted(_)
                | UserEvent::RoleRevoked(_)
                | UserEvent::Suspended(_)
                | UserEvent::Reinstated(_) => Ok(()),
            },
            (Event::Login(_) | Event::Session(_) | Event::Request(_), _) => Ok(()),
            (Event::Conversation(_) | Event::Message(_) | Event::Reader(_) | Event::User(_), _) => {
                Err(FoldError::data("this event does not belong into this stream"))
            }
        }
    }

    fn flush(&mut self, db: &Connection) -> Result<(), FoldError> {
        self.rows.flush(db)
    }

    fn reset(&mut self) {
        *self = Self::default();
    }

    fn take_erased(&mut self) -> bool {
        std::mem::take(&mut self.erased)
    }

    fn reserve(&mut self, db: &Connection, event: &RecordedEvent) -> Result<Option<i64>, FoldError> {
        if event.version == 1 && event.stream.category() == "conversation" {
            self.take_number(db).map(Some)
        } else {
            Ok(None)
        }
    }

    fn assign(&mut self, reserved: Option<i64>) {
        self.assigned = reserved;
    }
}

impl ConversationsFold {
    fn take_number(&mut self, db: &Connection) -> Result<i64, FoldError> {
        if let Some(number) = self.assigned.take() {
            return Ok(number);
        }
        let number = match self.next_number {
            Some(number) => number,
            None => db.query_row(
                "SELECT 1 + max((SELECT coalesce(max(number), 0) FROM conversations),
                                (SELECT coalesce(max(ordinal), 0) FROM parked))",
                [],
                |row| row.get(0),
            )?,
        };
        if number > i64::from(i32::MAX) {
            return Err(FoldError::data("the view holds at most 2147483647 conversations"));
        }
        self.next_number = Some(number + 1);
        Ok(number)
    }
}
