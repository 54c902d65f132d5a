//! Messages, and what happens to them after they were sent.

use tidings_domain::{
    ConversationId, MessageId, UserId,
    conversation::{MessageContent, MessageSent},
    message::{ErasureReason, MessageDeleted, MessageEdited, MessageErased, ReactionAdded, ReactionRemoved},
    values::{Body, Subject},
};

use super::{
    ConversationsFold, Standing,
    attachments::attachment_bytes,
    erasures::{Erased, ErasureRow, reason_number},
    members::move_mark,
    tables::{ConversationTables, MessageRow, VersionRow, unkey},
};
use crate::fold::{Done, FoldError, signed};

pub(crate) const PLAIN_TEXT: &str = "text/plain";

impl ConversationsFold {
    pub(super) async fn message_sent<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        id: ConversationId,
        standing: Standing,
        event: &MessageSent,
    ) -> Done {
        let (seq, at) = (signed(event.seq), event.at.millis());
        let conversation = self.rows.change_conversation(tables, id).await?;
        if seq != conversation.last_seq + 1 || seq > i64::from(u32::MAX) {
            return Err(FoldError::data("it is not the conversation's next message"));
        }
        conversation.last_seq = seq;
        conversation.activity = standing.position;
        conversation.latest_at = conversation.latest_at.max(at);
        let (number, key, latest_at) = (conversation.number, conversation.key(seq), conversation.latest_at);
        let place = (number, event.sender);
        let mut member = self.rows.member(tables, place).await?;
        self.rows.wrote(event.sender, key, &member);
        member.sent_seq = seq;
        move_mark(&mut self.rows, tables, place, &mut member, seq).await?;
        self.rows.put_member(place, member);
        let closed = self.closed_at(tables, event.sender).await?;
        let content = if closed.is_some() { None } else { event.content.clear() };
        let mentions: &[UserId] = if closed.is_some() { &[] } else { &event.mentions };
        let content_type = event.content_type.as_str();
        self.rows.sent(MessageRow {
            key,
            position: standing.position,
            version: standing.version,
            sender: event.sender,
            at,
            latest_at,
            content_type: (content_type != PLAIN_TEXT).then(|| content_type.to_owned()),
            reply_to: event.reply_to.map(signed),
            mentions: mention_bytes(mentions),
            attachments: if closed.is_some() { None } else { attachment_bytes(&event.attachments) },
            subject: subject(content),
            body: body(content),
            edited_at: None,
            deleted_at: closed,
            pinned_at: None,
            reactions: 0,
            stored: false,
        });
        self.set_mentions(key, mentions, true);
        if !event.attachments.is_empty() {
            self.attached(tables, key, event.sender, &event.attachments, closed.is_some()).await?;
        }
        if closed.is_some() {
            self.rows.change_conversation(tables, id).await?.last_deleted_seq = seq;
        }
        Ok(())
    }

    /// A message that is there, to be changed.
    async fn find<T: ConversationTables>(&mut self, tables: &mut T, id: MessageId) -> Done<&mut MessageRow> {
        let key = self.rows.conversation(tables, id.conversation).await?.key(signed(id.seq));
        let row = self.rows.message(tables, key).await?;
        if row.version == signed(id.version) { Ok(row) } else { Err(FoldError::data("this message is not there")) }
    }

    pub(super) async fn edited<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        id: MessageId,
        event: &MessageEdited,
    ) -> Done {
        let row = self.find(tables, id).await?;
        if row.deleted_at.is_some() {
            return Ok(());
        }
        let (content, at, key) = (event.content.clear(), event.at.millis(), row.key);
        let before = VersionRow { key, edit: 1, at: row.at, subject: row.subject.clone(), body: row.body.clone() };
        row.subject = subject(content);
        row.body = body(content);
        row.edited_at = Some(at);
        let mentioned = std::mem::replace(&mut row.mentions, mention_bytes(&event.mentions));
        self.set_mentions(key, &mentioned_in(mentioned.as_deref()), false);
        self.set_mentions(key, &event.mentions, true);
        let mut edit = self.rows.next_edit(tables, key).await?;
        if edit == 1 {
            self.rows.add_version(before);
            edit = self.rows.next_edit(tables, key).await?;
        }
        self.rows.add_version(VersionRow { key, edit, at, subject: subject(content), body: body(content) });
        Ok(())
    }

    pub(super) async fn deleted<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        id: MessageId,
        standing: Standing,
        event: &MessageDeleted,
    ) -> Done {
        let row = self.find(tables, id).await?;
        let (key, deleted, user, at) = (row.key, row.deleted_at.is_some(), row.sender, event.at.millis());
        let by_rule = event.retention.is_some();
        let reason = if by_rule { ErasureReason::Retention } else { ErasureReason::DeletedBySender };
        self.erasure_asked(ErasureRow {
            position: standing.position,
            message: Some((key, signed(id.version))),
            user,
            by: event.by,
            reason: reason_number(reason),
            asked_at: at,
        });
        if by_rule {
            self.expired(tables, key).await?;
        }
        if deleted { Ok(()) } else { self.erase(tables, id.conversation, key, at).await }
    }

    pub(super) async fn erased<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        id: MessageId,
        standing: Standing,
        event: &MessageErased,
    ) -> Done {
        let key = self.find(tables, id).await?.key;
        self.erasure_done(Erased::Message(key), event.at.millis(), standing);
        Ok(())
    }

    /// Leaves a tombstone of a message.
    pub(super) async fn erase<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        conversation: ConversationId,
        key: i64,
        at: i64,
    ) -> Done {
        let row = self.rows.message(tables, key).await?;
        let (mentioned, attached) = (row.mentions.take(), row.attachments.take());
        (row.subject, row.body, row.pinned_at, row.reactions) = (None, None, None, 0);
        row.deleted_at = Some(at);
        self.set_mentions(key, &mentioned_in(mentioned.as_deref()), false);
        self.erase_attachments(tables, attached.as_deref()).await?;
        self.rows.erase(key);
        self.drop_exceptions(tables, key).await?;
        let conversation = self.rows.change_conversation(tables, conversation).await?;
        conversation.last_deleted_seq = conversation.last_deleted_seq.max(unkey(key).1);
        self.erased = true;
        Ok(())
    }

    pub(super) async fn reaction_added<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        id: MessageId,
        standing: Standing,
        event: &ReactionAdded,
    ) -> Done {
        self.react(tables, id, (event.emoji.as_str(), event.user), standing, true).await
    }

    pub(super) async fn reaction_removed<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        id: MessageId,
        standing: Standing,
        event: &ReactionRemoved,
    ) -> Done {
        self.react(tables, id, (event.emoji.as_str(), event.user), standing, false).await
    }

    async fn react<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        id: MessageId,
        (emoji, user): (&str, UserId),
        standing: Standing,
        on: bool,
    ) -> Done {
        let row = self.find(tables, id).await?;
        if row.deleted_at.is_some() {
            return Ok(());
        }
        let key = row.key;
        if self.rows.react(tables, (key, emoji, user), standing.position, on).await? {
            self.rows.message(tables, key).await?.reactions += if on { 1 } else { -1 };
        }
        Ok(())
    }

    pub(super) async fn pinned<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        id: MessageId,
        at: Option<i64>,
    ) -> Done {
        let row = self.find(tables, id).await?;
        if row.deleted_at.is_none() {
            row.pinned_at = at;
        }
        Ok(())
    }

    fn set_mentions(&mut self, key: i64, users: &[UserId], mentioned: bool) {
        for user in users {
            self.rows.set_mention(*user, key, mentioned);
        }
    }
}

pub(super) fn subject(content: Option<&MessageContent>) -> Option<String> {
    content?.subject.as_ref().map(Subject::as_str).map(str::to_owned)
}

pub(super) fn body(content: Option<&MessageContent>) -> Option<String> {
    content?.body.as_ref().map(Body::as_str).map(str::to_owned)
}

fn mention_bytes(mentions: &[UserId]) -> Option<Vec<u8>> {
    (!mentions.is_empty()).then(|| mentions.iter().flat_map(|user| *user.as_bytes()).collect())
}

/// The people in a stored list of mentions.
pub(crate) fn mentioned_in(bytes: Option<&[u8]>) -> Vec<UserId> {
    bytes.unwrap_or_default().chunks_exact(16).filter_map(|id| UserId::from_slice(id).ok()).collect()
}
