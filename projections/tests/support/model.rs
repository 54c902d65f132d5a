//! Unread counts the slow and obvious way: a set of unread messages for every reader.

use std::collections::{BTreeSet, HashMap};

use tidings_domain::UserId;

#[derive(Default, Clone)]
pub struct Reader {
    pub present: bool,
    joined_seq: u64,
    pub mark: u64,
    pub unread: BTreeSet<u64>,
    pub hidden: BTreeSet<u64>,
}

/// One conversation, message by message and reader by reader.
#[derive(Default)]
pub struct Model {
    pub senders: Vec<UserId>,
    /// Which text each message has, by its place in a list, and whom it mentions.
    pub says: Vec<(usize, Vec<UserId>)>,
    pub deleted: BTreeSet<u64>,
    pub readers: HashMap<UserId, Reader>,
}

impl Model {
    pub fn last(&self) -> u64 {
        self.senders.len() as u64
    }

    pub fn joined(&mut self, user: UserId) {
        let last = self.last();
        let reader = self.readers.entry(user).or_default();
        reader.present = true;
        reader.joined_seq = last;
        reader.mark = reader.mark.max(last);
        reader.unread.clear();
    }

    pub fn left(&mut self, user: UserId) {
        self.readers.get_mut(&user).unwrap().present = false;
    }

    pub fn sent(&mut self, sender: UserId, text: usize, mentions: Vec<UserId>) {
        self.senders.push(sender);
        self.says.push((text, mentions));
        let seq = self.last();
        for (user, reader) in self.readers.iter_mut().filter(|(_, reader)| reader.present) {
            if *user == sender {
                reader.unread.clear();
                reader.mark = seq;
            } else {
                reader.unread.insert(seq);
            }
        }
    }

    pub fn edited(&mut self, seq: u64, text: usize, mentions: Vec<UserId>) {
        if !self.deleted.contains(&seq) {
            self.says[usize::try_from(seq).unwrap() - 1] = (text, mentions);
        }
    }

    /// How many of the unread messages mention them.
    pub fn mentions(&self, user: UserId) -> u64 {
        let mentions = |seq: &u64| self.says[usize::try_from(*seq).unwrap() - 1].1.contains(&user);
        self.unread(user).iter().filter(|seq| mentions(seq)).count() as u64
    }

    pub fn read_up_to(&mut self, user: UserId, seq: u64) {
        let reader = self.readers.get_mut(&user).unwrap();
        if seq >= reader.mark {
            reader.mark = seq;
            reader.unread.retain(|unread| *unread > seq);
        }
    }

    /// Whether message number `seq` may ever count for this reader.
    pub fn may_count(&self, user: UserId, seq: u64) -> bool {
        let (index, reader) = (usize::try_from(seq).unwrap() - 1, &self.readers[&user]);
        self.senders[index] != user
            && !self.deleted.contains(&seq)
            && !reader.hidden.contains(&seq)
            && seq > reader.joined_seq
    }

    pub fn mark(&mut self, user: UserId, seq: u64, unread: bool) {
        let counts = self.may_count(user, seq);
        let reader = self.readers.get_mut(&user).unwrap();
        if !unread {
            reader.unread.remove(&seq);
        } else if counts {
            reader.unread.insert(seq);
        }
    }

    pub fn hide(&mut self, user: UserId, seq: u64) {
        let reader = self.readers.get_mut(&user).unwrap();
        reader.hidden.insert(seq);
        reader.unread.remove(&seq);
    }

    pub fn delete(&mut self, seq: u64) {
        self.deleted.insert(seq);
        for reader in self.readers.values_mut() {
            reader.unread.remove(&seq);
        }
    }

    pub fn unread(&self, user: UserId) -> Vec<u64> {
        match self.readers.get(&user) {
            Some(reader) if reader.present => reader.unread.iter().rev().copied().collect(),
            Some(_) | None => vec![],
        }
    }
}
