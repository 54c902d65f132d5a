//! The rows of the conversations projection, and how a database reads and writes them.

use tidings_domain::{AttachmentId, ConversationId, ScheduledId, UserId};

use super::{
    accesses::AccessRow,
    attachments::AttachmentRow,
    erasures::{ErasureRow, ReceiptOfErasure, RetainedRow},
};
use crate::fold::Done;

/// A row of `conversations`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConversationRow {
    pub(crate) number: i64,
    pub(crate) id: ConversationId,
    pub(crate) group: bool,
    pub(crate) name: Option<String>,
    pub(crate) created_at: i64,
    pub(crate) started: i64,
    pub(crate) joined: i64,
    pub(crate) members: i64,
    pub(crate) last_seq: i64,
    pub(crate) last_deleted_seq: i64,
    pub(crate) activity: i64,
    pub(crate) latest_at: i64,
}

impl ConversationRow {
    /// The key of message number `seq`.
    pub(crate) const fn key(&self, seq: i64) -> i64 {
        key(self.number, seq)
    }
}

/// The key of message number `seq` of conversation number `number`.
pub(crate) const fn key(number: i64, seq: i64) -> i64 {
    number << 32 | seq
}

/// The conversation's number and the `seq` of a key.
pub(crate) const fn unkey(key: i64) -> (i64, i64) {
    (key >> 32, key & 0xffff_ffff)
}

/// So many messages of a conversation are a stretch, as a power of two.
pub(crate) const STRETCH_BITS: u32 = 8;

/// Somebody wrote in a stretch of a conversation, whatever is left of it. The stretch is the key of its first message, shifted.
pub(crate) type Author = (UserId, i64);

/// The stretch that a message is in, by its key.
pub(crate) const fn stretch(key: i64) -> i64 {
    key >> STRETCH_BITS
}

/// Somebody's place in a conversation: its number, and who.
pub(crate) type Place = (i64, UserId);

/// A row of `members`, but for its key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) role: i64,
    pub(crate) joined: i64,
    pub(crate) joined_at: i64,
    pub(crate) joined_seq: i64,
    pub(crate) left_seq: Option<i64>,
    pub(crate) left_position: Option<i64>,
    pub(crate) sent_seq: i64,
    pub(crate) mark: i64,
    pub(crate) delivered: i64,
    pub(crate) exceptions: i64,
    pub(crate) adjust: i64,
    pub(crate) muted: bool,
    pub(crate) archived: bool,
}

impl Member {
    /// The mark that their own sending and joining implies.
    pub(crate) fn floor(&self) -> i64 {
        self.joined_seq.max(self.sent_seq)
    }
}

/// A row of `messages`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MessageRow {
    pub(crate) key: i64,
    pub(crate) position: i64,
    pub(crate) version: i64,
    pub(crate) sender: UserId,
    pub(crate) at: i64,
    pub(crate) latest_at: i64,
    pub(crate) content_type: Option<String>,
    pub(crate) reply_to: Option<i64>,
    /// Ids of 16 bytes, one after the other.
    pub(crate) mentions: Option<Vec<u8>>,
    /// The same.
    pub(crate) attachments: Option<Vec<u8>>,
    pub(crate) subject: Option<String>,
    pub(crate) body: Option<String>,
    pub(crate) edited_at: Option<i64>,
    pub(crate) deleted_at: Option<i64>,
    pub(crate) pinned_at: Option<i64>,
    pub(crate) reactions: i64,
    /// Whether the table has a row of this key; no column.
    pub(crate) stored: bool,
}

/// A row of `message_versions`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VersionRow {
    pub(crate) key: i64,
    pub(crate) edit: i64,
    pub(crate) at: i64,
    pub(crate) subject: Option<String>,
    pub(crate) body: Option<String>,
}

/// A row of `exceptions`, but for its key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Exception {
    pub(crate) hidden: bool,
    pub(crate) mark: i64,
    pub(crate) counts: i64,
}

/// A row of `reaction_counts`, but for its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReactionCount {
    pub(crate) first: i64,
    pub(crate) count: i64,
}

/// A row of `receipts`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReceiptRow {
    pub(crate) user: UserId,
    pub(crate) kind: i64,
    pub(crate) key: i64,
    pub(crate) at: i64,
}

/// A row of `scheduled`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ScheduledRow {
    pub(crate) id: ScheduledId,
    pub(crate) owner: UserId,
    pub(crate) conversation: ConversationId,
    /// Ids of 16 bytes, one after the other.
    pub(crate) people: Option<Vec<u8>>,
    pub(crate) content_type: Option<String>,
    pub(crate) reply_seq: Option<i64>,
    pub(crate) reply_version: Option<i64>,
    pub(crate) subject: Option<String>,
    pub(crate) body: Option<String>,
    pub(crate) send_at: i64,
    pub(crate) created_at: i64,
    pub(crate) stage: i64,
    pub(crate) failure: Option<String>,
    /// Ids of 16 bytes, one after the other.
    pub(crate) attachments: Option<Vec<u8>>,
}

