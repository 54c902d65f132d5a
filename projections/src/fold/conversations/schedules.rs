//! What somebody wants sent later, until it is sent or cancelled.

use tidings_domain::{
    ScheduledId, UserId,
    schedule::{MessageScheduled, ScheduleEvent},
};

use super::{
    ConversationsFold,
    attachments::attachment_bytes,
    messages::{PLAIN_TEXT, body, subject},
    tables::{ConversationTables, ScheduledRow},
};
use crate::fold::{Done, signed};

/// Stages of a scheduled message.
pub(crate) const WAITS: i64 = 0;
pub(crate) const RELEASED: i64 = 1;
pub(crate) const FAILED: i64 = 2;

impl ConversationsFold {
    pub(super) async fn schedule<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        owner: UserId,
        event: &ScheduleEvent,
    ) -> Done {
        match event {
            ScheduleEvent::Added(event) => {
                if self.closed_at(tables, owner).await?.is_none() {
                    self.rows.scheduled.put(event.id, Some(row(owner, event)));
                }
                Ok(())
            }
            ScheduleEvent::Cancelled(event) => self.drop_scheduled(tables, event.id).await,
            ScheduleEvent::Sent(event) => self.drop_scheduled(tables, event.id).await,
            ScheduleEvent::Released(event) => {
                if let Some(row) = self.find_scheduled(tables, event.id).await? {
                    row.stage = RELEASED;
                }
                Ok(())
            }
            ScheduleEvent::Failed(event) => {
                if let Some(row) = self.find_scheduled(tables, event.id).await? {
                    (row.stage, row.failure) = (FAILED, Some(event.reason.clone()));
                }
                Ok(())
            }
        }
    }

    async fn drop_scheduled<T: ConversationTables>(&mut self, tables: &mut T, id: ScheduledId) -> Done {
        if self.find_scheduled(tables, id).await?.is_some() {
            self.rows.scheduled.put(id, None);
            self.erased = true;
        }
        Ok(())
    }

    /// To be changed; none where its owner's account is closed.
    async fn find_scheduled<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        id: ScheduledId,
    ) -> Done<Option<&mut ScheduledRow>> {
        if !self.rows.scheduled.contains(id) {
            let found = tables.scheduled(&[id]).await?.pop();
            self.rows.scheduled.loaded(id, found);
        }
        Ok(self.rows.scheduled.change(id).and_then(Option::as_mut))
    }

    /// An account is closed: nothing of it is sent any more.
    pub(super) async fn drop_all_scheduled<T: ConversationTables>(&mut self, tables: &mut T, owner: UserId) -> Done {
        for row in tables.scheduled_of(owner).await? {
            self.rows.scheduled.loaded(row.id, Some(row));
        }
        let theirs = self.rows.scheduled.iter().filter(|(_, row)| row.as_ref().is_some_and(|row| row.owner == owner));
        let ids: Vec<ScheduledId> = theirs.map(|(id, _)| id).collect();
        for id in ids {
            self.rows.scheduled.put(id, None);
            self.erased = true;
        }
        Ok(())
    }
}

fn row(owner: UserId, event: &MessageScheduled) -> ScheduledRow {
    let content_type = event.content_type.as_str();
    ScheduledRow {
        id: event.id,
        owner,
        conversation: event.conversation,
        people: (!event.to.is_empty()).then(|| event.to.iter().flat_map(|user| *user.as_bytes()).collect()),
        content_type: (content_type != PLAIN_TEXT).then(|| content_type.to_owned()),
        reply_seq: event.reply_to.map(|reply| signed(reply.seq)),
        reply_version: event.reply_to.map(|reply| signed(reply.version)),
        subject: subject(event.content.clear()),
        body: body(event.content.clear()),
        send_at: event.send_at.millis(),
        created_at: event.at.millis(),
        stage: WAITS,
        failure: None,
        attachments: attachment_bytes(&event.attachments),
    }
}
