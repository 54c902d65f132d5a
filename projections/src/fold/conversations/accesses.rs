//! What auditors were shown, once for each whom it concerned.

use tidings_domain::{ConversationId, UserId, access::ContentAccessed};
use uuid::Uuid;

use crate::fold::signed;

/// Stands for everybody where somebody's id, or a conversation's, would stand.
pub(crate) const EVERYBODY: Uuid = Uuid::nil();

/// A row of `accesses`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AccessRow {
    /// A person, a conversation, or [`EVERYBODY`].
    pub(crate) subject: Uuid,
    pub(crate) position: i64,
    pub(crate) auditor: UserId,
    pub(crate) at: i64,
    pub(crate) shown: &'static str,
    pub(crate) conversation: Option<Uuid>,
    /// The message's `seq` and version.
    pub(crate) message: Option<(i64, i64)>,
    pub(crate) as_of: Option<i64>,
}

/// The rows of one access.
pub(super) fn access_rows(position: i64, event: &ContentAccessed) -> Vec<AccessRow> {
    let people = event.users.iter().map(|user| user.uuid());
    let conversation = event.conversation.map(ConversationId::uuid);
    let subjects = people.chain(conversation).chain(event.everybody.then_some(EVERYBODY));
    let row = |subject| AccessRow {
        subject,
        position,
        auditor: event.by,
        at: event.at.millis(),
        shown: event.shown.as_str(),
        conversation,
        message: event.message.map(|id| (signed(id.seq), signed(id.version))),
        as_of: event.as_of.map(signed),
    };
    subjects.map(row).collect()
}
