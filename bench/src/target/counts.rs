//! What was acknowledged, and what is there.

use super::Work;
use serde::Serialize;
use std::fmt::{self, Display, Formatter};

/// Things that were made durable, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    pub(crate) messages: u64,
    pub(crate) marks: u64,
    pub(crate) accounts: u64,
    pub(crate) sessions: u64,
}

impl Counts {
    /// Adds answers to requests of this kind.
    pub(crate) fn add(&mut self, work: Work, answered: u64) {
        match work {
            Work::Send | Work::SendHot | Work::SendLarge => self.messages += answered,
            Work::MarkRead => self.marks += answered,
            Work::Register => self.accounts += answered,
            Work::SignIn => self.sessions += answered,
            Work::Inbox | Work::Messages | Work::Unread | Work::Search => {}
        }
    }

    pub(crate) const fn and(self, other: Self) -> Self {
        Self {
            messages: self.messages + other.messages,
            marks: self.marks + other.marks,
            accounts: self.accounts + other.accounts,
            sessions: self.sessions + other.sessions,
        }
    }
}

impl Display for Counts {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { messages, marks, accounts, sessions } = self;
        write!(f, "{messages} messages, {marks} read marks, {accounts} accounts, {sessions} sessions")
    }
}
