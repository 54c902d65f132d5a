//! Permanent idempotency: what a command did the first time, read back from the log.

use std::collections::HashMap;

use tidings_domain::{Decider, StreamId, StreamName};
use tidings_event_store::{CommandId, CommandKey, CommandRecord, Metadata};

use super::{Events, Executor, Request};
use crate::{Context, Error, Outcome, Refusal};

/// More events than any keyed command has.
const MOST_EVENTS_OF_A_COMMAND: usize = 100;

/// What is known of a request's key before the request is carried out.
pub(super) enum Prior<E> {
    /// Nothing, or there is no key.
    None,
    /// It was carried out.
    Recalled(Outcome<Events<E>>),
    /// An earlier request of the same batch has it, and asks the same.
    SameAs(usize),
    /// It was used for another request.
    Reused,
}

impl<D: Decider> Executor<D>
where
    Refusal: From<D::Refusal>,
{
    /// What a command with this key did before; `None` for a new one or one without a key. To be asked before anything is
    /// checked that may have changed since: the first answer stands.
    pub(crate) async fn recalled(
        &self,
        stream: StreamId,
        context: &Context,
    ) -> Result<Option<Outcome<Events<D::Event>>>, Error> {
        let Some(key) = context.key else { return Ok(None) };
        let found = self.shared.store().find_commands(&[key.id]).await?;
        match found.into_iter().flatten().next() {
            Some(record) => match self.recall(&stream.name(), key, &record).await? {
                Prior::Recalled(outcome) => Ok(Some(outcome)),
                Prior::None | Prior::SameAs(_) | Prior::Reused => Err(Error::KeyReused),
            },
            None => Ok(None),
        }
    }

    /// For each request what its key did before.
    pub(super) async fn recall_all(
        &self,
        stream: StreamId,
        requests: &[Request<'_, D::Command>],
        wanted: impl Fn(usize) -> bool,
    ) -> Result<Vec<Prior<D::Event>>, Error> {
        let mut priors = repeated(requests);
        let keyed =
            |(nth, request): (usize, &Request<'_, _>)| Some((nth, request.context.key.filter(|_| wanted(nth))?));
        let keys: Vec<(usize, CommandKey)> = requests.iter().enumerate().filter_map(keyed).collect();
        if keys.is_empty() {
            return Ok(priors);
        }
        let ids: Vec<CommandId> = keys.iter().map(|(_, key)| key.id).collect();
        let found = self.shared.store().find_commands(&ids).await?;
        let name = stream.name();
        for ((nth, key), record) in keys.into_iter().zip(found) {
            if let Some(record) = record
                && matches!(priors[nth], Prior::None)
            {
                priors[nth] = self.recall(&name, key, &record).await?;
            }
        }
        Ok(priors)
    }

    async fn recall(
        &self,
        stream: &StreamName,
        key: CommandKey,
        record: &CommandRecord,
    ) -> Result<Prior<D::Event>, Error> {
        if record.fingerprint != key.fingerprint || record.stream != *stream {
            return Ok(Prior::Reused);
        }
        let store = self.shared.store();
        let recorded = store.read_stream(stream, record.version.saturating_sub(1), MOST_EVENTS_OF_A_COMMAND).await?;
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
        Ok(Prior::Recalled(outcome))
    }
}

/// Which requests of a batch have a key that an earlier one of it has.
fn repeated<C, E>(requests: &[Request<'_, C>]) -> Vec<Prior<E>> {
    if requests.len() == 1 {
        return vec![Prior::None];
    }
    let mut first: HashMap<CommandId, (usize, CommandKey)> = HashMap::new();
    let prior = |(nth, request): (usize, &Request<'_, C>)| {
        let Some(key) = request.context.key else { return Prior::None };
        match *first.entry(key.id).or_insert((nth, key)) {
            (same, _) if same == nth => Prior::None,
            (same, asked) if asked == key => Prior::SameAs(same),
            _ => Prior::Reused,
        }
    };
    requests.iter().enumerate().map(prior).collect()
}
