//! Accounts that are closed: what they wrote is erased, also what arrives after all.

use std::collections::HashMap;

use tidings_domain::{UserId, message::ErasureReason, user::UserClosed};

use super::{
    ConversationsFold, Standing,
    erasures::{ErasureRow, reason_number},
    tables::ConversationTables,
};
use crate::fold::Done;

impl ConversationsFold {
    /// When an account was closed, if it was.
    pub(super) async fn closed_at<T: ConversationTables>(&mut self, tables: &mut T, user: UserId) -> Done<Option<i64>> {
        Ok(self.closed(tables).await?.get(&user).copied())
    }

    async fn closed<T: ConversationTables>(&mut self, tables: &mut T) -> Done<&mut HashMap<UserId, i64>> {
        let closed = match self.closed.take() {
            Some(closed) => closed,
            None => tables.closed().await?.into_iter().collect(),
        };
        Ok(self.closed.insert(closed))
    }

    pub(super) async fn user_closed<T: ConversationTables>(
        &mut self,
        tables: &mut T,
        user: UserId,
        standing: Standing,
        event: &UserClosed,
    ) -> Done {
        let at = event.at.millis();
        if self.closed(tables).await?.insert(user, at).is_none() {
            self.rows.close(user, at);
            let reason = reason_number(ErasureReason::AccountClosed);
            let position = standing.position;
            self.erasure_asked(ErasureRow { position, message: None, user, by: Some(user), reason, asked_at: at });
        }
        self.drop_all_scheduled(tables, user).await?;
        self.erase_attachments_of(tables, user).await?;
        let written = self.rows.written_by(tables, user).await?;
        for some in written.chunks(1_000) {
            if T::TOGETHER {
                let keys: Vec<i64> = some.iter().map(|(key, _)| *key).collect();
                self.rows.load_messages(tables, &keys).await?;
            }
            for (key, conversation) in some {
                self.erase(tables, *conversation, *key, at).await?;
            }
        }
        Ok(())
    }
}
