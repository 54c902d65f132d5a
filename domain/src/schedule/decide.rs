//! What may be asked of somebody's scheduled messages, and the reasons why not.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    MessageScheduled, Place, ScheduleEvent, ScheduledMessageCancelled, ScheduledMessageFailed,
    ScheduledMessageReleased, ScheduledMessageSent,
};
use crate::{Decider, KeyId, ScheduledId, Timestamp};

/// The most messages of one person that wait, or have failed and were not taken away.
pub const MAX_SCHEDULED: usize = 100;
/// How far ahead a message can be scheduled: a year and a day.
pub const MAX_AHEAD_MILLIS: i64 = 366 * 24 * 3_600_000;

/// How far a scheduled message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// It waits for its time.
    Waits,
    /// Its time has come: it is being sent.
    Released,
    /// It was refused.
    Failed,
}

/// A scheduled message. What it says stands in its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The version of its event in the stream.
    pub version: u64,
    /// The key of its text.
    pub key: KeyId,
    /// When to send it.
    pub send_at: Timestamp,
    /// How far it is.
    pub stage: Stage,
}

/// All that somebody has scheduled and that is not over.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Schedule {
    /// The stream's version.
    version: u64,
    /// By id.
    pub entries: BTreeMap<ScheduledId, Entry>,
}

/// What may be asked.
#[derive(Debug, Clone, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum ScheduleCommand {
    /// Send a message later. That it could be sent now was checked before.
    Add(Box<MessageScheduled>),
    /// Do not send it after all, or take a failed one away.
    Cancel {
        /// Which.
        id: ScheduledId,
        /// Now.
        at: Timestamp,
    },
    /// Its time has come. Nothing follows while it has not.
    Release {
        /// Which.
        id: ScheduledId,
        /// Now.
        at: Timestamp,
    },
    /// It was sent.
    Complete {
        /// Which.
        id: ScheduledId,
        /// As what.
        message: Place,
        /// Now.
        at: Timestamp,
    },
    /// It was refused.
    Fail {
        /// Which.
        id: ScheduledId,
        /// Why.
        reason: String,
        /// Now.
        at: Timestamp,
    },
}

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleRefusal {
    /// It was never scheduled, or is over.
    #[error("there is no such scheduled message")]
    NoSuchScheduled,
    /// Its time is not in the future.
    #[error("must be in the future")]
    NotInTheFuture,
    /// Its time is too far away.
    #[error("must be within 366 days")]
    TooFarAhead,
    /// So many wait already.
    #[error("at most {MAX_SCHEDULED} messages can be scheduled at once")]
    TooMany,
    /// It cannot be cancelled any more.
    #[error("its time has come: it is being sent")]
    BeingSent,
}

/// Decides about scheduled messages.
#[derive(Debug)]
pub struct ScheduleDecider;

impl Decider for ScheduleDecider {
    type Command = ScheduleCommand;
    type Event = ScheduleEvent;
    type State = Schedule;
    type Refusal = ScheduleRefusal;

    fn name(command: &ScheduleCommand) -> &'static str {
        command.into()
    }

    fn decide(state: &Schedule, command: &ScheduleCommand) -> Result<Vec<ScheduleEvent>, ScheduleRefusal> {
        let entry = |id: &ScheduledId| state.entries.get(id).copied();
        let known = |id: &ScheduledId| entry(id).ok_or(ScheduleRefusal::NoSuchScheduled);
        let released = |id: &ScheduledId| entry(id).filter(|entry| entry.stage == Stage::Released);
        match command {
            ScheduleCommand::Add(message) => add(state, message),
            ScheduleCommand::Cancel { id, at } => {
                let Entry { key, stage, .. } = known(id)?;
                match stage {
                    Stage::Released => Err(ScheduleRefusal::BeingSent),
                    Stage::Waits | Stage::Failed => {
                        Ok(vec![ScheduledMessageCancelled { id: *id, key, at: *at }.into()])
                    }
                }
            }
            ScheduleCommand::Release { id, at } => match known(id)? {
                // not yet
                Entry { stage: Stage::Waits, send_at, .. } if send_at > *at => Ok(vec![]),
                Entry { stage: Stage::Waits, .. } => Ok(vec![ScheduledMessageReleased { id: *id, at: *at }.into()]),
                Entry { stage: Stage::Released, .. } => Ok(vec![]),
                Entry { stage: Stage::Failed, .. } => Err(ScheduleRefusal::NoSuchScheduled),
            },
            ScheduleCommand::Complete { id, message, at } => Ok(released(id)
                .map(|Entry { key, .. }| ScheduledMessageSent { id: *id, key, message: *message, at: *at }.into())
                .into_iter()
                .collect()),
            ScheduleCommand::Fail { id, reason, at } => Ok(released(id)
                .map(|_| ScheduledMessageFailed { id: *id, reason: reason.clone(), at: *at }.into())
                .into_iter()
                .collect()),
        }
    }

    fn evolve(state: &mut Schedule, event: &ScheduleEvent) {
        state.version += 1;
        match event {
            ScheduleEvent::Added(event) => {
                let (version, key, send_at) = (state.version, event.key, event.send_at);
                state.entries.insert(event.id, Entry { version, key, send_at, stage: Stage::Waits });
            }
            ScheduleEvent::Cancelled(ScheduledMessageCancelled { id, .. })
            | ScheduleEvent::Sent(ScheduledMessageSent { id, .. }) => {
                state.entries.remove(id);
            }
            ScheduleEvent::Released(event) => state.reach(event.id, Stage::Released),
            ScheduleEvent::Failed(event) => state.reach(event.id, Stage::Failed),
        }
    }

    /// What it says is read from the event when it is needed.
    fn opens(_event_name: &str) -> bool {
        false
    }

    fn snapshot_format() -> Option<&'static str> {
        Some("schedule 1")
    }
}

impl Schedule {
    fn reach(&mut self, id: ScheduledId, stage: Stage) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.stage = stage;
        }
    }
}

fn add(state: &Schedule, message: &MessageScheduled) -> Result<Vec<ScheduleEvent>, ScheduleRefusal> {
    if state.entries.contains_key(&message.id) {
        return Ok(vec![]);
    }
    if message.send_at <= message.at {
        return Err(ScheduleRefusal::NotInTheFuture);
    }
    if message.send_at > message.at.plus_millis(MAX_AHEAD_MILLIS) {
        return Err(ScheduleRefusal::TooFarAhead);
    }
    if state.entries.len() >= MAX_SCHEDULED {
        return Err(ScheduleRefusal::TooMany);
    }
    Ok(vec![message.clone().into()])
}
