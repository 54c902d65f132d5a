//! What is unread, told twice over the same log: message by message, and by marks and exceptions as the views keep it.

use std::collections::BTreeSet;

use tidings_domain::reader::ReaderEvent;

/// What of the log concerns one reader in one conversation.
#[derive(Debug, Clone)]
pub(crate) enum Entry {
    /// The reader joined.
    Joined,
    /// The next message is the reader's own.
    SentOwn,
    /// The next message is somebody else's.
    SentOther,
    /// A message was deleted for everyone.
    Deleted(u64),
    /// The reader did something.
    Reader(ReaderEvent),
}

/// Every message by itself: read or not, and whether it may count.
#[derive(Debug, Clone, Default)]
pub(crate) struct MessageByMessage {
    mark: u64,
    messages: Vec<Single>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Single {
    read: bool,
    /// One's own, deleted, hidden or from before one joined.
    never_counts: bool,
}

impl MessageByMessage {
    pub(crate) fn apply(&mut self, entry: &Entry) {
        match entry {
            Entry::Joined => {
                self.messages.iter_mut().for_each(|message| message.never_counts = true);
                self.read_all_up_to(self.last());
            }
            Entry::SentOwn => {
                self.messages.push(Single { read: true, never_counts: true });
                self.read_all_up_to(self.last());
            }
            Entry::SentOther => self.messages.push(Single::default()),
            Entry::Deleted(seq) => self.single(*seq).never_counts = true,
            Entry::Reader(ReaderEvent::ReadUpTo(event)) if event.seq < self.mark => {}
            Entry::Reader(ReaderEvent::ReadUpTo(event)) => self.read_all_up_to(event.seq),
            Entry::Reader(ReaderEvent::MarkedRead(event)) => self.single(event.seq).read = true,
            Entry::Reader(ReaderEvent::MarkedUnread(event)) => self.single(event.seq).read = false,
            Entry::Reader(ReaderEvent::Hidden(event)) => self.single(event.seq).never_counts = true,
            Entry::Reader(ReaderEvent::DeliveredUpTo(_) | ReaderEvent::SettingsChanged(_)) => {}
        }
    }

    fn last(&self) -> u64 {
        self.messages.len() as u64
    }

    fn single(&mut self, seq: u64) -> &mut Single {
        &mut self.messages[usize::try_from(seq - 1).expect("a test has few messages")]
    }

    fn read_all_up_to(&mut self, seq: u64) {
        self.mark = seq;
        (1..=seq).for_each(|seq| self.single(seq).read = true);
    }

    pub(crate) const fn mark(&self) -> u64 {
        self.mark
    }

    /// The messages that may count, each with whether it is read.
    pub(crate) fn countable(&self) -> impl Iterator<Item = (u64, bool)> {
        (1..).zip(&self.messages).filter(|(_, message)| !message.never_counts).map(|(seq, message)| (seq, message.read))
    }

    pub(crate) fn unread(&self) -> u64 {
        self.countable().filter(|(_, read)| !read).count() as u64
    }
}

/// `unread = (last − mark) − deleted, hidden, own or marked read above it + marked unread below it`.
#[derive(Debug, Clone, Default)]
pub(crate) struct ByMarks {
    last: u64,
    mark: u64,
    joined: u64,
    /// Own, deleted or hidden.
    never_counts: BTreeSet<u64>,
    read_above: BTreeSet<u64>,
    unread_below: BTreeSet<u64>,
}

impl ByMarks {
    pub(crate) fn apply(&mut self, entry: &Entry) {
        match entry {
            Entry::Joined => {
                self.joined = self.last;
                self.move_mark(self.last);
            }
            Entry::SentOwn => {
                self.last += 1;
                self.never_counts.insert(self.last);
                self.move_mark(self.last);
            }
            Entry::SentOther => self.last += 1,
            Entry::Deleted(seq) => {
                self.never_counts.insert(*seq);
            }
            Entry::Reader(ReaderEvent::ReadUpTo(event)) => self.move_mark(event.seq),
            Entry::Reader(ReaderEvent::MarkedRead(event)) => {
                self.unread_below.remove(&event.seq);
                if event.seq > self.mark {
                    self.read_above.insert(event.seq);
                }
            }
            Entry::Reader(ReaderEvent::MarkedUnread(event)) => {
                self.read_above.remove(&event.seq);
                if event.seq <= self.mark {
                    self.unread_below.insert(event.seq);
                }
            }
            Entry::Reader(ReaderEvent::Hidden(event)) => {
                self.never_counts.insert(event.seq);
            }
            Entry::Reader(ReaderEvent::DeliveredUpTo(_) | ReaderEvent::SettingsChanged(_)) => {}
        }
    }

    fn move_mark(&mut self, seq: u64) {
        if seq >= self.mark {
            self.mark = seq;
            self.read_above.retain(|read| *read > seq);
            self.unread_below.retain(|unread| *unread > seq);
        }
    }

    pub(crate) fn unread(&self) -> u64 {
        let above = self.never_counts.union(&self.read_above).filter(|seq| **seq > self.mark).count() as u64;
        let below = self.unread_below.difference(&self.never_counts).filter(|seq| **seq > self.joined).count() as u64;
        self.last - self.mark - above + below
    }
}
