//! What somebody wants sent later: one stream for each person, so that how much waits is known exactly.
//!
//! When its time has come a message is released first, and only then sent: from there on it cannot be cancelled, and whoever finds it
//! released and not sent sends it, under a key that lets that happen once.

mod decide;
mod events;
#[cfg(test)]
mod tests;

pub use decide::{
    Entry, MAX_AHEAD_MILLIS, MAX_SCHEDULED, Schedule, ScheduleCommand, ScheduleDecider, ScheduleRefusal, Stage,
};
pub use events::{
    MessageScheduled, Place, ScheduleEvent, ScheduledMessageCancelled, ScheduledMessageFailed,
    ScheduledMessageReleased, ScheduledMessageSent,
};
