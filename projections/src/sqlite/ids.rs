//! Ids as SQLite keeps them: blobs of 16 bytes.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use tidings_domain::{AttachmentId, ConversationId, ScheduledId, SessionId, UserId, WebhookId};

/// An id read from a column.
pub(super) struct Id16<T>(pub(super) T);

macro_rules! from_blob {
    ($($id:ty),+) => {
        $(impl FromSql for Id16<$id> {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                <$id>::from_slice(value.as_blob()?).map(Self).map_err(FromSqlError::other)
            }
        })+
    };
}
from_blob!(UserId, ConversationId, SessionId, ScheduledId, AttachmentId, WebhookId);
