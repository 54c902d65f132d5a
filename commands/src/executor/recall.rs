//! Permanent idempotency: what a command did the first time, read back from the log.

use tidings_domain::Decider;
use tidings_event_store::{CommandId, CommandKey, CommandRecord, Metadata};

use super::{Events, Executor, Request};
use crate::{Error, Outcome, Refusal};

/// More events than any keyed command has.
const MOST_EVENTS_OF_A_COMMAND: usize = 100;

impl<D: Decider> Executor<D>
where
    Refusal: From<D::Refusal>,
{
    /// For each request what its key did before; `None` for a new one or one without a key.
    pub(super) async fn recall_all(
        &self,
        requests: &[Request<'_, D::Command>],
    ) -> Result<Vec<Option<Outcome<Events<D::Event>>>>, Error> {
        let keys: Vec<CommandKey> = requests.iter().filter_map(|request| request.context.key).collect();
        let mut found = if keys.is_empty() {
            vec![]
        } else {
            let ids: Vec<CommandId> = keys.iter().map(|key| key.id).collect();
            self.shared.store().find_commands(&ids).await?
        }
        .into_iter();
        let mut recalled = Vec::with_capacity(requests.len());
        for request in requests {
            let record = request.context.key.and_then(|key| Some((key, found.next().flatten()?)));
            recalled.push(match record {
                Some((key, record)) => Some(self.recall(key, &record).await?),
                None => None,
            });
        }
        Ok(recalled)
    }

    async fn recall(&self, key: CommandKey, record: &CommandRecord) -> Result<Outcome<Events<D::Event>>, Error> {
        if record.fingerprint != key.fingerprint {
            return Err(Error::KeyReused);
        }
        let store = self.shared.store();
        let recorded = store.read_stream(&record.stream, record.version - 1, MOST_EVENTS_OF_A_COMMAND).await?;
        let id = hex::encode(key.id.0);
        let mut outcome = Outcome { value: Events::new(), position: Some(record.position), replayed: true };
        for recorded in recorded {
            let metadata: Metadata = serde_json::from_slice(&recorded.metadata).unwrap_or_default();
            if metadata.command.as_deref() != Some(id.as_str()) {
                break;
            }
            let event = self.shared.codec().open::<D::Event>(&recorded, |_| true).await?;
            outcome.position = Some(recorded.position);
            outcome.value.push((recorded.version, event));
        }
        Ok(outcome)
    }
}
