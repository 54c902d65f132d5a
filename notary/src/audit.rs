//! The verifier: a log against signed heads, entry by entry, with nothing but the public key. Says where the first difference
//! is, as closely as what is known of the tree allows.

use crate::{
    checkpoint::{Checkpoint, TreeHead},
    edge::Edge,
    hash::Hash,
    leaf::Entry,
};

/// What is not as it was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Difference {
    /// An event is another one.
    #[error("position {position} differs from what was signed (entry {index})")]
    Changed {
        /// Where in the log.
        position: u64,
        /// Where in the tree.
        index: u64,
    },
    /// An event is not there.
    #[error("entry {index} is missing: after position {after} the log goes on with position {before}")]
    Missing {
        /// Where in the tree.
        index: u64,
        /// The event before; 0 when it was the first.
        after: u64,
        /// The event that comes instead.
        before: u64,
    },
    /// An event was put in.
    #[error("position {0} was not there when its neighbours were signed")]
    Added(u64),
    /// Events do not stand in order.
    #[error("position {position} comes after position {after}")]
    Disordered {
        /// The event.
        position: u64,
        /// The one before it.
        after: u64,
    },
    /// The log is shorter than what was signed.
    #[error("the log ends with entry {found} of {signed}: what came after position {last} is missing")]
    CutOff {
        /// So many entries are there.
        found: u64,
        /// So many were signed.
        signed: u64,
        /// The last of them.
        last: u64,
    },
    /// The log as a whole is another one, and nothing kept beside it tells where it begins to differ.
    #[error(
        "the log is not the one whose head of {size} entries was signed: it was rewritten after entry {good} and up to entry \
         {size}, which is at position {position}"
    )]
    Rewritten {
        /// The size of the head that does not fit.
        size: u64,
        /// The size of the greatest head before it that does; 0 when none does.
        good: u64,
        /// Where the signed part ends in this log.
        position: u64,
    },
}

/// What was found where nothing differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// So many entries were looked at.
    pub entries: u64,
    /// So many of them the greatest head vouches for.
    pub signed: u64,
    /// How many heads were compared.
    pub heads: usize,
    /// The root over all entries looked at.
    pub root: Hash,
}

/// A verification under way.
#[derive(Debug)]
pub struct Audit {
    /// By size, the smallest last.
    heads: Vec<TreeHead>,
    compared: usize,
    signed: u64,
    good: u64,
    edge: Edge,
    last: u64,
}

impl Audit {
    /// Against these heads, whose signatures were checked.
    pub fn new(checkpoints: &[Checkpoint]) -> Self {
        let mut heads: Vec<_> = checkpoints.iter().map(|checkpoint| checkpoint.head).collect();
        heads.sort_unstable_by_key(|head| std::cmp::Reverse(head.size));
        let signed = heads.first().map_or(0, |head| head.size);
        Self { heads, compared: 0, signed, good: 0, edge: Edge::default(), last: 0 }
    }

    /// The next event of the log: where it stands in the tree and its leaf there, as far as the tree was kept.
    pub fn take(&mut self, entry: &Entry<'_>, index: Option<u64>, leaf: Option<Hash>) -> Result<(), Difference> {
        let (position, next) = (entry.position, self.edge.size());
        if position <= self.last {
            return Err(Difference::Disordered { position, after: self.last });
        }
        match index {
            Some(index) if index == next => {}
            Some(index) if index < next => return Err(Difference::Disordered { position, after: self.last }),
            Some(_) => return Err(Difference::Missing { index: next, after: self.last, before: position }),
            None => return Err(Difference::Added(position)),
        }
        let found = entry.leaf_hash();
        if leaf.is_some_and(|leaf| leaf != found) {
            return Err(Difference::Changed { position, index: next });
        }
        let Ok(()) = self.edge.push(found, |_| Ok::<_, std::convert::Infallible>(()));
        self.last = position;
        self.compare()
    }

    fn compare(&mut self) -> Result<(), Difference> {
        while let Some(head) = self.heads.pop_if(|head| head.size <= self.edge.size()) {
            if self.edge.root() != head.root {
                return Err(Difference::Rewritten { size: head.size, good: self.good, position: self.last });
            }
            (self.good, self.compared) = (head.size, self.compared + 1);
        }
        Ok(())
    }

