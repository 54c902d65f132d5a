//! What a batch touches, from the rows that it changes.

use super::{Mark, Touched};
use crate::fold::{
    conversations::{tables::Changes, unkey},
    directory::DirectoryChanges,
};

impl Touched {
    /// What these changes touch of conversations.
    pub(crate) fn by_conversations(&self, changes: &Changes<'_>) {
        let of_message = |key: i64| Mark::conversation(unkey(key).0);
        changes.conversations.iter().for_each(|row| self.mark(Mark::conversation(row.number)));
        changes.members.iter().for_each(|((number, user), _)| self.mark(Mark::place(*number, *user)));
        changes.joined.iter().for_each(|user| self.mark(Mark::person(*user)));
        changes.sent.iter().chain(&changes.changed).for_each(|row| self.mark(of_message(row.key)));
        changes.reactions.iter().for_each(|(key, ..)| self.mark(of_message(*key)));
        changes.reaction_counts.iter().for_each(|(key, ..)| self.mark(of_message(*key)));
        changes.erased.iter().for_each(|key| self.mark(of_message(*key)));
        changes.exceptions.iter().for_each(|(user, key, _)| self.mark(Mark::place(unkey(*key).0, *user)));
        changes.mentions.iter().for_each(|(user, key, _)| self.mark(Mark::place(unkey(*key).0, *user)));
        for (_, row) in &changes.attachments {
            match row {
                Some(row) => row.message.into_iter().for_each(|key| self.mark(of_message(key))),
                // its row said which message had it
                None => self.mark_all(),
            }
        }
        let file_gone = changes.attachments.iter().any(|(_, row)| row.is_none_or(|row| row.file.is_none()));
        if file_gone || !changes.erased.is_empty() {
            self.erases();
        }
    }

    /// What these changes touch of people.
    pub(crate) fn by_directory(&self, changes: &DirectoryChanges<'_>) {
        for (user, row) in &changes.users {
            self.mark(Mark::person(*user));
            if row.closed_at.is_some() {
                self.erases();
            }
        }
    }
}
