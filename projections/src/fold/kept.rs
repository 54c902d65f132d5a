//! Rows in memory, and which of them were changed.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::Hash,
};

struct Row<T> {
    row: T,
    changed: bool,
}

/// Rows by their keys, as they will stand when all is written.
pub(super) struct Kept<K, T> {
    rows: HashMap<K, Row<T>>,
    changed: Vec<K>,
}

impl<K, T> Default for Kept<K, T> {
    fn default() -> Self {
        Self { rows: HashMap::new(), changed: Vec::new() }
    }
}

impl<K: Copy + Eq + Hash, T> Kept<K, T> {
    pub(super) fn contains(&self, key: K) -> bool {
        self.rows.contains_key(&key)
    }

    pub(super) fn get(&self, key: K) -> Option<&T> {
        self.rows.get(&key).map(|kept| &kept.row)
    }

    /// As it is stored; what is in memory already is newer.
    pub(super) fn loaded(&mut self, key: K, row: T) {
        if let Entry::Vacant(place) = self.rows.entry(key) {
            place.insert(Row { row, changed: false });
        }
    }

    /// To be changed, and then written.
    pub(super) fn change(&mut self, key: K) -> Option<&mut T> {
        let kept = self.rows.get_mut(&key)?;
        if !kept.changed {
            kept.changed = true;
            self.changed.push(key);
        }
        Some(&mut kept.row)
    }

    /// To be written as it is now, whatever is there.
    pub(super) fn put(&mut self, key: K, row: T) {
        let before = self.rows.insert(key, Row { row, changed: true });
        if !before.is_some_and(|before| before.changed) {
            self.changed.push(key);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (K, &T)> {
        self.rows.iter().map(|(key, kept)| (*key, &kept.row))
    }

    /// How many rows are changed.
    pub(super) fn changed(&self) -> usize {
        self.changed.len()
    }

    /// The changed rows, in the order in which they were first changed.
    pub(super) fn changes(&self) -> impl Iterator<Item = (K, &T)> {
        self.changed.iter().filter_map(|key| self.rows.get(key).map(|kept| (*key, &kept.row)))
    }

    /// All is written; nothing of it stays in memory beyond so many rows.
    pub(super) fn written(&mut self, keep: usize) {
        if self.rows.len() > keep {
            self.rows.clear();
            self.changed.clear();
            return;
        }
        for key in self.changed.drain(..) {
            if let Some(kept) = self.rows.get_mut(&key) {
                kept.changed = false;
            }
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
