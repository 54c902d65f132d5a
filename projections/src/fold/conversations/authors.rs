//! Who wrote where.

use std::collections::HashMap;

use tidings_domain::{ConversationId, UserId};

use super::{
    rows::Rows,
    tables::{ConversationTables, Member, stretch},
};
use crate::fold::Done;

impl Rows {
    /// Somebody wrote the message of this key; `before` is how they stood in the conversation until then.
    pub(super) fn wrote(&mut self, sender: UserId, key: i64, before: &Member) {
        let last = (key >> 32 << 32) | before.sent_seq;
        if before.sent_seq == 0 || stretch(last) != stretch(key) {
            self.authors.push((sender, stretch(key)));
        }
    }

    /// The messages of a sender that are not deleted.
    pub(super) async fn written_by<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        sender: UserId,
    ) -> Done<Vec<(i64, ConversationId)>> {
        let mut written = tables.written_by(sender).await?;
        let deleted =
            |key: i64| self.messages.get(key).and_then(Option::as_ref).is_some_and(|row| row.deleted_at.is_some());
        written.retain(|(key, _)| !deleted(*key));
        let numbers = self.conversations.iter().filter_map(|(id, row)| Some((row.as_ref()?.number, id)));
        let numbers: HashMap<i64, ConversationId> = numbers.collect();
        let unwritten = self
            .messages
            .iter()
            .filter_map(|(_, row)| row.as_ref())
            .filter(|row| !row.stored && row.sender == sender && row.deleted_at.is_none());
        written.extend(unwritten.filter_map(|row| Some((row.key, *numbers.get(&(row.key >> 32))?))));
        Ok(written)
    }
}
