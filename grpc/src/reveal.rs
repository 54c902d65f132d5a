//! Sealed parts in clear, for those who may read them.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};
use tidings_domain::StoredEvent;
use tidings_event_store::{Codec, RecordedEvent};
use tonic::Status;

/// For each event its data with the member `opened`, what was sealed, in place of `sealed`; `None` where it goes out as
/// it is stored: nothing is sealed in it, its key was destroyed, or this version does not understand it.
pub(crate) async fn opened(codec: &Codec, events: &[Arc<RecordedEvent>]) -> Result<Vec<Option<Bytes>>, Status> {
    let decoded = codec.open_stored(events).await.map_err(|error| {
        tracing::warn!(%error, "sealed events cannot be opened");
        Status::unavailable("sealed events cannot be opened now: try again later")
    })?;
    let open = |(recorded, decoded): (&Arc<RecordedEvent>, Result<_, _>)| {
        let decoded: tidings_event_store::DecodedEvent = decoded.ok()?;
        in_clear(&recorded.data, &decoded.event.private_part().ok()??)
    };
    Ok(events.iter().zip(decoded).map(open).collect())
}

fn in_clear(stored: &[u8], private: &[u8]) -> Option<Bytes> {
    let mut members: Map<String, Value> = serde_json::from_slice(stored).ok()?;
    members.remove("sealed")?;
    members.insert("opened".to_owned(), serde_json::from_slice(private).ok()?);
    Some(serde_json::to_vec(&members).ok()?.into())
}
