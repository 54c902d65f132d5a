//! The rows that events change: loaded once, kept in memory over a batch and written once, changed by however many.

use std::collections::{BTreeMap, HashMap, HashSet, hash_map::Entry};

use tidings_domain::{AttachmentId, ConversationId, ScheduledId, UserId};

use super::{
    accesses::AccessRow,
    attachments::AttachmentRow,
    erasures::{ErasureRow, ReceiptOfErasure, RetainedRow},
    tables::{
        Author, ConversationRow, ConversationTables, Exception, Member, MessageRow, Place, ReactionCount, ReceiptRow,
        ScheduledRow, VersionRow,
    },
};
use crate::fold::{Done, FoldError, kept::Kept};

/// All that is in memory, as it will stand when it is written.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) conversations: Kept<ConversationId, Option<ConversationRow>>,
    pub(super) members: Kept<Place, Option<Member>>,
    /// Who came into a conversation.
    pub(super) joined: Vec<UserId>,
    pub(super) messages: Kept<i64, Option<MessageRow>>,
    pub(super) authors: Vec<Author>,
    /// By place, and then by message key.
    pub(super) exceptions: HashMap<Place, BTreeMap<i64, Exception>>,
    pub(super) changed_exceptions: HashSet<(UserId, i64)>,
    pub(super) edits: HashMap<i64, i64>,
    pub(super) versions: Vec<VersionRow>,
    pub(super) erased: Vec<i64>,
    pub(super) reactions: HashMap<(i64, String, UserId), bool>,
    pub(super) reaction_counts: HashMap<(i64, String), Option<ReactionCount>>,
    pub(super) mentions: Kept<(UserId, i64), bool>,
    pub(super) receipts: Vec<ReceiptRow>,
    pub(super) scheduled: Kept<ScheduledId, Option<ScheduledRow>>,
    pub(super) closed: Vec<(UserId, i64)>,
    pub(super) attachments: Kept<AttachmentId, Option<AttachmentRow>>,
    pub(super) accesses: Vec<AccessRow>,
    pub(super) erasures: Vec<ErasureRow>,
    pub(super) receipts_of_erasures: Vec<ReceiptOfErasure>,
    pub(super) retained: Kept<i64, RetainedRow>,
    /// Conversations of this number or above have no rows in the tables yet.
    pub(super) unwritten: Option<i64>,
}

