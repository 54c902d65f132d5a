//! Writing, in a build that does not: the log is written to by commands.

use tidings_domain::StreamName;
use tonic::{Status, Streaming};

use crate::{
    proto::event_store::client::streams::{
        AppendReq, AppendResp, BatchAppendReq, BatchAppendResp, DeleteReq, DeleteResp, TombstoneReq, TombstoneResp,
    },
    streams::Answers,
};

/// Has no value: there is nobody who writes. Its methods have the form of what it stands for.
#[derive(Clone)]
pub(crate) enum Writing {}

#[expect(clippy::unused_async, reason = "has the form of what it stands for")]
impl Writing {
    pub(crate) fn check(&self, _: &StreamName) -> Result<(), Status> {
        match *self {}
    }

    pub(crate) async fn append_all(&self, _: Streaming<AppendReq>) -> Result<AppendResp, Status> {
        match *self {}
    }

    pub(crate) async fn delete_stream(&self, _: DeleteReq) -> Result<DeleteResp, Status> {
        match *self {}
    }

    pub(crate) async fn bury_stream(&self, _: TombstoneReq) -> Result<TombstoneResp, Status> {
        match *self {}
    }

    pub(crate) fn append_batches(&self, _: Streaming<BatchAppendReq>) -> Answers<BatchAppendResp> {
        match *self {}
    }
}
