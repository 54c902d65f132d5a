//! The conversations projection: conversations, members, messages, readers.

pub(crate) mod accesses;
pub(crate) mod attachments;
mod authors;
mod changes;
mod closing;
pub(crate) mod erasures;
pub(crate) mod members;
pub(crate) mod messages;
pub(crate) mod readers;
mod rows;
pub(crate) mod schedules;
pub(crate) mod tables;

use std::collections::HashMap;

use tidings_domain::{
    ConversationId, Event, StreamId, UserId, access::AccessEvent, attachment::AttachmentEvent,
    conversation::ConversationEvent, message::MessageEvent, reader::ReaderEvent, user::UserEvent,
};
use tidings_event_store::{DecodedEvent, RecordedEvent};

use super::{Done, FoldError, signed};
use accesses::access_rows;
use erasures::Erased;
use rows::Rows;
pub(crate) use tables::{ConversationTables, key, unkey};

/// Where an event stands in the log.
#[derive(Debug, Clone, Copy)]
struct Standing {
    position: i64,
    version: i64,
}

/// Folds the events of conversations, messages and readers, and of accounts that are closed.
#[derive(Default)]
pub(crate) struct ConversationsFold {
    rows: Rows,
    /// Closed accounts and when; none before they were read.
    closed: Option<HashMap<UserId, i64>>,
    /// The number that the next conversation will have; none before it was read.
    next_number: Option<i64>,
    /// The number that was reserved for the event now being retried.
    pub(super) assigned: Option<i64>,
    /// The numbers that some conversations have in the view that this one is compared with.
    pub(super) assumed: HashMap<ConversationId, i64>,
    pub(super) erased: bool,
}

impl ConversationsFold {
    /// Loads the rows that a batch will need.
    pub(super) async fn prepare<T: ConversationTables>(&mut self, tables: &mut T, events: &[&DecodedEvent]) -> Done {
        let (mut ids, mut places, mut messages) = (Vec::new(), Vec::new(), Vec::new());
        for decoded in events {
            match (&decoded.event, decoded.stream) {
                (Event::Conversation(event), StreamId::Conversation(id)) => {
                    ids.push(id);
                    places.extend(concerned(event).map(|user| (id, user)));
                }
                (Event::Message(_), StreamId::Message(id)) => {
                    ids.push(id.conversation);
                    messages.push((id.conversation, signed(id.seq)));
                }
                (Event::Reader(event), StreamId::Reader(id, user)) => {
                    ids.push(id);
                    places.push((id, user));
                    messages.extend(marked(event).map(|seq| (id, signed(seq))));
                }
                (
                    Event::User(_)
                    | Event::Login(_)
                    | Event::Session(_)
                    | Event::Request(_)
                    | Event::Contact(_)
                    | Event::Factor(_)
                    | Event::Devices(_)
                    | Event::Attempts(_)
                    | Event::Schedule(_)
                    | Event::Attachment(_)
                    | Event::Webhook(_)
                    | Event::Access(_)
                    | Event::Hold(_)
                    | Event::Conversation(_)
                    | Event::Message(_)
                    | Event::Reader(_),
                    _,
                ) => {}
            }
        }
        self.rows.prepare(tables, ids, &places, &messages).await
    }

