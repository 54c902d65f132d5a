//! What an export has, section by section, as its owner sees it. Whoever asks for a conversation gets that of it which concerns it.

use futures::TryStreamExt;
use tidings_attachments::{Part as File, Place};
use tidings_domain::{AttachmentId, ConversationId, UserId, session::IDLE_LIFETIME};
use tidings_projections::{
    Past, Queries,
    model::{ContactState, ConversationAccess, MessageAnchor},
};

use super::{
    Inner, Subject,
    job::{FILES, Part},
    lines::{self, Line, MessageLine},
    parts::{LINES, MakeError, Parts, Writing},
};
use crate::clock::now;

/// How many records are asked for at once.
pub(super) const PAGE: usize = 100;

/// A section: one part each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    /// Account, sessions, devices, contacts, blocks, webhooks, scheduled messages.
    Account,
    /// Conversations and who is in them.
    Conversations,
    /// The messages of a conversation.
    Messages(ConversationId),
    /// What was uploaded.
    Attachments,
    /// The bytes of one such.
    Attachment(AttachmentId),
    /// A conversation and who was in it, for an auditor.
    Audited(ConversationId),
    /// Its messages.
    AuditedMessages(ConversationId),
    /// A stretch of the log.
    Log(u64, u64),
}

impl Section {
    /// The part's name, which is its file's.
    pub(super) fn name(self) -> String {
        match self {
            Self::Account => "account.ndjson".to_owned(),
            Self::Conversations | Self::Audited(_) => "conversations.ndjson".to_owned(),
            Self::Log(..) => "log.ndjson".to_owned(),
            Self::Messages(id) | Self::AuditedMessages(id) => format!("messages-{id}.ndjson"),
            Self::Attachments => format!("{FILES}s.ndjson"),
            Self::Attachment(id) => format!("{FILES}-{id}"),
        }
    }
}

/// Makes the sections of one export.
pub(super) struct Making<'a> {
    pub(super) inner: &'a Inner,
    pub(super) views: &'a dyn Queries,
    pub(super) viewer: UserId,
    pub(super) conversations: Vec<ConversationId>,
    pub(super) people: Vec<UserId>,
    pub(super) parts: Parts<'a>,
    /// For auditors: the conversation as it stood.
    pub(super) past: Option<Past>,
}

