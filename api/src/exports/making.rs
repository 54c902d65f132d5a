//! Makes exports, one after the other, and removes those whose time is over.

use std::{collections::HashSet, time::Duration};

use futures::TryStreamExt;
use tidings_attachments::BlobError;
use tidings_event_store::{KeyError, Position};
use tidings_projections::PastError;
use tokio::time::timeout;
use uuid::Uuid;

use super::{
    Exports, Job, State, Subject, VIEWS_WITHIN,
    manifest::{self, About, Listed},
    parts::{MakeError, Parts},
    person,
};
use crate::clock;

/// How often it is looked whether the time of one is over.
const LOOK_EVERY: Duration = Duration::from_mins(1);
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// How often one is tried again that could not be made for want of something that may come back.
const TRIES: u32 = 20;

/// Why something is left.
#[derive(Debug, thiserror::Error)]
enum SweepError {
    #[error(transparent)]
    Blob(#[from] BlobError),
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// The process, before it runs.
pub(super) struct Making(Exports);

impl Making {
    /// Of the exports of this node.
    pub(super) const fn new(exports: Exports) -> Self {
        Self(exports)
    }

    /// Makes for ever.
    pub(super) async fn run(self) {
        let exports = self.0;
        if let Err(error) = exports.sweep().await {
            tracing::warn!(%error, "what a crash left of exports stays for now");
        }
        loop {
            exports.remove_expired(clock::now()).await;
            // the oldest first, and one that cannot be made now gives way to the others
            for job in exports.0.shelf.all().into_iter().filter(|job| job.state == State::Running) {
                exports.make_at_last(job.id).await;
            }
            if !exports.0.shelf.all().iter().any(|job| job.state == State::Running) {
                drop(timeout(LOOK_EVERY, exports.0.asked.notified()).await);
            }
        }
    }
}

impl Exports {
    /// Removes what belongs to no export: a crash came before it was noted, or after it was taken out.
    async fn sweep(&self) -> Result<(), SweepError> {
        let known: HashSet<_> =
            self.0.shelf.all().iter().flat_map(|job| job.parts.iter().map(|part| part.key)).collect();
        let mut files = self.0.vault.list();
        while let Some(file) = files.try_next().await? {
            if !known.contains(&file.place.key) {
                self.0.keyring.destroy(&[file.place.key]).await?;
                self.0.vault.remove(file.place.id, file.place.key).await?;
            }
        }
        Ok(())
    }

    /// Makes an export, or says why it cannot be made.
    async fn make_at_last(&self, id: Uuid) {
        let mut tries = 0;
        loop {
            let Some(job) = self.0.shelf.get(id).filter(|job| job.state == State::Running) else { return };
            let error = match self.make(job).await {
                Ok(()) => return tracing::info!(export = %id, "an export is ready"),
                Err(MakeError::Outdated) => continue,
                Err(error) => error,
            };
            tries += 1;
            let lasting = matches!(
                error,
                MakeError::TooLarge(_)
                    | MakeError::Nothing
                    | MakeError::Json(_)
                    | MakeError::Past(PastError::TooMuch { .. })
            );
            tracing::warn!(%error, export = %id, tries, "an export could not be made");
            if lasting || tries == TRIES {
                let why = if lasting { error.to_string() } else { "the storage does not answer".to_owned() };
                return self.fail(id, why).await;
            }
            tokio::time::sleep(RETRY_AFTER).await;
        }
    }

    async fn fail(&self, id: Uuid, why: String) {
        let Some(mut job) = self.0.shelf.get(id) else { return };
        let parts = std::mem::take(&mut job.parts);
        job.state = State::Failed(why);
        if let Err(error) = self.0.shelf.replace(job) {
            tracing::error!(%error, export = %id, "an export cannot be noted");
        }
        if let Err(error) = self.forget(&parts).await {
            tracing::error!(%error, export = %id, "the parts of an export that failed stay for now");
        }
    }

    /// Makes what is not there yet, and signs the whole.
    async fn make(&self, mut job: Job) -> Result<(), MakeError> {
        let inner = &self.0;
        inner.views.wait_for(Position::new(job.position), VIEWS_WITHIN).await?;
        let views = inner.views.queries();
        let (viewer, conversations) = match job.subject {
            Subject::Person(user) => {
                (user, views.memberships(user).await?.into_iter().map(|place| place.conversation).collect())
            }
            Subject::Conversation(id, viewer) => (viewer, vec![id]),
            Subject::Audited(id) => (job.owner, vec![id]),
            Subject::Log(..) => (job.owner, Vec::new()),
        };
        if let Subject::Conversation(id, viewer) = job.subject
            && views.membership(viewer, id).await?.is_none()
        {
            return Err(MakeError::Nothing);
        }
        // known before anything of them is written: what is erased of them from now on is noticed
        job.conversations = conversations.iter().copied().collect();
        self.keep(&job)?;
        let left = inner.config.max_bytes.checked_sub(job.bytes());
        let left = left.ok_or(MakeError::TooLarge(inner.config.max_bytes >> 20))?;
        let parts = Parts {
            vault: &inner.vault,
            keyring: &inner.keyring,
            author_key: job.author_key,
            left,
            most: inner.config.max_bytes,
        };
        let mut making = person::Making {
            inner,
            views: views.as_ref(),
            viewer,
            conversations,
            people: Vec::new(),
            parts,
            past: None,
        };
        if let Subject::Audited(id) = job.subject {
            let past = inner.past.of_auditors.conversations(&[id], None, Position::new(job.position)).await?;
            making.past = Some(past);
        }
        let plan = making.plan(job.subject).await?;
        for (done, section) in plan.iter().enumerate() {
            job.progress = (done as u64, plan.len() as u64);
            if job.part(&section.name()).is_some() {
                continue;
            }
            let made = making.make(*section).await?;
            job.people.extend(making.people.drain(..));
            let key = made.as_ref().map(|part| part.key);
            job.parts.extend(made);
            if let Err(error) = self.keep(&job) {
                // something was erased meanwhile, perhaps of this part
                if let Some(key) = key {
                    let made: Vec<_> = job.parts.into_iter().filter(|part| part.key == key).collect();
                    self.forget(&made).await?;
                }
                return Err(error);
            }
        }
        job.progress = (plan.len() as u64, plan.len() as u64);
        job.manifest = Some(self.signed(&job)?);
        job.state = State::Ready;
        self.keep(&job)
    }

    /// Notes how far it is, unless it is out of date.
    fn keep(&self, job: &Job) -> Result<(), MakeError> {
        if self.0.shelf.replace(job.clone())? { Ok(()) } else { Err(MakeError::Outdated) }
    }

    fn signed(&self, job: &Job) -> Result<String, MakeError> {
        let (of, id) = match job.subject {
            Subject::Person(user) => ("person", user.to_string()),
            Subject::Conversation(id, _) | Subject::Audited(id) => ("conversation", id.to_string()),
            Subject::Log(from, to) => ("log", format!("{from}-{to}")),
        };
        let about = About {
            export: job.id.to_string(),
            of: of.to_owned(),
            id,
            requested_by: job.owner.to_string(),
            requested_at: job.requested_at.to_string(),
            position: job.position,
            parts: job.parts.len(),
        };
        let listed: Vec<Listed> = job.parts.iter().map(Into::into).collect();
        Ok(manifest::sign(&about, &listed, &self.0.signer)?)
    }
}

impl From<&super::Part> for Listed {
    fn from(part: &super::Part) -> Self {
        Self {
            name: part.name.clone(),
            media_type: part.media_type.clone(),
            bytes: part.bytes,
            lines: part.lines,
            sha256: part.sha256.clone(),
        }
    }
}
