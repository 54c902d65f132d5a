//! A state that its stream has moved on from: other nodes write to the same streams, and loading a long one anew for each of
//! their events would cost more than everything else.

use std::sync::Arc;

use tidings_domain::{Decider, StreamName};
use tidings_event_store::RecordedEvent;

use super::Shared;
use crate::Error;

/// How many events that nobody here has asked for are kept for a stream. When there are more, it is read from the log when it is
/// needed.
const MOST_NEWS: usize = 16;

/// A state and what is known to follow it.
pub(super) struct Behind<D: Decider> {
    state: D::State,
    version: u64,
    /// What this node was told of since, without a gap.
    news: Vec<Arc<RecordedEvent>>,
    /// Whether there is more than it was told of.
    more: bool,
}

impl<D: Decider> Behind<D> {
    /// One that an append was refused on: the log has something that is not known here.
    pub(super) const fn refused(state: D::State, version: u64) -> Self {
        Self { state, version, news: Vec::new(), more: true }
    }

    /// One that is about to hear what follows.
    pub(super) const fn overtaken(state: D::State, version: u64) -> Self {
        Self { state, version, news: Vec::new(), more: false }
    }

    /// Takes in an event of its stream.
    pub(super) fn hear(&mut self, recorded: &Arc<RecordedEvent>) {
        let next = self.version + self.news.len() as u64 + 1;
        if recorded.version == next && self.news.len() < MOST_NEWS {
            self.news.push(recorded.clone());
        } else if recorded.version >= next {
            self.more = true;
            self.news = Vec::new();
        }
    }
}

impl Shared {
    /// The state after all that is known to follow it. A log that knows nothing of a state it refused is not the one that the
    /// state came from; then it is loaded from the beginning.
    pub(super) async fn catch_up<D: Decider>(
        self: &Arc<Self>,
        name: &StreamName,
        behind: Behind<D>,
    ) -> Result<(D::State, u64), Error> {
        let Behind { mut state, version, news, more } = behind;
        let mut reached = version;
        for recorded in &news {
            self.fold::<D>(&mut state, recorded).await?;
            reached = recorded.version;
        }
        if more {
            reached = self.fold_on::<D>(name, &mut state, reached).await?;
        }
        if reached == version { self.load::<D>(name).await } else { Ok((state, reached)) }
    }
}
