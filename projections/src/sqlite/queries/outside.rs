//! What somebody is shown of a conversation who never was in it.

use rusqlite::Connection;
use tidings_domain::{ConversationId, UserId};
use uuid::Uuid;

use super::{conversations, messages};
use crate::{
    model::{Conversation, Message, MessageAnchor, Page},
    viewing::Viewer,
};

/// Nobody's id.
const NOBODY: UserId = UserId::new(Uuid::nil());

/// A conversation as nobody in particular sees it.
pub(in crate::sqlite) fn conversation_of(
    db: &Connection,
    id: ConversationId,
) -> rusqlite::Result<Option<Conversation>> {
    let viewer = Viewer::outside(db, NOBODY, id)?;
    let shown = viewer.map(|viewer| conversations::conversation(db, &viewer, 0)).transpose()?;
    Ok(shown.map(|conversation| Conversation { my_role: None, read_up_to: None, ..conversation }))
}

/// Its messages, also those that somebody has hidden.
pub(in crate::sqlite) fn messages_of(
    db: &Connection,
    id: ConversationId,
    anchor: MessageAnchor,
    limit: usize,
) -> rusqlite::Result<Option<Page<Message, MessageAnchor>>> {
    let viewer = Viewer::outside(db, NOBODY, id)?;
    viewer.map(|viewer| messages::page(db, &viewer, anchor, None, limit)).transpose()
}