    /// Folds one event.
    pub(super) async fn apply<T: ConversationTables>(&mut self, tables: &mut T, decoded: &DecodedEvent) -> Done {
        let recorded = &decoded.recorded;
        let standing = Standing { position: signed(recorded.position.get()), version: signed(recorded.version) };
        match (&decoded.event, decoded.stream) {
            (Event::Conversation(event), StreamId::Conversation(id)) => match event {
                ConversationEvent::MessageSent(event) => self.message_sent(tables, id, standing, event).await,
                ConversationEvent::Started(event) => self.started(tables, id, standing, event).await,
                ConversationEvent::Renamed(event) => self.renamed(tables, id, event).await,
                ConversationEvent::MemberAdded(event) => self.member_added(tables, id, event).await,
                ConversationEvent::MemberRemoved(event) => self.member_removed(tables, id, standing, event).await,
                ConversationEvent::MemberRoleChanged(event) => self.role_changed(tables, id, event).await,
                // who may send is decided, not shown; and the conversation may not be started
                ConversationEvent::BlocksChanged(_) => Ok(()),
                ConversationEvent::RetentionChanged(event) => self.retention_changed(tables, id, event).await,
            },
            (Event::Message(event), StreamId::Message(id)) => match event {
                MessageEvent::Edited(event) => self.edited(tables, id, event).await,
                MessageEvent::Deleted(event) => self.deleted(tables, id, standing, event).await,
                MessageEvent::Erased(event) => self.erased(tables, id, standing, event).await,
                MessageEvent::ReactionAdded(event) => self.reaction_added(tables, id, standing, event).await,
                MessageEvent::ReactionRemoved(event) => self.reaction_removed(tables, id, standing, event).await,
                MessageEvent::Pinned(event) => self.pinned(tables, id, Some(event.at.millis())).await,
                MessageEvent::Unpinned(_) => self.pinned(tables, id, None).await,
            },
            (Event::Reader(event), StreamId::Reader(id, user)) => match event {
                ReaderEvent::ReadUpTo(event) => self.read_up_to(tables, id, user, event).await,
                ReaderEvent::DeliveredUpTo(event) => self.delivered_up_to(tables, id, user, event).await,
                ReaderEvent::MarkedRead(event) => self.marked_read(tables, id, user, event).await,
                ReaderEvent::MarkedUnread(event) => self.marked_unread(tables, id, user, event).await,
                ReaderEvent::Hidden(event) => self.hidden(tables, id, user, event).await,
                ReaderEvent::SettingsChanged(event) => self.settings_changed(tables, id, user, event).await,
            },
            (Event::Attachment(event), StreamId::Attachment(id)) => match event {
                AttachmentEvent::Uploaded(event) => self.uploaded(tables, id, event).await,
                // the message says who has it
                AttachmentEvent::Attached(_) | AttachmentEvent::Detached(_) => Ok(()),
                AttachmentEvent::Removed(_) => self.removed(tables, id).await,
            },
            (Event::User(event), StreamId::User(user)) => match event {
                UserEvent::Closed(event) => self.user_closed(tables, user, standing, event).await,
                UserEvent::Erased(event) => {
                    self.erasure_done(Erased::User(user), event.at.millis(), standing);
                    Ok(())
                }
                UserEvent::Registered(_)
                | UserEvent::ProfileChanged(_)
                | UserEvent::PasswordChanged(_)
                | UserEvent::RoleGranted(_)
                | UserEvent::RoleRevoked(_)
                | UserEvent::Suspended(_)
                | UserEvent::Reinstated(_) => Ok(()),
            },
            (Event::Schedule(event), StreamId::Schedule(owner)) => self.schedule(tables, owner, event).await,
            (Event::Access(AccessEvent::Accessed(event)), StreamId::Access(_)) => {
                self.rows.accesses.extend(access_rows(standing.position, event));
                Ok(())
            }
            (
                Event::Login(_)
                | Event::Session(_)
                | Event::Request(_)
                | Event::Contact(_)
                | Event::Factor(_)
                | Event::Devices(_)
                | Event::Attempts(_)
                | Event::Webhook(_)
                | Event::Hold(_),
                _,
            ) => Ok(()),
            (
                Event::Conversation(_)
                | Event::Message(_)
                | Event::Reader(_)
                | Event::User(_)
                | Event::Schedule(_)
                | Event::Access(_)
                | Event::Attachment(_),
                _,
            ) => Err(FoldError::data("this event does not belong into this stream")),
        }
    }

    pub(super) async fn flush<T: ConversationTables>(&mut self, tables: &mut T, filling: bool) -> Done {
        self.rows.flush(tables, filling).await
    }

    /// A conversation's number, for its start that is parked.
    pub(super) async fn reserve<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        event: &RecordedEvent,
    ) -> Done<Option<i64>> {
        if &*event.name == "conversation_started" {
            Ok(Some(self.take_number(tables, None).await?.0))
        } else {
            Ok(None)
        }
    }

    /// The number of a conversation that starts, and whether it is higher than any before.
    async fn take_number<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        id: Option<ConversationId>,
    ) -> Done<(i64, bool)> {
        if let Some(number) = self.assigned.take().or_else(|| self.assumed.get(&id?).copied()) {
            return Ok((number, false));
        }
        let number = match self.next_number {
            Some(number) => number,
            None => tables.next_number().await?,
        };
        if number > i64::from(i32::MAX) {
            return Err(FoldError::data("the view holds at most 2147483647 conversations"));
        }
        self.next_number = Some(number + 1);
        Ok((number, true))
    }
}

/// Whose place in the conversation an event changes. Nobody has one where it only starts.
fn concerned(event: &ConversationEvent) -> Option<UserId> {
    match event {
        ConversationEvent::MessageSent(event) => Some(event.sender),
        ConversationEvent::MemberAdded(event) => Some(event.user),
        ConversationEvent::MemberRemoved(event) => Some(event.user),
        ConversationEvent::MemberRoleChanged(event) => Some(event.user),
        ConversationEvent::Started(_)
        | ConversationEvent::Renamed(_)
        | ConversationEvent::BlocksChanged(_)
        | ConversationEvent::RetentionChanged(_) => None,
    }
}

/// The message that a reader marked by itself.
fn marked(event: &ReaderEvent) -> Option<u64> {
    match event {
        ReaderEvent::MarkedRead(event) => Some(event.seq),
        ReaderEvent::MarkedUnread(event) => Some(event.seq),
        ReaderEvent::Hidden(event) => Some(event.seq),
        ReaderEvent::ReadUpTo(_) | ReaderEvent::DeliveredUpTo(_) | ReaderEvent::SettingsChanged(_) => None,
    }
}
