//! Snapshots, in streams of their own beside those they shorten: `snapshot-{stream}`. The log does not show them.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tidings_domain::StreamName;
use uuid::Uuid;

use super::{
    client::{Answer, Client, ReadFrom},
    stored::data,
};
use crate::port::{Snapshot, StoreError};

/// The largest that is kept. A state beyond it is folded from its events each time.
const LARGEST: usize = 1_000_000;
/// How often it is tried again when another node keeps one at the same moment.
const TRIES: usize = 3;

#[derive(Serialize, Deserialize)]
struct Header {
    version: u64,
    format: String,
}

fn stream_of(stream: &StreamName) -> String {
    format!("snapshot-{stream}")
}

/// The newest snapshot, and how many there were.
pub(super) async fn load(client: &Client, stream: &StreamName) -> Result<Option<(Snapshot, u64)>, StoreError> {
    let newest = client.read_stream(&stream_of(stream), ReadFrom::End, 1).await?;
    let snapshot = newest.into_iter().next().and_then(|stored| {
        // one that cannot be read is none: a shortcut, never the truth
        let header: Header = serde_json::from_slice(&stored.event.metadata).ok()?;
        let snapshot = Snapshot { version: header.version, format: header.format, data: stored.event.data };
        Some((snapshot, stored.event.version))
    });
    Ok(snapshot)
}

pub(super) async fn save(client: &Client, stream: &StreamName, snapshot: Snapshot) -> Result<(), StoreError> {
    if snapshot.data.len() > LARGEST {
        return Err(StoreError::Unavailable(format!("a snapshot of {} bytes is too large", snapshot.data.len())));
    }
    let name = stream_of(stream);
    let header = Header { version: snapshot.version, format: snapshot.format };
    let metadata: Bytes = serde_json::to_vec(&header)
        .map_err(|error| StoreError::Unavailable(format!("a snapshot's header: {error}")))?
        .into();
    let mut outcome = Ok(());
    for _ in 0..TRIES {
        let kept = load(client, stream).await?;
        if kept.as_ref().is_some_and(|(kept, _)| kept.format == header.format && kept.version >= header.version) {
            return Ok(());
        }
        let before = kept.map(|(_, count)| count);
        let event = data("snapshot", &snapshot.data).id(Uuid::now_v7()).metadata(metadata.clone());
        match client.append(&name, before, vec![event]).await {
            Answer::Appended { .. } if before.is_none() => return client.keep_newest_only(&name).await,
            Answer::Appended { .. } => return Ok(()),
            Answer::WrongVersion { .. } => {}
            Answer::Unknown(error) | Answer::Refused(error) => outcome = Err(error),
        }
    }
    outcome
}
