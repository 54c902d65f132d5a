//! Who is in a conversation.

use tidings_domain::{
    ConversationId, UserId,
    conversation::{
        ConversationKind, ConversationRenamed, ConversationStarted, MemberAdded, MemberRemoved, MemberRole,
        MemberRoleChanged,
    },
    values::ConversationName,
};

use super::{
    ConversationsFold, Standing,
    rows::Rows,
    tables::{ConversationRow, ConversationTables, Member, Place, key},
};
use crate::fold::{Done, FoldError};

pub(crate) const fn role_number(role: MemberRole) -> i64 {
    match role {
        MemberRole::Member => 0,
        MemberRole::Admin => 1,
        MemberRole::Owner => 2,
    }
}

impl ConversationsFold {
    pub(super) async fn started<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        id: ConversationId,
        standing: Standing,
        event: &ConversationStarted,
    ) -> Done {
        if self.rows.is_there(tables, id).await? {
            return Err(FoldError::data("this conversation has begun before"));
        }
        let (number, newest) = self.take_number(tables, Some(id)).await?;
        let group = event.kind == ConversationKind::Group;
        let at = event.at.millis();
        let name = event.name.clear().and_then(Option::as_ref).map(|name| name.as_str().to_owned());
        let row = ConversationRow {
            number,
            id,
            group,
            name,
            created_at: at,
            started: standing.position,
            joined: 0,
            members: 0,
            last_seq: 0,
            last_deleted_seq: 0,
            activity: standing.position,
            latest_at: 0,
        };
        self.rows.started(row, newest);
        for user in &event.members {
            let role = if group && *user == event.by { MemberRole::Owner } else { MemberRole::Member };
            self.join(tables, id, *user, role, at).await?;
        }
        Ok(())
    }

    pub(super) async fn renamed<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        id: ConversationId,
        event: &ConversationRenamed,
    ) -> Done {
        let name = event.name.clear().map(ConversationName::as_str).map(str::to_owned);
        self.rows.change_conversation(tables, id).await?.name = name;
        Ok(())
    }

    pub(super) async fn member_added<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        id: ConversationId,
        event: &MemberAdded,
    ) -> Done {
        self.join(tables, id, event.user, event.role, event.at.millis()).await
    }

    /// Joining reads all up to there: nothing from before it ever counts, nor what was marked unread by itself.
    async fn join<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        id: ConversationId,
        user: UserId,
        role: MemberRole,
        at: i64,
    ) -> Done {
        let conversation = self.rows.change_conversation(tables, id).await?;
        conversation.joined += 1;
        let (number, joined, last_seq) = (conversation.number, conversation.joined, conversation.last_seq);
        let place = (number, user);
        let found = self.rows.find_member(tables, place).await?;
        if found.is_some_and(|member| member.left_seq.is_none()) {
            return Ok(());
        }
        let mut member = Member {
            role: role_number(role),
            joined,
            joined_at: at,
            joined_seq: last_seq,
            left_seq: None,
            left_position: None,
            ..found.unwrap_or_default()
        };
        move_mark(&mut self.rows, tables, place, &mut member, last_seq).await?;
        self.rows.put_member(place, member);
        self.rows.joined.push(user);
        self.rows.change_conversation(tables, id).await?.members += 1;
        Ok(())
    }

    pub(super) async fn member_removed<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        id: ConversationId,
        standing: Standing,
        event: &MemberRemoved,
    ) -> Done {
        let conversation = self.rows.conversation(tables, id).await?;
        let (number, last_seq) = (conversation.number, conversation.last_seq);
        let place = (number, event.user);
        let mut member = self.rows.member(tables, place).await?;
        if member.left_seq.is_none() {
            member.left_seq = Some(last_seq);
            member.left_position = Some(standing.position);
            self.rows.put_member(place, member);
            self.rows.change_conversation(tables, id).await?.members -= 1;
        }
        Ok(())
    }

    pub(super) async fn role_changed<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        id: ConversationId,
        event: &MemberRoleChanged,
    ) -> Done {
        let place = (self.rows.conversation(tables, id).await?.number, event.user);
        let member = self.rows.member(tables, place).await?;
        self.rows.put_member(place, Member { role: role_number(event.role), ..member });
        Ok(())
    }
}

/// Reads all up to `to`, if that is not behind the mark: exceptions at or below it are over, but what is hidden stays so.
pub(super) async fn move_mark<T: ConversationTables>(
    rows: &mut Rows,
    tables: &mut T,
    place: Place,
    member: &mut Member,
    to: i64,
) -> Done {
    if to < member.mark {
        return Ok(());
    }
    member.mark = to;
    if member.exceptions == 0 {
        return Ok(());
    }
    let (number, user) = place;
    let exceptions = rows.exceptions(tables, place, member).await?;
    let passed: Vec<i64> = exceptions.range(..=key(number, to)).map(|(key, _)| *key).collect();
    for key in &passed {
        match exceptions.get_mut(key).filter(|exception| exception.hidden) {
            Some(hidden) => hidden.counts = 0,
            None => drop(exceptions.remove(key)),
        }
    }
    member.exceptions = i64::try_from(exceptions.len()).unwrap_or(i64::MAX);
    member.adjust = exceptions.values().map(|exception| exception.counts).sum();
    for key in passed {
        rows.exception_changed(user, key);
    }
    Ok(())
}
