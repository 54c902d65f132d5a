//! Rows in memory, and which of them were changed.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::Hash,
};

use foldhash::fast::RandomState;

struct Row<K, T> {
    key: K,
    stands: T,
    changed: bool,
}

/// Rows by their keys, as they will stand when all is written. They lie side by side, in the order in which they came: what is written is
/// gone through as it lies, and not looked up once more.
pub(super) struct Kept<K, T> {
    rows: Vec<Row<K, T>>,
    at: HashMap<K, usize, RandomState>,
    /// Where they are, in the order in which they were first changed.
    changed: Vec<usize>,
}

impl<K, T> Default for Kept<K, T> {
    fn default() -> Self {
        Self { rows: Vec::new(), at: HashMap::default(), changed: Vec::new() }
    }
}

impl<K: Copy + Eq + Hash, T> Kept<K, T> {
    pub(super) fn contains(&self, key: K) -> bool {
        self.at.contains_key(&key)
    }

    pub(super) fn get(&self, key: K) -> Option<&T> {
        self.at.get(&key).map(|at| &self.rows[*at].stands)
    }

    /// As it is stored; what is in memory already is newer.
    pub(super) fn loaded(&mut self, key: K, row: T) {
        if let Entry::Vacant(free) = self.at.entry(key) {
            free.insert(self.rows.len());
            self.rows.push(Row { key, stands: row, changed: false });
        }
    }

    /// To be changed, and then written.
    pub(super) fn change(&mut self, key: K) -> Option<&mut T> {
        let at = *self.at.get(&key)?;
        self.is_changed(at);
        Some(&mut self.rows[at].stands)
    }

    /// To be written as it is now, whatever is there.
    pub(super) fn put(&mut self, key: K, row: T) {
        let at = match self.at.entry(key) {
            Entry::Occupied(there) => {
                self.rows[*there.get()].stands = row;
                *there.get()
            }
            Entry::Vacant(free) => {
                self.rows.push(Row { key, stands: row, changed: false });
                *free.insert(self.rows.len() - 1)
            }
        };
        self.is_changed(at);
    }

    fn is_changed(&mut self, at: usize) {
        if !std::mem::replace(&mut self.rows[at].changed, true) {
            self.changed.push(at);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (K, &T)> {
        self.rows.iter().map(|kept| (kept.key, &kept.stands))
    }

    /// How many rows are changed.
    pub(super) fn changed(&self) -> usize {
        self.changed.len()
    }

    /// The changed rows, in the order in which they were first changed.
    pub(super) fn changes(&self) -> impl Iterator<Item = (K, &T)> {
        self.changed.iter().map(|at| (self.rows[*at].key, &self.rows[*at].stands))
    }

    /// All is written; nothing of it stays in memory beyond so many rows.
    pub(super) fn written(&mut self, keep: usize) {
        if self.rows.len() > keep {
            self.rows.clear();
            self.at.clear();
            self.changed.clear();
            return;
        }
        for at in self.changed.drain(..) {
            self.rows[at].changed = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(kept: &Kept<u8, &'static str>) -> Vec<(u8, &'static str)> {
        kept.changes().map(|(key, row)| (key, *row)).collect()
    }

    #[test]
    fn what_changed_is_there_once_in_the_order_of_its_first_change() {
        let mut kept = Kept::default();
        kept.loaded(1, "one");
        kept.loaded(2, "two");
        kept.put(3, "three");
        *kept.change(2).expect("it was loaded") = "second";
        kept.put(3, "third");
        // newer than what is stored
        kept.loaded(2, "two");
        assert_eq!(changes(&kept), [(3, "third"), (2, "second")]);
        assert!(kept.change(9).is_none());
        assert_eq!((kept.changed(), kept.get(1)), (2, Some(&"one")));
    }

    #[test]
    fn what_is_written_is_kept_only_as_long_as_there_is_little() {
        let mut kept = Kept::default();
        kept.put(1, "one");
        kept.written(1);
        assert_eq!((changes(&kept), kept.get(1)), (vec![], Some(&"one")));
        kept.put(1, "once more");
        kept.put(2, "two");
        assert_eq!(changes(&kept), [(1, "once more"), (2, "two")]);
        kept.written(1);
        assert!(!kept.contains(1) && kept.iter().count() == 0 && kept.changed() == 0);
    }
}
