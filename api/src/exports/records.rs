//! What auditors take away: a conversation as nobody in particular sees it, and stretches of the log itself.

use tidings_domain::ConversationId;
use tidings_event_store::Position;
use tidings_notary::{EntryLine, Places};
use tidings_projections::{Past, model::MessageAnchor};

use super::{
    lines::{self, Line, MessageLine},
    parts::{MakeError, Writing},
    person::{Making, PAGE},
};
use crate::notary::entry;

/// Events of the log that are read at once.
const EVENTS: usize = 1_000;

impl Making<'_> {
    fn past(&self) -> Result<&Past, MakeError> {
        self.past.as_ref().ok_or(MakeError::Nothing)
    }

    /// The conversation and who was in it.
    pub(super) async fn audited(&mut self, part: &mut Writing, id: ConversationId) -> Result<(), MakeError> {
        let found = self.past()?.conversation_of(id)?.ok_or(MakeError::Nothing)?;
        self.parts.line(part, &Line::new("conversation", lines::conversation(found))).await?;
        let mut cursor = None;
        loop {
            let page = self.past()?.members(id, cursor, PAGE).await?;
            for member in page.items {
                self.people.push(member.user.id);
                self.parts.line(part, &Line::new("member", lines::member(id, member))).await?;
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    /// All its messages, also those that somebody has hidden.
    pub(super) async fn audited_messages(&mut self, part: &mut Writing, id: ConversationId) -> Result<(), MakeError> {
        let mut anchor = MessageAnchor::Newest;
        loop {
            let page = self.past()?.messages_of(id, anchor, PAGE)?.ok_or(MakeError::Nothing)?;
            for message in page.items {
                self.people.push(message.sender.id);
                self.parts.line(part, &MessageLine::new(message, Vec::new())).await?;
            }
            match page.next {
                Some(next) => anchor = next,
                None => return Ok(()),
            }
        }
    }

    /// The events of a stretch of the log as they are stored, sealed, with their places in the signed tree: the lines of
    /// `tidings audit export`.
    pub(super) async fn log(&mut self, part: &mut Writing, (from, to): (u64, u64)) -> Result<(), MakeError> {
        let tiles = self.inner.notary.tiles().clone();
        let signed = self.inner.notary.signed(Position::new(to)).await;
        let mut places = Places::new(tiles, signed.as_ref().map_or(0, |signed| signed.checkpoint.head.size));
        let mut after = Position::new(from.saturating_sub(1));
        while after.get() < to {
            let page = self.inner.store.read_stored(after, EVENTS).await?;
            for event in page.events.iter().filter(|event| event.position.get() <= to) {
                let place = places.place(event.position.get())?;
                self.parts.line(part, &EntryLine::new(&entry(event), place)).await?;
            }
            if page.scanned_to <= after {
                break;
            }
            after = page.scanned_to;
        }
        if let Some(signed) = signed {
            let head = tidings_notary::Line::Checkpoint { checkpoint: signed.checkpoint.note.clone() };
            self.parts.line(part, &head).await?;
        }
        Ok(())
    }
}
