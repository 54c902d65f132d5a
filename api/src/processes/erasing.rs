//! Completes erasures and writes their receipts: when the key of a deleted message or a closed account is destroyed, the views
//! and the search show nothing of it any more, and the bytes of what was attached are removed, an event says so.
//!
//! What is to be done stands in the views: what was asked for and has no receipt. What is held waits there. Every node does
//! all of this, each step may be done again, and a receipt is written once, by the version of its stream.

use std::{sync::Arc, time::Duration};

use tidings_attachments::{BlobError, Vault};
use tidings_commands::{Commands, Context, Error};
use tidings_domain::{AttachmentId, MessageId, UserId, hold::Holds};
use tidings_event_store::{KeyError, Keyring, Position};
use tidings_projections::{Projection, QueryError, Views, model::Erasure, runner::NotYet};
use tokio::sync::watch;

use super::forgetting::Asked;
use crate::{clock, stores::Stores};

const RETRY_AFTER: Duration = Duration::from_secs(1);
const VIEWS_WITHIN: Duration = Duration::from_secs(30);
/// Erasures looked at in one go.
const PAGE: usize = 100;

/// The process, before it runs.
pub struct Erasing {
    commands: Commands,
    keyring: Keyring,
    views: Arc<Views>,
    vault: Vault,
    asked: watch::Receiver<Asked>,
}

/// Why an erasure is not complete. It is tried again.
#[derive(Debug, thiserror::Error)]
enum ErasingError {
    #[error(transparent)]
    Command(#[from] Error),
    #[error(transparent)]
    Keys(#[from] KeyError),
    #[error(transparent)]
    Views(#[from] QueryError),
    #[error(transparent)]
    Behind(#[from] NotYet),
    #[error(transparent)]
    Blob(#[from] BlobError),
}

impl Erasing {
    /// Erases what it hears of.
    pub fn new(stores: &Stores, asked: watch::Receiver<Asked>) -> Self {
        Self {
            commands: stores.commands.clone(),
            keyring: stores.codec.keyring().clone(),
            views: stores.views.clone(),
            vault: stores.vault.clone(),
            asked,
        }
    }

    /// Erases for ever.
    pub async fn run(mut self) {
        // nothing before it waits, but for what is held
        let (mut from, mut released) = (Position::START, 0);
        loop {
            let asked = *self.asked.borrow_and_update();
            if asked.releases != released {
                (from, released) = (Position::START, asked.releases);
            }
            match self.round(from, asked.to).await {
                Ok(to) => {
                    from = to;
                    if self.asked.changed().await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "something erased has no receipt yet; trying again");
                    tokio::time::sleep(RETRY_AFTER).await;
                }
            }
        }
    }

    /// Completes what waits after a position, as far as it is not held; up to where nothing else waits.
    async fn round(&self, from: Position, asked: Position) -> Result<Position, ErasingError> {
        self.views.wait_for(asked, VIEWS_WITHIN).await?;
        self.views.wait_for_view(Projection::Search, asked, VIEWS_WITHIN).await?;
        let (mut at, mut failed) = (from, None);
        loop {
            let waiting = self.views.queries().waiting_erasures(at, PAGE).await?;
            let Some(last) = waiting.last().map(|last| last.position) else { break };
            let holds = self.commands.holds().await?;
            for erasure in &waiting {
                if let Err(error) = self.complete(erasure, &holds).await {
                    failed.get_or_insert(error);
                }
            }
            at = last;
        }
        failed.map_or(Ok(at), Err)
    }

    async fn complete(&self, erasure: &Erasure, holds: &Holds) -> Result<(), ErasingError> {
        match erasure.message {
            Some(id) if holds.covers(id.conversation, erasure.user) => Ok(()),
            Some(id) => self.complete_message(id).await,
            None => self.complete_account(erasure.user, holds).await,
        }
    }

    async fn complete_message(&self, id: MessageId) -> Result<(), ErasingError> {
        let remains = self.commands.remains(id).await?;
        self.keyring.destroy(&remains.keys()).await?;
        for file in &remains.attachments {
            self.remove(file.id).await?;
        }
        self.commands.note_message_erased(id, &now()).await?;
        Ok(())
    }

    async fn complete_account(&self, user: UserId, holds: &Holds) -> Result<(), ErasingError> {
        let memberships = self.views.queries().memberships(user).await?;
        if holds.covers_person(user, memberships.into_iter().map(|membership| membership.conversation)) {
            return Ok(());
        }
        self.keyring.destroy(&[self.commands.key_of_closed(user).await?]).await?;
        for id in self.views.queries().attachments_of(user).await? {
            self.remove(id).await?;
        }
        self.commands.note_user_erased(user, &now()).await?;
        Ok(())
    }

    /// The bytes of a file, and then the file.
    async fn remove(&self, id: AttachmentId) -> Result<(), ErasingError> {
        if let Some(file) = self.commands.attachment(id).await? {
            self.vault.remove(id, file.key).await?;
            self.commands.remove_attachment(id, &now()).await?;
        }
        Ok(())
    }
}

fn now() -> Context {
    Context { now: clock::now(), ..Context::default() }
}
