//! An export: of what, for whom, how far, and what there is of it. Kept as a small file that holds ids and counts, never a text.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use tidings_domain::{AttachmentId, ConversationId, KeyId, Timestamp, UserId};
use uuid::Uuid;

/// How the names of parts begin that are of attachments.
pub(super) const FILES: &str = "attachment";

/// Of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// All that is somebody's, as they see it.
    Person(UserId),
    /// One conversation, as this person sees it.
    Conversation(ConversationId, UserId),
    /// One conversation, as nobody in particular sees it: for auditors.
    Audited(ConversationId),
    /// The events from this position to that one, sealed as they are stored: for auditors.
    Log(u64, u64),
}

/// How it is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is being made, or waits for its turn. What a restart interrupts goes on after the last whole part.
    Running,
    /// All of it is there, and signed.
    Ready,
    /// It could not be made.
    Failed(String),
}

/// A part that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its name among the parts.
    pub name: String,
    /// What the file is.
    pub media_type: String,
    /// How long it is.
    pub bytes: u64,
    /// How many records it has, where it is made of lines.
    pub lines: Option<u64>,
    /// Of the whole part, in hex.
    pub sha256: String,
    /// Where it is stored.
    pub file: AttachmentId,
    /// What it is sealed under.
    pub key: KeyId,
    /// The conversation that it is of, where it is of one.
    pub of: Option<ConversationId>,
}

/// An export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Which.
    pub id: Uuid,
    /// Who asked for it, and alone may have it.
    pub owner: UserId,
    /// Of what.
    pub subject: Subject,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When it will be removed.
    pub expires_at: Timestamp,
    /// Whether it is for an auditor, who may have it as long as they are one.
    pub audit: bool,
    /// How it is doing.
    pub state: State,
    /// What its parts are sealed under beside keys of their own: its owner's.
    pub author_key: KeyId,
    /// Everything up to here is in it, but for what was erased since.
    pub position: u64,
    /// Counts what was erased of it.
    pub attempt: u32,
    /// In the order in which they were made.
    pub parts: Vec<Part>,
    /// The signed manifest, once all parts are there.
    pub manifest: Option<String>,
    /// The conversations that it has something of.
    pub conversations: BTreeSet<ConversationId>,
    /// Who is named in it.
    pub people: BTreeSet<UserId>,
    /// Of how many sections how many are made.
    #[serde(skip)]
    pub progress: (u64, u64),
}

impl Job {
    /// A part that is there, by its name.
    pub fn part(&self, name: &str) -> Option<&Part> {
        self.parts.iter().find(|part| part.name == name)
    }

    /// How long all parts are.
    pub fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.bytes).sum()
    }
}

/// What an event of the log takes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erased {
    /// Something in this conversation.
    In(ConversationId),
    /// All that this person wrote.
    Of(UserId),
}

impl Job {
    /// Takes out what may hold something that was erased, and says what that was: it is to be made anew, as of then.
    pub fn erase(&mut self, erased: Erased, position: u64) -> Vec<Part> {
        let concerned = match erased {
            Erased::In(conversation) => self.conversations.contains(&conversation),
            // sealed as it is stored, a log says no more than the keys do
            Erased::Of(_) if matches!(self.subject, Subject::Log(..)) => false,
            Erased::Of(user) => self.state == State::Running || self.people.contains(&user),
        };
        if !concerned {
            return Vec::new();
        }
        let may_hold = |part: &Part| match erased {
            // whose message a file was on is not known here
            Erased::In(conversation) => part.of.map_or(part.is_a_file(), |of| of == conversation),
            Erased::Of(_) => true,
        };
        let (gone, kept) = self.parts.drain(..).partition(may_hold);
        self.parts = kept;
        (self.state, self.manifest) = (State::Running, None);
        self.attempt += 1;
        self.position = self.position.max(position);
        gone
    }

    /// Whether nobody is left whom it is for, or of whom it is.
    pub fn is_over(&self, erased: Erased) -> bool {
        let of = match self.subject {
            Subject::Person(user) | Subject::Conversation(_, user) => Some(user),
            Subject::Audited(_) | Subject::Log(..) => None,
        };
        matches!(erased, Erased::Of(user) if user == self.owner || Some(user) == of)
    }
}

impl Part {
    /// Whether it is of an attachment: the list of them, or the bytes of one.
    fn is_a_file(&self) -> bool {
        self.name.starts_with(FILES)
    }
}