impl Rows {
    /// Loads together what a batch will need.
    pub(super) async fn prepare<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        mut ids: Vec<ConversationId>,
        places: &[(ConversationId, UserId)],
        messages: &[(ConversationId, i64)],
    ) -> Done {
        ids.sort_unstable();
        ids.dedup();
        ids.retain(|id| !self.conversations.contains(*id));
        if !ids.is_empty() {
            for row in tables.conversations(&ids).await? {
                self.conversations.loaded(row.id, Some(row));
            }
            for id in ids {
                self.conversations.loaded(id, None);
            }
        }
        let known = |id: &ConversationId| self.conversations.get(*id).and_then(Option::as_ref);
        let places = places.iter().filter_map(|(id, user)| Some((known(id)?.number, *user)));
        let mut places: Vec<Place> = places.filter(|place| !self.members.contains(*place)).collect();
        places.sort_unstable();
        places.dedup();
        let keys = messages.iter().filter_map(|(id, seq)| Some(known(id)?.key(*seq)));
        let mut keys: Vec<i64> = keys.filter(|key| !self.messages.contains(*key)).collect();
        keys.sort_unstable();
        keys.dedup();
        if !places.is_empty() {
            for (place, member) in tables.members(&places).await? {
                self.members.loaded(place, Some(member));
            }
            for place in places {
                self.members.loaded(place, None);
            }
        }
        self.load_messages(tables, &keys).await
    }

    /// Loads messages together.
    pub(super) async fn load_messages<T: ConversationTables>(&mut self, tables: &mut T, keys: &[i64]) -> Done {
        if !keys.is_empty() {
            for row in tables.messages(keys).await? {
                self.messages.loaded(row.key, Some(row));
            }
        }
        Ok(())
    }

    async fn load_conversation<T: ConversationTables>(&mut self, tables: &mut T, id: ConversationId) -> Done {
        if !self.conversations.contains(id) {
            let row = tables.conversations(&[id]).await?.pop();
            self.conversations.loaded(id, row);
        }
        Ok(())
    }

    /// Whether there is such a conversation.
    pub(super) async fn is_there<T: ConversationTables>(&mut self, tables: &mut T, id: ConversationId) -> Done<bool> {
        self.load_conversation(tables, id).await?;
        Ok(self.conversations.get(id).is_some_and(Option::is_some))
    }

    /// A conversation that has just begun.
    pub(super) fn started(&mut self, row: ConversationRow, newest: bool) {
        if newest {
            self.unwritten.get_or_insert(row.number);
        }
        self.conversations.put(row.id, Some(row));
    }

    /// A conversation, to be read.
    pub(super) async fn conversation<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        id: ConversationId,
    ) -> Done<&ConversationRow> {
        self.load_conversation(tables, id).await?;
        let row = self.conversations.get(id).and_then(Option::as_ref);
        row.ok_or_else(|| FoldError::data("its conversation is not there"))
    }

    /// A conversation, to be changed.
    pub(super) async fn change_conversation<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        id: ConversationId,
    ) -> Done<&mut ConversationRow> {
        self.conversation(tables, id).await?;
        let row = self.conversations.change(id).and_then(Option::as_mut);
        row.ok_or_else(|| FoldError::data("its conversation is not there"))
    }

    /// Somebody's place in a conversation, if they ever had one.
    pub(super) async fn find_member<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        place: Place,
    ) -> Done<Option<Member>> {
        if !self.members.contains(place) {
            let nobody = self.unwritten.is_some_and(|from| place.0 >= from);
            let found = if nobody { None } else { tables.members(&[place]).await?.pop() };
            self.members.loaded(place, found.map(|(_, member)| member));
        }
        Ok(self.members.get(place).copied().flatten())
    }

    /// Somebody who is or was in a conversation.
    pub(super) async fn member<T: ConversationTables>(&mut self, tables: &mut T, place: Place) -> Done<Member> {
        let found = self.find_member(tables, place).await?;
        found.ok_or_else(|| FoldError::data("this person was never in the conversation"))
    }

    pub(super) fn put_member(&mut self, place: Place, member: Member) {
        self.members.put(place, Some(member));
    }

    pub(super) fn sent(&mut self, row: MessageRow) {
        self.messages.put(row.key, Some(row));
    }

    /// A message, to be changed.
    pub(super) async fn message<T: ConversationTables>(&mut self, tables: &mut T, key: i64) -> Done<&mut MessageRow> {
        if !self.messages.contains(key) {
            self.load_messages(tables, &[key]).await?;
        }
        let row = self.messages.change(key).and_then(Option::as_mut);
        row.ok_or_else(|| FoldError::data("this message is not there"))
    }

    /// Whether a message that is there was deleted.
    pub(super) async fn is_deleted<T: ConversationTables>(&mut self, tables: &mut T, key: i64) -> Done<bool> {
        if !self.messages.contains(key) {
            self.load_messages(tables, &[key]).await?;
        }
        let row = self.messages.get(key).and_then(Option::as_ref);
        row.map(|row| row.deleted_at.is_some()).ok_or_else(|| FoldError::data("this message is not there"))
    }

    /// All that somebody sees otherwise than their mark says in a conversation.
    pub(super) async fn exceptions<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        place: Place,
        member: &Member,
    ) -> Done<&mut BTreeMap<i64, Exception>> {
        match self.exceptions.entry(place) {
            Entry::Occupied(kept) => Ok(kept.into_mut()),
            Entry::Vacant(free) => {
                let rows = if member.exceptions == 0 { Vec::new() } else { tables.exceptions(place).await? };
                Ok(free.insert(rows.into_iter().collect()))
            }
        }
    }

    pub(super) fn exception_changed(&mut self, user: UserId, key: i64) {
        self.changed_exceptions.insert((user, key));
    }

    /// Who sees a message otherwise than their mark says.
    pub(super) async fn excepting<T: ConversationTables>(&mut self, tables: &mut T, key: i64) -> Done<Vec<UserId>> {
        let mut users = tables.excepting(key).await?;
        // the others stand in the table
        users.extend(self.changed_exceptions.iter().filter(|(_, of)| *of == key).map(|(user, _)| *user));
        users.sort_unstable();
        users.dedup();
        Ok(users)
    }

    /// The number of the next version of a message, and remembers that it is taken.
    pub(super) async fn next_edit<T: ConversationTables>(&mut self, tables: &mut T, key: i64) -> Done<i64> {
        let last = match self.edits.get(&key) {
            Some(last) => *last,
            None => tables.last_edit(key).await?,
        };
        self.edits.insert(key, last + 1);
        Ok(last + 1)
    }

    pub(super) fn add_version(&mut self, row: VersionRow) {
        self.versions.push(row);
    }

    pub(super) fn set_mention(&mut self, user: UserId, key: i64, mentioned: bool) {
        self.mentions.put((user, key), mentioned);
    }

    pub(super) fn add_receipt(&mut self, receipt: ReceiptRow) {
        self.receipts.push(receipt);
    }

    pub(super) fn close(&mut self, user: UserId, at: i64) {
        self.closed.push((user, at));
    }

    /// Nothing is left of a message but its row.
    pub(super) fn erase(&mut self, key: i64) {
        self.erased.push(key);
        self.edits.remove(&key);
        self.versions.retain(|version| version.key != key);
        self.reactions.retain(|(of, _, _), _| *of != key);
        self.reaction_counts.retain(|(of, _), _| *of != key);
    }

    /// Puts an emoji on a message or takes it away; `false` when it is so already.
    pub(super) async fn react<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        reaction: (i64, &str, UserId),
        position: i64,
        on: bool,
    ) -> Done<bool> {
        let (key, emoji, user) = reaction;
        let place = (key, emoji.to_owned(), user);
        let before = match self.reactions.get(&place) {
            Some(before) => *before,
            None => tables.reaction(key, emoji, user).await?,
        };
        if before == on {
            return Ok(false);
        }
        self.reactions.insert(place, on);
        let place = (key, emoji.to_owned());
        let count = match self.reaction_counts.get(&place) {
            Some(count) => *count,
            None => tables.reaction_count(key, emoji).await?,
        };
        let ReactionCount { first, count } = count.unwrap_or(ReactionCount { first: position, count: 0 });
        let count = if on { count + 1 } else { count - 1 };
        self.reaction_counts.insert(place, (count > 0).then_some(ReactionCount { first, count }));
        Ok(true)
    }
}