    /// The log has ended.
    pub fn end(mut self) -> Result<Summary, Difference> {
        self.compare()?;
        let (entries, signed) = (self.edge.size(), self.signed);
        if entries < signed {
            return Err(Difference::CutOff { found: entries, signed, last: self.last });
        }
        Ok(Summary { entries, signed, heads: self.compared, root: self.edge.root() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Signer;

    /// An event with this position, and its data.
    type Event = (u64, &'static str);

    const LOG: [Event; 5] = [(1, "a"), (2, "b"), (4, "c"), (7, "d"), (8, "e")];

    fn entry((position, data): &Event) -> Entry<'_> {
        let (stream, name, id) = ("user-1", "n", [0; 16]);
        Entry {
            position: *position,
            stream,
            version: 1,
            id,
            name,
            recorded_at: 0,
            data: data.as_bytes(),
            metadata: b"",
        }
    }

    fn head(log: &[Event]) -> Checkpoint {
        let mut edge = Edge::default();
        for event in log {
            let Ok(()) = edge.push(entry(event).leaf_hash(), |_| Ok::<_, std::convert::Infallible>(()));
        }
        Checkpoint::sign(TreeHead { size: edge.size(), root: edge.root() }, &Signer::from_seed(&[1; 32]).unwrap())
    }

    /// Audits a log beside the tree of [`LOG`], which is kept as it was.
    fn audit(log: &[Event], heads: &[Checkpoint]) -> Result<Summary, Difference> {
        let mut audit = Audit::new(heads);
        let mut after = 4;
        for event in log {
            let kept = LOG.iter().position(|kept| kept.0 == event.0);
            let (index, leaf) = match kept {
                Some(index) => (Some(index as u64), Some(entry(&LOG[index]).leaf_hash())),
                None if event.0 > 8 => {
                    after += 1;
                    (Some(after), None)
                }
                None => (None, None),
            };
            audit.take(&entry(event), index, leaf)?;
        }
        audit.end()
    }

    #[test]
    fn a_log_as_it_was_signed_is_found_so_and_may_have_grown() {
        let heads = [head(&LOG), head(&LOG[..2])];
        let found = audit(&LOG, &heads).unwrap();
        assert_eq!((found.entries, found.signed, found.heads, found.root), (5, 5, 2, heads[0].head.root));
        let grown = [&LOG[..], &[(9, "f")]].concat();
        let found = audit(&grown, &heads).unwrap();
        assert_eq!((found.entries, found.signed), (6, 5));
    }

    #[test]
    fn every_tampering_is_found_and_its_place_named() {
        let heads = [head(&LOG)];
        let mut log = LOG;
        log[2].1 = "C";
        assert_eq!(audit(&log, &heads), Err(Difference::Changed { position: 4, index: 2 }));
        let removed = [LOG[0], LOG[2], LOG[3], LOG[4]];
        assert_eq!(audit(&removed, &heads), Err(Difference::Missing { index: 1, after: 1, before: 4 }));
        let swapped = [LOG[0], (2, "c"), (4, "b"), LOG[3], LOG[4]];
        assert_eq!(audit(&swapped, &heads), Err(Difference::Changed { position: 2, index: 1 }));
        let moved = [LOG[0], LOG[2], LOG[1], LOG[3], LOG[4]];
        assert_eq!(audit(&moved, &heads), Err(Difference::Missing { index: 1, after: 1, before: 4 }));
        let put_in = [LOG[0], LOG[1], (3, "x"), LOG[2], LOG[3], LOG[4]];
        assert_eq!(audit(&put_in, &heads), Err(Difference::Added(3)));
        assert_eq!(audit(&LOG[..3], &heads), Err(Difference::CutOff { found: 3, signed: 5, last: 4 }));
        assert_eq!(audit(&[], &heads), Err(Difference::CutOff { found: 0, signed: 5, last: 0 }));
    }

    #[test]
    fn a_rewritten_log_with_a_rewritten_tree_is_found_by_a_head_kept_elsewhere() {
        let old = [head(&LOG[..2]), head(&LOG[..4])];
        let mut rewritten = LOG;
        rewritten[2].1 = "C";
        // the thief has the key, too: the new head is as good as the old ones
        let heads = [old[0].clone(), old[1].clone(), head(&rewritten)];
        let mut audit = Audit::new(&heads);
        let found = rewritten.iter().zip(0..).try_for_each(|(event, index)| {
            let entry = entry(event);
            audit.take(&entry, Some(index), Some(entry.leaf_hash()))
        });
        assert_eq!(found, Err(Difference::Rewritten { size: 4, good: 2, position: 7 }));
    }
}
