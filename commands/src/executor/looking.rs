//! Looking at states: most are in memory, and then nothing waits.

use std::sync::Arc;

use tidings_domain::{Decider, StreamId};

use super::{
    Executor, MAX_ATTEMPTS,
    entry::Entry,
    flight::{Landed, landed},
    held::Held,
};
use crate::{Error, Refusal};

impl<D: Decider> Executor<D>
where
    Refusal: From<D::Refusal>,
{
    /// Looks at the present state, loading it if need be. What it shows is in the log when this returns.
    pub(crate) async fn peek<R>(&self, stream: StreamId, look: impl Fn(&D::State) -> R) -> Result<R, Error> {
        match self.glance(stream, &look) {
            Some(seen) => Ok(seen),
            // boxed: callers would else carry about what it takes to load a state, for nothing as a rule
            None => Box::pin(self.look_up(stream, look)).await,
        }
    }

    /// What the state shows, if it is in memory and all of it in the log.
    fn glance<R>(&self, stream: StreamId, look: impl FnOnce(&D::State) -> R) -> Option<R> {
        let (seen, settled) = self.entries.get(&stream)?.peek(look)?;
        settled.is_none().then_some(seen)
    }

    async fn look_up<R>(&self, stream: StreamId, look: impl Fn(&D::State) -> R) -> Result<R, Error> {
        for _ in 0..MAX_ATTEMPTS {
            let entry = self.entry(stream).await?;
            let Some((seen, settled)) = entry.peek(&look) else { continue };
            match settled {
                None => return Ok(seen),
                Some(settled) => {
                    if matches!(landed(settled).await, Landed::Durable(_)) {
                        return Ok(seen);
                    }
                }
            }
        }
        Err(Error::Contended)
    }

    /// The stream's entry, its state loaded.
    pub(super) async fn entry(&self, stream: StreamId) -> Result<Arc<Entry<D>>, Error> {
        match self.entries.get(&stream) {
            Some(Held { entry, .. }) if entry.is_loaded() => Ok(entry),
            held => Box::pin(self.load(stream, held)).await,
        }
    }

    async fn load(&self, stream: StreamId, held: Option<Held<D>>) -> Result<Arc<Entry<D>>, Error> {
        let entry = if let Some(Held { entry, .. }) = held {
            entry
        } else {
            let made = || Ok::<_, Error>(Held::new(Arc::new(Entry::new(stream.name(), self.weigh))));
            self.entries.get_or_insert_with(&stream, made)?.entry
        };
        if entry.ensure_loaded(&self.shared).await? {
            // now that its weight is known
            self.entries.insert(stream, Held::new(entry.clone()));
        }
        Ok(entry)
    }
}
