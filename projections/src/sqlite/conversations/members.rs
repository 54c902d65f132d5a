//! Who is in a conversation.

use rusqlite::{Connection, params};
use tidings_domain::{
    ConversationId, UserId,
    conversation::{
        ConversationKind, ConversationRenamed, ConversationStarted, MemberAdded, MemberRemoved, MemberRole,
        MemberRoleChanged,
    },
    values::ConversationName,
};

use super::{
    ConversationsFold, Place,
    state::{Conversation, Member},
};
use crate::sqlite::error::FoldError;

pub(in crate::sqlite) const fn role_number(role: MemberRole) -> i64 {
    match role {
        MemberRole::Member => 0,
        MemberRole::Admin => 1,
        MemberRole::Owner => 2,
    }
}

impl ConversationsFold {
    pub(super) fn started(
        &mut self,
        db: &Connection,
        id: ConversationId,
        place: Place,
        event: &ConversationStarted,
    ) -> Result<(), FoldError> {
        let number = self.take_number(db)?;
        let group = event.kind == ConversationKind::Group;
        let at = event.at.millis();
        let name = event.name.clear().and_then(Option::as_ref).map(ConversationName::as_str);
        db.prepare_cached("INSERT INTO conversations VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, 0, 0, 0, ?6, 0)")?
            .execute(params![number, id.as_bytes(), group, name, at, place.position])?;
        let row = Conversation {
            number,
            joined: 0,
            members: 0,
            last_seq: 0,
            last_deleted_seq: 0,
            activity: place.position,
            latest_at: 0,
        };
        self.rows.started(id, row);
        for user in &event.members {
            let role = if group && *user == event.by { MemberRole::Owner } else { MemberRole::Member };
            self.join(db, id, *user, role, at)?;
        }
        Ok(())
    }

    pub(super) fn renamed(
        &mut self,
        db: &Connection,
        id: ConversationId,
        event: &ConversationRenamed,
    ) -> Result<(), FoldError> {
        let number = self.rows.conversation(db, id)?.number;
        db.prepare_cached("UPDATE conversations SET name = ? WHERE number = ?")?
            .execute(params![event.name.clear().map(ConversationName::as_str), number])?;
        Ok(())
    }

    pub(super) fn member_added(
        &mut self,
        db: &Connection,
        id: ConversationId,
        event: &MemberAdded,
    ) -> Result<(), FoldError> {
        self.join(db, id, event.user, event.role, event.at.millis())
    }

    /// Joining reads all up to there: nothing from before it ever counts, nor what was marked unread by itself.
    fn join(
        &mut self,
        db: &Connection,
        id: ConversationId,
        user: UserId,
        role: MemberRole,
        at: i64,
    ) -> Result<(), FoldError> {
        let conversation = self.rows.change_conversation(db, id)?;
        conversation.joined += 1;
        let (number, joined, last_seq) = (conversation.number, conversation.joined, conversation.last_seq);
        let slot = self.rows.member_slot(db, number, user)?;
        if slot.as_ref().is_some_and(|member| member.left_seq.is_none()) {
            return Ok(());
        }
        let member = slot.get_or_insert_default();
        member.role = role_number(role);
        member.joined = joined;
        member.joined_at = at;
        member.joined_seq = last_seq;
        member.left_seq = None;
        member.left_position = None;
        move_mark(db, member, number, user, last_seq)?;
        self.rows.change_conversation(db, id)?.members += 1;
        Ok(())
    }

    pub(super) fn member_removed(
        &mut self,
        db: &Connection,
        id: ConversationId,
        place: Place,
        event: &MemberRemoved,
    ) -> Result<(), FoldError> {
        let conversation = self.rows.conversation(db, id)?;
        let (number, last_seq) = (conversation.number, conversation.last_seq);
        let member = self.rows.member(db, number, event.user)?;
        if member.left_seq.is_none() {
            member.left_seq = Some(last_seq);
            member.left_position = Some(place.position);
            self.rows.change_conversation(db, id)?.members -= 1;
        }
        Ok(())
    }

    pub(super) fn role_changed(
        &mut self,
        db: &Connection,
        id: ConversationId,
        event: &MemberRoleChanged,
    ) -> Result<(), FoldError> {
        let number = self.rows.conversation(db, id)?.number;
        self.rows.member(db, number, event.user)?.role = role_number(event.role);
        Ok(())
    }
}

/// Reads all up to `to`, if that is not behind the mark: exceptions at or below it are over, but what is hidden stays so.
pub(super) fn move_mark(
    db: &Connection,
    member: &mut Member,
    number: i64,
    user: UserId,
    to: i64,
) -> Result<(), FoldError> {
    if to < member.mark {
        return Ok(());
    }
    member.mark = to;
    if member.exceptions == 0 {
        return Ok(());
    }
    let (first, read, last) = (super::key(number, 0), super::key(number, to), super::key(number + 1, 0));
    db.prepare_cached("DELETE FROM exceptions WHERE user = ? AND key BETWEEN ? AND ? AND hidden = 0")?
        .execute(params![user.as_bytes(), first, read])?;
    db.prepare_cached("UPDATE exceptions SET counts = 0 WHERE user = ? AND key BETWEEN ? AND ? AND counts <> 0")?
        .execute(params![user.as_bytes(), first, read])?;
    (member.exceptions, member.adjust) = db
        .prepare_cached(
            "SELECT count(*), coalesce(sum(counts), 0) FROM exceptions WHERE user = ? AND key >= ? AND key < ?",
        )?
        .query_row(params![user.as_bytes(), first, last], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(())
}
