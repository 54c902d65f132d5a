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
    /// What may be an exception below the mark: each message that was marked unread and not marked read since.
    unread: BTreeMap<u64, MarkedUnread>,
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

/// A message that was marked unread.
///
/// Whether it still is cannot always be told from this stream: what the reader sends reads it too, and may stand in the
/// log before or after this. So nothing is forgotten that might be unread, and a command is taken for a repetition only
/// where that is sure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct MarkedUnread {
    /// [`Vantage::floor`] at that time: a higher one now means that the reader has sent or joined since, which read it.
    floor: u64,
    /// The reader read up to here since, to it or beyond it. A floor that is still no higher proves that this counted; a
    /// higher one leaves it open, for reading up to a message behind the mark changes nothing.
    passed: Option<u64>,
}

impl MarkedUnread {
    /// It is unread, whatever the order of the log.
    const fn surely_unread(self, floor: u64) -> bool {
        self.passed.is_none() && self.floor >= floor
    }

    /// It is read, whatever the order of the log.
    fn surely_read(self, floor: u64) -> bool {
        self.passed.is_some_and(|passed| passed >= floor)
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
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

    fn name(command: &ReaderCommand) -> &'static str {
        (&command.action).into()
    }

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
                let clears = seq == mark && reader.has_unread_up_to(seq, vantage.floor);
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
            ReaderAction::MarkRead(seq) => mark_read(reader, mark, vantage.floor, seq, at),
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
                if event.seq >= reader.mark {
                    reader.pass(event.seq);
                }
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
                // also above the mark: a message sent meanwhile may have moved it already
                reader.unread.insert(event.seq, MarkedUnread { floor: event.floor, passed: None });
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

    /// Who reads along for months makes a long stream.
    fn snapshot_format() -> Option<&'static str> {
        Some("reader-1")
    }

    fn parts(reader: &Reader) -> usize {
        reader.unread.len() + reader.read.len() + reader.hidden.len()
    }
}

impl Reader {
    fn has_unread_up_to(&self, seq: u64, floor: u64) -> bool {
        self.unread.range(..=seq).any(|(_, entry)| entry.floor <= seq && !entry.surely_read(floor))
    }

    /// Reads up to a message at or beyond the mark.
    fn pass(&mut self, seq: u64) {
        self.mark = seq;
        self.read.retain(|read| *read > seq);
        for (_, entry) in self.unread.range_mut(..=seq).filter(|(_, entry)| entry.floor <= seq) {
            entry.passed = Some(seq);
        }
    }
}

/// An event unless the message is surely read.
fn mark_read(reader: &Reader, mark: u64, floor: u64, seq: u64, at: Timestamp) -> Vec<ReaderEvent> {
    let changes = if seq > mark {
        !reader.read.contains(&seq)
    } else {
        reader.unread.get(&seq).is_some_and(|entry| !entry.surely_read(floor))
    };
    if changes { vec![MessageMarkedRead { seq, at }.into()] } else { vec![] }
}

/// An event unless the message is surely unread.
fn mark_unread(reader: &Reader, mark: u64, floor: u64, seq: u64, at: Timestamp) -> Vec<ReaderEvent> {
    let changes = if seq > mark {
        reader.read.contains(&seq)
    } else {
        reader.unread.get(&seq).is_none_or(|entry| !entry.surely_unread(floor))
    };
    if changes { vec![MessageMarkedUnread { seq, floor, at }.into()] } else { vec![] }
}
