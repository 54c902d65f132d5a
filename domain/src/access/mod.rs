//! What auditors were shown of others: noted before it is shown, one stream for each day.
//!
//! Whom it concerned is noted with it, so that each of these can be told. Nothing of it is personal: ids, and what was asked for.

use serde::{Deserialize, Serialize};

use crate::{ConversationId, Decider, MessageId, Timestamp, UserId, event::events};

events! {
    /// Of the stream `access-{day}`.
    pub enum AccessEvent {
        /// An auditor was about to be shown something.
        Accessed(ContentAccessed) = "content_accessed",
    }
}

/// What an auditor was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Shown {
    /// Recorded events.
    Log,
    /// Recorded events, over the protocol of the log.
    Protocol,
    /// The whole life of a message.
    Message,
    /// A conversation with its people and messages.
    Conversation,
    /// The people of a conversation.
    Members,
    /// Messages of a conversation.
    Messages,
    /// Somebody's inbox.
    Inbox,
    /// Somebody's account.
    Account,
    /// Accounts.
    Directory,
}

impl Shown {
    /// As it stands in the log, in the views and in answers.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Which recorded events were asked for; none of these is all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessFilter {
    /// Those of this stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// Those of streams of this category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Those of this name.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// What this person caused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<UserId>,
    /// At or after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// See [`AccessEvent::Accessed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentAccessed {
    /// The auditor.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
    /// What was shown.
    pub shown: Shown,
    /// Whose it was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<UserId>,
    /// Of all who are or were in this conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationId>,
    /// The one message of it, where it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageId>,
    /// It may have been anybody's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub everybody: bool,
    /// As of this position of the log, where not as of the moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<u64>,
    /// Which recorded events, where it was these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<AccessFilter>,
}

impl ContentAccessed {
    /// That this auditor is shown this now; whose it is, is still to be said.
    pub const fn new(by: UserId, at: Timestamp, shown: Shown) -> Self {
        Self {
            by,
            at,
            shown,
            users: Vec::new(),
            conversation: None,
            message: None,
            everybody: false,
            as_of: None,
            filter: None,
        }
    }
}

/// To note it.
#[derive(Debug, Clone)]
pub struct NoteAccess(pub ContentAccessed);

/// Nothing is known of a day: every access is noted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accesses {}

/// Notes are never refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccessRefusal {}

/// Keeps the notes.
#[derive(Debug)]
pub struct AccessDecider;

impl Decider for AccessDecider {
    type Command = NoteAccess;
    type Event = AccessEvent;
    type State = Accesses;
    type Refusal = AccessRefusal;

    fn name(_command: &NoteAccess) -> &'static str {
        "note_access"
    }

    fn decide(_state: &Accesses, command: &NoteAccess) -> Result<Vec<AccessEvent>, AccessRefusal> {
        Ok(vec![command.0.clone().into()])
    }

    fn evolve(_state: &mut Accesses, event: &AccessEvent) {
        let AccessEvent::Accessed(_) = event;
    }

    // a day may have very many of them, and none needs to be read to note the next
    fn snapshot_format() -> Option<&'static str> {
        Some("accesses-1")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn every_access_is_noted_also_the_same_again() {
        let user = |n| UserId::new(Uuid::from_u128(n));
        let inbox = ContentAccessed::new(user(1), Timestamp::from_millis(7), Shown::Inbox);
        let noted = ContentAccessed { users: vec![user(2)], ..inbox };
        let given = [AccessEvent::from(noted.clone())];
        let state = AccessDecider::fold(&given);
        assert_eq!(AccessDecider::decide(&state, &NoteAccess(noted.clone())), Ok(vec![noted.into()]));
    }

    #[test]
    fn what_was_shown_has_one_name() {
        for shown in [Shown::Log, Shown::Protocol, Shown::Account, Shown::Directory] {
            assert_eq!(shown.as_str().parse(), Ok(shown));
            assert_eq!(serde_json::to_value(shown).ok(), Some(shown.as_str().into()));
        }
    }
}