impl Making<'_> {
    /// What there is to make.
    pub(super) async fn plan(&self, subject: Subject) -> Result<Vec<Section>, MakeError> {
        let messages = self.conversations.iter().copied().map(Section::Messages);
        Ok(match subject {
            Subject::Conversation(..) => [Section::Conversations].into_iter().chain(messages).collect(),
            Subject::Audited(id) => vec![Section::Audited(id), Section::AuditedMessages(id)],
            Subject::Log(from, to) => vec![Section::Log(from, to)],
            Subject::Person(user) => {
                let files = self.views.attachments_of(user).await?.into_iter().map(Section::Attachment);
                let first = [Section::Account, Section::Conversations, Section::Attachments];
                first.into_iter().chain(messages).chain(files).collect()
            }
        })
    }

    /// Makes one; none where there is nothing any more.
    pub(super) async fn make(&mut self, section: Section) -> Result<Option<Part>, MakeError> {
        let name = section.name();
        if let Section::Attachment(id) = section {
            return self.file(&name, id).await;
        }
        let of = match section {
            Section::Messages(id) | Section::AuditedMessages(id) => Some(id),
            Section::Account
            | Section::Conversations
            | Section::Attachments
            | Section::Attachment(_)
            | Section::Audited(_)
            | Section::Log(..) => None,
        };
        let mut part = self.parts.begin(&name, LINES, of).await?;
        match section {
            Section::Account => self.account(&mut part).await?,
            Section::Conversations => self.conversations(&mut part).await?,
            Section::Messages(id) => self.messages(&mut part, id).await?,
            Section::Attachments => self.attachments(&mut part).await?,
            Section::Audited(id) => self.audited(&mut part, id).await?,
            Section::AuditedMessages(id) => self.audited_messages(&mut part, id).await?,
            Section::Log(from, to) => self.log(&mut part, (from, to)).await?,
            Section::Attachment(_) => {}
        }
        self.parts.end(part).await.map(Some)
    }

    async fn account(&mut self, part: &mut Writing) -> Result<(), MakeError> {
        let user = self.viewer;
        if let Some(found) = self.views.user(user).await? {
            self.parts.line(part, &Line::new("account", lines::account(found))).await?;
        }
        for session in self.views.sessions(user, now().plus_millis(-IDLE_LIFETIME)).await? {
            self.parts.line(part, &Line::new("session", lines::session(session))).await?;
        }
        for device in self.views.devices(user).await? {
            self.parts.line(part, &Line::new("device", lines::device(device))).await?;
        }
        for state in [ContactState::Accepted, ContactState::Incoming, ContactState::Outgoing] {
            let mut cursor = None;
            loop {
                let page = self.views.contacts(user, state, cursor, PAGE).await?;
                for contact in page.items {
                    self.people.push(contact.user.id);
                    self.parts.line(part, &Line::new("contact", lines::contact(contact))).await?;
                }
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
        }
        self.others(part).await
    }

    async fn others(&mut self, part: &mut Writing) -> Result<(), MakeError> {
        let user = self.viewer;
        let mut cursor = None;
        loop {
            let page = self.views.blocks(user, cursor, PAGE).await?;
            for block in page.items {
                self.people.push(block.user.id);
                self.parts.line(part, &Line::new("block", lines::block(block))).await?;
            }
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        for webhook in self.views.webhooks(user).await? {
            self.parts.line(part, &Line::new("webhook", lines::webhook(webhook))).await?;
        }
        let mut cursor = None;
        loop {
            let page = self.views.scheduled(user, cursor, PAGE).await?;
            for scheduled in page.items {
                self.parts.line(part, &Line::new("scheduled", lines::scheduled(scheduled))).await?;
            }
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        let mut cursor = None;
        loop {
            let page = self.views.accesses(user, cursor, PAGE).await?;
            for access in page.items {
                self.people.push(access.auditor.id);
                self.parts.line(part, &Line::new("access", lines::access(access))).await?;
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    async fn conversations(&mut self, part: &mut Writing) -> Result<(), MakeError> {
        for id in self.conversations.clone() {
            let (conversation, present) = match self.views.conversation(self.viewer, id).await? {
                ConversationAccess::Member(found) => (found, true),
                ConversationAccess::Former(found) => (found, false),
                ConversationAccess::Missing | ConversationAccess::NeverMember => continue,
            };
            self.parts.line(part, &Line::new("conversation", lines::conversation(*conversation))).await?;
            // who has left sees nobody any more
            if present {
                self.members(part, id).await?;
            }
        }
        Ok(())
    }

    async fn members(&mut self, part: &mut Writing, id: ConversationId) -> Result<(), MakeError> {
        let mut cursor = None;
        loop {
            let page = self.views.members(id, cursor, PAGE).await?;
            for member in page.items {
                self.people.push(member.user.id);
                self.parts.line(part, &Line::new("member", lines::member(id, member))).await?;
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    async fn messages(&mut self, part: &mut Writing, id: ConversationId) -> Result<(), MakeError> {
        let mut anchor = MessageAnchor::Newest;
        loop {
            let page = self.views.messages(self.viewer, id, anchor, None, PAGE).await?;
            let Some(page) = page else { return Ok(()) };
            for message in page.items {
                self.people.push(message.sender.id);
                let versions = match message.edited_at {
                    None => Vec::new(),
                    Some(_) => self.views.history(self.viewer, message.id).await?.unwrap_or_default(),
                };
                self.parts.line(part, &MessageLine::new(message, versions)).await?;
            }
            self.people.sort_unstable();
            self.people.dedup();
            match page.next {
                Some(next) => anchor = next,
                None => return Ok(()),
            }
        }
    }

    async fn attachments(&mut self, part: &mut Writing) -> Result<(), MakeError> {
        for id in self.views.attachments_of(self.viewer).await? {
            if let Some(found) = self.views.attachment(self.viewer, id).await? {
                self.parts.line(part, &Line::new("attachment", lines::attachment(found))).await?;
            }
        }
        Ok(())
    }

    /// The bytes of an upload; none where that is erased.
    async fn file(&mut self, name: &str, id: AttachmentId) -> Result<Option<Part>, MakeError> {
        let known = self.inner.commands.attachment(id).await?.filter(|known| !known.removed);
        let Some((known, details)) = known.and_then(|known| known.details.clone().map(|details| (known, details)))
        else {
            return Ok(None);
        };
        let place = Place { id, key: known.key, part: File::File };
        let pieces = self.inner.attachments.read(place, known.author_key, details.size, 0..details.size).await?;
        let mut pieces = std::pin::pin!(pieces);
        let mut part = self.parts.begin(name, details.media_type.as_str(), None).await?;
        while let Some(piece) = pieces.try_next().await? {
            self.parts.bytes(&mut part, &piece).await?;
        }
        self.parts.end(part).await.map(Some)
    }
}
