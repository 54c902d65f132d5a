//! Appending, by KurrentDB's rules: for the throw-away servers that stand in for it in tests.

mod batch;
mod deleting;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use tidings_domain::{StreamName, UserId};
use tonic::{Status, Streaming};
use uuid::Uuid;

use crate::{
    Credentials, Denied, Gatekeeper, Pass,
    proto::event_store::client::streams::{
        AppendReq, AppendResp, BatchAppendReq, BatchAppendResp, DeleteReq, DeleteResp, TombstoneReq, TombstoneResp,
        append_req::{Content, options::ExpectedStreamRevision},
        append_resp::{
            self, Success,
            success::{CurrentRevisionOption, PositionOption},
            wrong_expected_version::{CurrentRevisionOption as Current, ExpectedRevisionOption as Wanted},
        },
        delete_req::options::ExpectedStreamRevision as ExpectedToDelete,
        delete_resp::PositionOption as DeletedAt,
        tombstone_req::options::ExpectedStreamRevision as ExpectedToBury,
        tombstone_resp::PositionOption as BuriedAt,
    },
    request::stream_name,
    streams::Answers,
};
pub(crate) use deleting::Deletions;
use write::{Expected, Proposed, Written, write};

/// Lets everybody in.
pub(crate) struct Everybody;

#[async_trait]
impl Gatekeeper for Everybody {
    async fn admit(&self, _: Credentials) -> Result<Pass, Denied> {
        Ok(Pass { user: UserId::new(Uuid::nil()), session: None, credential: 0, opens: false })
    }

    async fn note(&self, _: &Pass, _: Option<&StreamName>) -> Result<(), Denied> {
        Ok(())
    }

    async fn still_admits(&self, _: &Pass) -> Result<(), Denied> {
        Ok(())
    }
}

/// Writes to a log that stands in for KurrentDB's.
pub(crate) type Writing = Arc<Deletions>;

impl Deletions {
    pub(crate) async fn append_all(&self, parts: Streaming<AppendReq>) -> Result<AppendResp, Status> {
        append(self, parts).await
    }

    pub(crate) async fn delete_stream(&self, request: DeleteReq) -> Result<DeleteResp, Status> {
        let options = request.options.ok_or_else(nothing_asked)?;
        let expected = match options.expected_stream_revision {
            Some(ExpectedToDelete::Revision(revision)) => Expected::Revision(revision),
            Some(ExpectedToDelete::NoStream(())) => Expected::NoStream,
            Some(ExpectedToDelete::StreamExists(())) => Expected::StreamExists,
            Some(ExpectedToDelete::Any(())) | None => Expected::Any,
        };
        self.delete(stream_name(options.stream_identifier)?, expected, false).await?;
        Ok(DeleteResp { position_option: Some(DeletedAt::NoPosition(())) })
    }

    pub(crate) async fn bury_stream(&self, request: TombstoneReq) -> Result<TombstoneResp, Status> {
        let options = request.options.ok_or_else(nothing_asked)?;
        let expected = match options.expected_stream_revision {
            Some(ExpectedToBury::Revision(revision)) => Expected::Revision(revision),
            Some(ExpectedToBury::NoStream(())) => Expected::NoStream,
            Some(ExpectedToBury::StreamExists(())) => Expected::StreamExists,
            Some(ExpectedToBury::Any(())) | None => Expected::Any,
        };
        self.delete(stream_name(options.stream_identifier)?, expected, true).await?;
        Ok(TombstoneResp { position_option: Some(BuriedAt::NoPosition(())) })
    }

    pub(crate) fn append_batches(self: &Arc<Self>, requests: Streaming<BatchAppendReq>) -> Answers<BatchAppendResp> {
        batch::batch_append(self.clone(), requests)
    }
}

fn nothing_asked() -> Status {
    Status::invalid_argument("the request does not say anything")
}

async fn append(log: &Deletions, mut parts: Streaming<AppendReq>) -> Result<AppendResp, Status> {
    let first = parts.message().await?.and_then(|part| part.content);
    let Some(Content::Options(options)) = first else {
        return Err(Status::invalid_argument("an append begins with its options"));
    };
    let stream = stream_name(options.stream_identifier)?;
    let expected = match options.expected_stream_revision {
        Some(ExpectedStreamRevision::Revision(revision)) => Expected::Revision(revision),
        Some(ExpectedStreamRevision::NoStream(())) => Expected::NoStream,
        Some(ExpectedStreamRevision::StreamExists(())) => Expected::StreamExists,
        Some(ExpectedStreamRevision::Any(())) | None => Expected::Any,
    };
    let mut events = Vec::new();
    while let Some(part) = parts.message().await? {
        let Some(Content::ProposedMessage(event)) = part.content else {
            return Err(Status::invalid_argument("options come once, before the events"));
        };
        let (metadata, data) = (event.custom_metadata, event.data);
        events.push(Proposed { id: event.id, kind: event.metadata, metadata, data }.into_event()?);
    }
    Ok(AppendResp { result: Some(answer(expected, &write(log, &stream, expected, events).await?)) })
}

fn answer(expected: Expected, written: &Written) -> append_resp::Result {
    match *written {
        Written::Done { version, position } => append_resp::Result::Success(Success {
            current_revision_option: Some(match version.checked_sub(1) {
                Some(revision) => CurrentRevisionOption::CurrentRevision(revision),
                None => CurrentRevisionOption::NoStream(()),
            }),
            position_option: Some(PositionOption::Position(append_resp::Position {
                commit_position: position.get(),
                prepare_position: position.get(),
            })),
        }),
        Written::Wrong { actual } => append_resp::Result::WrongExpectedVersion(append_resp::WrongExpectedVersion {
            current_revision_option: Some(match actual.checked_sub(1) {
                Some(revision) => Current::CurrentRevision(revision),
                None => Current::CurrentNoStream(()),
            }),
            expected_revision_option: Some(match expected {
                Expected::Revision(revision) => Wanted::ExpectedRevision(revision),
                Expected::NoStream => Wanted::ExpectedNoStream(()),
                Expected::Any => Wanted::ExpectedAny(()),
                Expected::StreamExists => Wanted::ExpectedStreamExists(()),
            }),
            current_revision_option_20_6_0: None,
            expected_revision_option_20_6_0: None,
        }),
    }
}
