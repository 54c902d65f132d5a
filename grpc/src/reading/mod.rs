//! Answers to `Streams.Read`: pulled by the client, one page at a time.

mod follow;
mod once;
mod pages;

use std::sync::Arc;

use tidings_event_store::{Codec, EventStore, RecordedEvent};
use tokio::sync::OwnedSemaphorePermit;
use tonic::Status;

pub(crate) use follow::Following;
pub(crate) use once::Reading;
pub(crate) use pages::{Pages, last_version};

use crate::{Pass, proto::event_store::client::streams::ReadResp, reveal, wire, wire::IdForm};

/// What every answer needs.
pub(crate) struct Desk {
    pub(crate) store: Arc<dyn EventStore>,
    /// Opens what is sealed; none where nothing is opened for anybody.
    pub(crate) codec: Option<Codec>,
    pub(crate) pass: Pass,
    pub(crate) ids: IdForm,
    /// One of the places there are for readers; free again when the answer ends.
    pub(crate) _place: OwnedSemaphorePermit,
}

impl Desk {
    /// Events in the form that this reader may see.
    async fn render(&self, events: &[Arc<RecordedEvent>]) -> Result<Vec<ReadResp>, Status> {
        let opened = match &self.codec {
            Some(codec) if self.pass.opens => reveal::opened(codec, events).await?,
            Some(_) | None => vec![None; events.len()],
        };
        Ok(events.iter().zip(opened).map(|(event, data)| wire::event(event, data, self.ids)).collect())
    }
}
