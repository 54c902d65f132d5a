//! What a reader may do.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    DeliveredUpTo, MessageHidden, MessageMarkedRead, MessageMarkedUnread, ReadUpTo, ReaderEvent, ReaderSettingsChanged,
};
use crate::{Decider, Timestamp};

/// How far a reader is, by their own stream alone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reader {
    /// All up to this `seq` is read.
    pub mark: u64,
    /// All up to this `seq` has arrived.
    pub delivered: u64,
    /// No notifications.
    pub muted: bool,
    /// Out of the way.
    pub archived: bool,
    /// Marked unread at or below the mark, with the floor at that time: a higher floor now means that the reader sent or
    /// joined since, which read them.
    unread: BTreeMap<u64, u64>,
    /// Marked read above the mark.
    read: BTreeSet<u64>,
    hidden: BTreeSet<u64>,
}

impl Reader {
    /// Whether the reader has deleted this message for themselves.
    pub fn hides(&self, seq: u64) -> bool {
        self.hidden.contains(&seq)
    }
}

/// What the conversation's stream says about the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vantage {
    /// The mark that their own sending and joining implies ([`crate::conversation::Member::floor`]).
    pub floor: u64,
    /// The last `seq` they can see.
    pub last: u64,
}

/// What may be asked of a reader. That they see the conversation was checked before.
#[derive(Debug, Clone)]
pub struct ReaderCommand {
    /// Where they stand.
    pub vantage: Vantage,
    /// Now.
    pub at: Timestamp,
    /// What.
    pub action: ReaderAction,
}

/// See [`ReaderCommand`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReaderAction {
    /// Move the mark forward.
    ReadUpTo(u64),
    /// Move the delivery mark forward.
    DeliveredUpTo(u64),
    /// Mark one message read.
    MarkRead(u64),
    /// Mark one message unread.
    MarkUnread {
        /// The message's `seq`.
        seq: u64,
        /// Whether it may count: not one's own, not deleted, not from before one joined.
        countable: bool,
    },
    /// Delete one message for oneself.
    Hide(u64),
    /// Mute or archive, or not any more; none leaves it as it is.
    Settings {
        /// No notifications.
        muted: Option<bool>,
        /// Out of the way.
        archived: Option<bool>,
    },
}

/// Why a reader cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReaderRefusal {
    /// There is no such message for this reader.
    #[error("there is no such message")]
    NoSuchMessage,
}

/// Decides about readers.
#[derive(Debug)]
pub struct ReaderDecider;

impl Decider for ReaderDecider {
    type Command = ReaderCommand;
    type Event = ReaderEvent;
    type State = Reader;
    type Refusal = ReaderRefusal;

    fn decide(reader: &Reader, command: &ReaderCommand) -> Result<Vec<ReaderEvent>, ReaderRefusal> {
        let ReaderCommand { vantage, at, action } = command;
        let at = *at;
        let visible = |seq: u64| seq >= 1 && seq <= vantage.last && !reader.hidden.contains(&seq);
        let mark = reader.mark.max(vantage.floor);
        Ok(match *action {
            ReaderAction::ReadUpTo(seq) => {
                if !(1..=vantage.last).contains(&seq) {
                    return Err(ReaderRefusal::NoSuchMessage);
                }
                let clears = seq == mark && reader.unread.range(..=seq).next().is_some();
                if seq > mark || clears { vec![ReadUpTo { seq, at }.into()] } else { vec![] }
            }
            ReaderAction::DeliveredUpTo(seq) => {
                if !(1..=vantage.last).contains(&seq) {
                    return Err(ReaderRefusal::NoSuchMessage);
                }
                let known = reader.delivered.max(mark);
                if seq > known { vec![DeliveredUpTo { seq, at }.into()] } else { vec![] }
            }
            ReaderAction::Hide(seq) if reader.hidden.contains(&seq) => vec![],
            ReaderAction::MarkRead(seq) | ReaderAction::MarkUnread { seq, .. } | ReaderAction::Hide(seq)
                if !visible(seq) =>
            {
                return Err(ReaderRefusal::NoSuchMessage);
            }
            ReaderAction::MarkRead(seq) => mark_read(reader, mark, seq, at),
            ReaderAction::MarkUnread { countable: false, .. } => vec![],
            ReaderAction::MarkUnread { seq, .. } => mark_unread(reader, mark, vantage.floor, seq, at),
            ReaderAction::Hide(seq) => vec![MessageHidden { seq, at }.into()],
            ReaderAction::Settings { muted, archived } => {
                let muted = muted.filter(|muted| *muted != reader.muted);
                let archived = archived.filter(|archived| *archived != reader.archived);
                if muted.is_none() && archived.is_none() {
                    vec![]
                } else {
                    vec![ReaderSettingsChanged { muted, archived, at }.into()]
                }
            }
        })
    }

    fn evolve(reader: &mut Reader, event: &ReaderEvent) {
        match event {
            ReaderEvent::ReadUpTo(event) => {
                reader.mark = reader.mark.max(event.seq);
                reader.unread.retain(|seq, _| *seq > event.seq);
                reader.read.retain(|seq| *seq > event.seq);
            }
            ReaderEvent::DeliveredUpTo(event) => reader.delivered = reader.delivered.max(event.seq),
            ReaderEvent::MarkedRead(event) => {
                reader.unread.remove(&event.seq);
                if event.seq > reader.mark {
                    reader.read.insert(event.seq);
                }
            }
            ReaderEvent::MarkedUnread(event) => {
                reader.read.remove(&event.seq);
                if event.seq <= reader.mark.max(event.floor) {
                    reader.unread.insert(event.seq, event.floor);
                }
            }
            ReaderEvent::Hidden(event) => {
                reader.hidden.insert(event.seq);
                reader.unread.remove(&event.seq);
                reader.read.remove(&event.seq);
            }
            ReaderEvent::SettingsChanged(event) => {
                reader.muted = event.muted.unwrap_or(reader.muted);
                reader.archived = event.archived.unwrap_or(reader.archived);
            }
        }
    }
}

/// An event whenever the message might count as unread now, in any order that the log may still bring.
fn mark_read(reader: &Reader, mark: u64, seq: u64, at: Timestamp) -> Vec<ReaderEvent> {
    let changes = if seq > mark { !reader.read.contains(&seq) } else { reader.unread.contains_key(&seq) };
    if changes { vec![MessageMarkedRead { seq, at }.into()] } else { vec![] }
}

fn mark_unread(reader: &Reader, mark: u64, floor: u64, seq: u64, at: Timestamp) -> Vec<ReaderEvent> {
    let changes = if seq > mark {
        reader.read.contains(&seq)
    } else {
        // an entry from before the reader last sent or joined has been read by that
        reader.unread.get(&seq).is_none_or(|then| *then < floor)
    };
    if changes { vec![MessageMarkedUnread { seq, floor, at }.into()] } else { vec![] }
}
