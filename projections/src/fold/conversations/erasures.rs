//! What was to be erased and when that was done, and how long messages are kept.

use tidings_domain::{
    ConversationId, UserId, conversation::RetentionChanged, message::ErasureReason, values::Retention,
};

use super::{
    ConversationsFold, Standing,
    rows::Rows,
    tables::{ConversationTables, unkey},
};
use crate::fold::{Done, signed};

/// A row of `erasures` that is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ErasureRow {
    pub(crate) position: i64,
    /// The key of the message, and its version; none for an account.
    pub(crate) message: Option<(i64, i64)>,
    pub(crate) user: UserId,
    pub(crate) by: Option<UserId>,
    pub(crate) reason: i64,
    pub(crate) asked_at: i64,
}

/// What a receipt is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Erased {
    /// The message of this key.
    Message(i64),
    /// An account.
    User(UserId),
}

/// That an erasure is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReceiptOfErasure {
    pub(crate) of: Erased,
    pub(crate) done_at: i64,
    pub(crate) position: i64,
}

/// A row of `retained`, but for its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct RetainedRow {
    pub(crate) seconds: Option<i64>,
    pub(crate) expired_seq: i64,
}

pub(crate) const fn reason_number(reason: ErasureReason) -> i64 {
    match reason {
        ErasureReason::DeletedBySender => 0,
        ErasureReason::Retention => 1,
        ErasureReason::AccountClosed => 2,
    }
}

pub(crate) const fn reason_of(number: i64) -> ErasureReason {
    match number {
        0 => ErasureReason::DeletedBySender,
        1 => ErasureReason::Retention,
        _ => ErasureReason::AccountClosed,
    }
}

impl Rows {
    async fn retained<T: ConversationTables>(&mut self, tables: &mut T, number: i64) -> Done<&mut RetainedRow> {
        if !self.retained.contains(number) {
            let row = tables.retained(number).await?.unwrap_or_default();
            self.retained.loaded(number, row);
        }
        self.retained.change(number).ok_or_else(|| crate::fold::FoldError::data("this row was not loaded"))
    }
}

impl ConversationsFold {
    /// Somebody or a rule wants something erased.
    pub(super) fn erasure_asked(&mut self, row: ErasureRow) {
        self.rows.erasures.push(row);
    }

    /// It is.
    pub(super) fn erasure_done(&mut self, of: Erased, done_at: i64, standing: Standing) {
        self.rows.receipts_of_erasures.push(ReceiptOfErasure { of, done_at, position: standing.position });
    }

    /// A rule has deleted the message of this key.
    pub(super) async fn expired<T: ConversationTables>(&mut self, tables: &mut T, key: i64) -> Done {
        let (number, seq) = unkey(key);
        let row = self.rows.retained(tables, number).await?;
        row.expired_seq = row.expired_seq.max(seq);
        Ok(())
    }

    pub(super) async fn retention_changed<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        id: ConversationId,
        event: &RetentionChanged,
    ) -> Done {
        let number = self.rows.conversation(tables, id).await?.number;
        self.rows.retained(tables, number).await?.seconds =
            event.retention.map(|kept| signed(Retention::seconds(kept)));
        Ok(())
    }
}
