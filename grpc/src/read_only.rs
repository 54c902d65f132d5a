//! Writing, in a build that does not: the log is written to by commands.

use std::sync::Arc;

use tidings_event_store::EventStore;
use tonic::{Status, Streaming};

use crate::{
    proto::event_store::client::streams::{
        AppendReq, AppendResp, BatchAppendReq, BatchAppendResp, DeleteReq, DeleteResp, TombstoneReq, TombstoneResp,
    },
    status::read_only,
    streams::Answers,
};

#[expect(clippy::unused_async, reason = "has the form of what it stands for")]
pub(crate) async fn append(_: &dyn EventStore, _: Streaming<AppendReq>) -> Result<AppendResp, Status> {
    Err(read_only())
}

pub(crate) fn delete(_: &DeleteReq) -> Result<DeleteResp, Status> {
    Err(read_only())
}

pub(crate) fn tombstone(_: &TombstoneReq) -> Result<TombstoneResp, Status> {
    Err(read_only())
}

pub(crate) fn batch_append(
    _: Arc<dyn EventStore>,
    _: Streaming<BatchAppendReq>,
) -> Result<Answers<BatchAppendResp>, Status> {
    Err(read_only())
}