/// What a batch changed. Rows are as they stand after it; none is a row that must go. Every key comes once.
#[derive(Default)]
pub(crate) struct Changes<'a> {
    pub(crate) conversations: Vec<&'a ConversationRow>,
    pub(crate) members: Vec<(Place, &'a Member)>,
    /// Who came into a conversation that they were not in.
    pub(crate) joined: &'a [UserId],
    /// Not in the table yet.
    pub(crate) sent: Vec<&'a MessageRow>,
    /// Who wrote them, by stretches; most are in the table already where they wrote there before. For a database that pays for
    /// each page it touches: it looks there, and not into an index of all messages, for what somebody wrote.
    pub(crate) authors: &'a [Author],
    /// In the table.
    pub(crate) changed: Vec<&'a MessageRow>,
    /// Messages whose earlier versions and reactions must go, before anything is written.
    pub(crate) erased: Vec<i64>,
    pub(crate) versions: Vec<&'a VersionRow>,
    pub(crate) reactions: Vec<(i64, &'a str, UserId, bool)>,
    pub(crate) reaction_counts: Vec<(i64, &'a str, Option<ReactionCount>)>,
    pub(crate) exceptions: Vec<(UserId, i64, Option<Exception>)>,
    pub(crate) mentions: Vec<(UserId, i64, bool)>,
    /// The first one of its key counts, in here and in the table.
    pub(crate) receipts: &'a [ReceiptRow],
    pub(crate) closed: &'a [(UserId, i64)],
    pub(crate) scheduled: Vec<(ScheduledId, Option<&'a ScheduledRow>)>,
    pub(crate) attachments: Vec<(AttachmentId, Option<&'a AttachmentRow>)>,
    /// Not in the table yet.
    pub(crate) accesses: &'a [AccessRow],
    pub(crate) erasures: &'a [ErasureRow],
    /// Of those, or of some in the table.
    pub(crate) receipts_of_erasures: &'a [ReceiptOfErasure],
    pub(crate) retained: Vec<(i64, RetainedRow)>,
}

/// The tables, in a database. What is asked for and not there is left out.
pub(crate) trait ConversationTables: Send {
    /// Whether rows are better asked for together, before a batch.
    const TOGETHER: bool;

    /// The number that the next conversation gets.
    fn next_number(&mut self) -> impl Future<Output = Done<i64>> + Send;

    /// Rows of `conversations`.
    fn conversations(&mut self, ids: &[ConversationId]) -> impl Future<Output = Done<Vec<ConversationRow>>> + Send;

    /// Rows of `members`.
    fn members(&mut self, places: &[Place]) -> impl Future<Output = Done<Vec<(Place, Member)>>> + Send;

    /// Rows of `messages`.
    fn messages(&mut self, keys: &[i64]) -> impl Future<Output = Done<Vec<MessageRow>>> + Send;

    /// The last `edit` of a message; 0 for one that was never edited.
    fn last_edit(&mut self, key: i64) -> impl Future<Output = Done<i64>> + Send;

    /// Whether somebody's emoji is on a message.
    fn reaction(&mut self, key: i64, emoji: &str, user: UserId) -> impl Future<Output = Done<bool>> + Send;

    /// How often an emoji is on a message.
    fn reaction_count(&mut self, key: i64, emoji: &str) -> impl Future<Output = Done<Option<ReactionCount>>> + Send;

    /// All exceptions of a reader in a conversation, by message key.
    fn exceptions(&mut self, place: Place) -> impl Future<Output = Done<Vec<(i64, Exception)>>> + Send;

    /// Who has an exception for a message.
    fn excepting(&mut self, key: i64) -> impl Future<Output = Done<Vec<UserId>>> + Send;

    /// All rows of `closed`.
    fn closed(&mut self) -> impl Future<Output = Done<Vec<(UserId, i64)>>> + Send;

    /// The messages of a sender that are not deleted, with their conversations.
    fn written_by(&mut self, sender: UserId) -> impl Future<Output = Done<Vec<(i64, ConversationId)>>> + Send;

    /// Rows of `scheduled`.
    fn scheduled(&mut self, ids: &[ScheduledId]) -> impl Future<Output = Done<Vec<ScheduledRow>>> + Send;

    /// All rows of `scheduled` of one person.
    fn scheduled_of(&mut self, owner: UserId) -> impl Future<Output = Done<Vec<ScheduledRow>>> + Send;

    /// Rows of `attachments`.
    fn attachments(
        &mut self,
        ids: &[AttachmentId],
    ) -> impl Future<Output = Done<Vec<(AttachmentId, AttachmentRow)>>> + Send;

    /// The files that somebody uploaded.
    fn uploaded_by(&mut self, uploader: UserId) -> impl Future<Output = Done<Vec<AttachmentId>>> + Send;

    /// A row of `retained`.
    fn retained(&mut self, number: i64) -> impl Future<Output = Done<Option<RetainedRow>>> + Send;

    /// Writes what a batch changed.
    fn write(&mut self, changes: &Changes<'_>) -> impl Future<Output = Done> + Send;
}
