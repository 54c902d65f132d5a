//! Two people in the directory: a row for each of them as they see the other. Every event says all that the rows become, so
//! nothing is read before it is written.

use std::collections::BTreeMap;

use tidings_domain::{Pair, UserId, contact::ContactEvent};

use crate::{
    fold::{Done, FoldError},
    model::ContactState,
};

/// Somebody, and whom it is about.
pub(crate) type Toward = (UserId, UserId);

/// A row of `contacts`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ContactRow {
    pub(crate) state: ContactState,
    pub(crate) since: i64,
    pub(crate) position: i64,
}

/// A row of `blocks`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockRow {
    pub(crate) since: i64,
    pub(crate) position: i64,
}

/// What a batch changed: rows as they stand after it; none is a row that must go.
#[derive(Debug, Default)]
pub(crate) struct ContactChanges {
    pub(crate) contacts: BTreeMap<Toward, Option<ContactRow>>,
    pub(crate) blocks: BTreeMap<Toward, Option<BlockRow>>,
}

/// The tables, in a database.
pub(crate) trait ContactTables: Send {
    /// Writes what a batch changed.
    fn write_contacts(&mut self, changes: &ContactChanges) -> impl Future<Output = Done> + Send;
}

impl ContactChanges {
    pub(crate) fn is_empty(&self) -> bool {
        self.contacts.is_empty() && self.blocks.is_empty()
    }

    /// Folds one event of these two.
    pub(super) fn apply(&mut self, pair: Pair, position: i64, event: &ContactEvent) -> Done {
        let other_of = |user| pair.other(user).ok_or_else(|| FoldError::data("this person is not one of the two"));
        match event {
            ContactEvent::Requested(event) => {
                let (by, since) = (event.by, event.at.millis());
                let other = other_of(by)?;
                let row = |state| Some(ContactRow { state, since, position });
                self.contacts.insert((by, other), row(ContactState::Outgoing));
                self.contacts.insert((other, by), row(ContactState::Incoming));
            }
            ContactEvent::Accepted(event) => {
                let row = ContactRow { state: ContactState::Accepted, since: event.at.millis(), position };
                self.both(pair, Some(row));
            }
            ContactEvent::Ended(_) => self.both(pair, None),
            ContactEvent::Blocked(event) => {
                let row = BlockRow { since: event.at.millis(), position };
                self.blocks.insert((event.by, other_of(event.by)?), Some(row));
            }
            ContactEvent::Unblocked(event) => {
                self.blocks.insert((event.by, other_of(event.by)?), None);
            }
        }
        Ok(())
    }

    fn both(&mut self, pair: Pair, row: Option<ContactRow>) {
        let [one, other] = pair.both();
        self.contacts.insert((one, other), row);
        self.contacts.insert((other, one), row);
    }
}
