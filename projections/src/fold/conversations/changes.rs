//! From the rows in memory to what a database is to write.

use tidings_domain::UserId;

use super::{
    rows::Rows,
    tables::{Changes, ConversationTables, Member, Place},
};
use crate::fold::Done;

/// How many conversations and members stay in memory between batches.
const KEPT: usize = 30_000;
/// How many changed members may stay there unwritten while a view is being filled.
const PUT_OFF: usize = 100_000;

impl Rows {
    /// Writes what was changed; of a view that is being filled not yet the members, which most messages change again.
    pub(super) async fn flush<T: ConversationTables>(&mut self, tables: &mut T, filling: bool) -> Done {
        let members_too = !filling || self.members.changed() > PUT_OFF;
        tables.write(&self.changes(members_too)).await?;
        self.conversations.written(KEPT);
        if members_too {
            self.members.written(KEPT);
        }
        self.joined.clear();
        self.messages.written(0);
        self.authors.clear();
        self.mentions.written(0);
        self.attachments.written(0);
        self.erasures.clear();
        self.receipts_of_erasures.clear();
        self.retained.written(0);
        if self.exceptions.len() > KEPT {
            self.exceptions.clear();
        }
        self.changed_exceptions.clear();
        self.edits.clear();
        self.versions.clear();
        self.erased.clear();
        self.reactions.clear();
        self.reaction_counts.clear();
        self.receipts.clear();
        self.closed.clear();
        self.accesses.clear();
        self.scheduled.written(0);
        self.unwritten = None;
        Ok(())
    }

    fn changes(&self, members_too: bool) -> Changes<'_> {
        let members = self.members.changes().filter(|_| members_too);
        let mut members: Vec<(Place, &Member)> =
            members.filter_map(|(place, row)| Some((place, row.as_ref()?))).collect();
        // neighbours in the table are written one after the other
        members.sort_unstable_by_key(|((number, user), _)| (*user, *number));
        let messages = self.messages.changes().filter_map(|(_, row)| row.as_ref());
        let (changed, mut sent): (Vec<_>, Vec<_>) = messages.partition(|row| row.stored);
        sent.sort_unstable_by_key(|row| row.key);
        let mut exceptions: Vec<_> = self.changed_exceptions.iter().copied().collect();
        exceptions.sort_unstable();
        let exception = |(user, key): (UserId, i64)| {
            (user, key, self.exceptions.get(&(key >> 32, user)).and_then(|of_reader| of_reader.get(&key)).copied())
        };
        Changes {
            conversations: self.conversations.changes().filter_map(|(_, row)| row.as_ref()).collect(),
            members,
            joined: &self.joined,
            sent,
            authors: &self.authors,
            changed,
            erased: self.erased.clone(),
            versions: self.versions.iter().collect(),
            reactions: self
                .reactions
                .iter()
                .map(|((key, emoji, user), on)| (*key, emoji.as_str(), *user, *on))
                .collect(),
            reaction_counts: self
                .reaction_counts
                .iter()
                .map(|((key, emoji), count)| (*key, emoji.as_str(), *count))
                .collect(),
            exceptions: exceptions.into_iter().map(exception).collect(),
            mentions: self.mentions.changes().map(|((user, key), on)| (user, key, *on)).collect(),
            receipts: &self.receipts,
            closed: &self.closed,
            scheduled: self.scheduled.changes().map(|(id, row)| (id, row.as_ref())).collect(),
            attachments: self.attachments.changes().map(|(id, row)| (id, row.as_ref())).collect(),
            accesses: &self.accesses,
            erasures: &self.erasures,
            receipts_of_erasures: &self.receipts_of_erasures,
            retained: self.retained.changes().map(|(number, row)| (number, *row)).collect(),
        }
    }
}
