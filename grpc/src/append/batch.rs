//! Batch append: many appends on one call. A conflict ends only its own append here, where KurrentDB's client ends all.

use std::{collections::HashMap, sync::Arc};

use futures::stream;
use prost::Message;
use prost_types::Any;
use tidings_event_store::NewEvent;
use tonic::{Code, Status, Streaming};

use super::{
    Deletions,
    write::{Expected, Proposed, Written, write},
};
use crate::{
    proto::{
        event_store::client::{
            AllStreamPosition, Uuid as WireUuid, WrongExpectedVersion,
            streams::{
                BatchAppendReq, BatchAppendResp,
                batch_append_req::{self, options::ExpectedStreamPosition},
                batch_append_resp::{
                    self, Success,
                    success::{CurrentRevisionOption, PositionOption},
                },
            },
            wrong_expected_version::{CurrentStreamRevisionOption, ExpectedStreamPositionOption},
        },
        google::rpc,
    },
    request::stream_name,
    streams::Answers,
};

/// Appends that were begun and are not final.
const MOST_OPEN: usize = 64;
const MOST_EVENTS: usize = 100_000;

#[derive(Default)]
struct Open {
    options: Option<batch_append_req::Options>,
    events: Vec<NewEvent>,
}

struct Batch {
    log: Arc<Deletions>,
    requests: Streaming<BatchAppendReq>,
    open: HashMap<Vec<u8>, Open>,
}

pub(super) fn batch_append(log: Arc<Deletions>, requests: Streaming<BatchAppendReq>) -> Answers<BatchAppendResp> {
    let batch = Batch { log, requests, open: HashMap::new() };
    Box::pin(stream::try_unfold(
        batch,
        |mut batch| async move { Ok(batch.next().await?.map(|answer| (answer, batch))) },
    ))
}

impl Batch {
    async fn next(&mut self) -> Result<Option<BatchAppendResp>, Status> {
        while let Some(request) = self.requests.message().await? {
            if let Some((correlation, open)) = self.take(request)? {
                return self.write(correlation, open).await.map(Some);
            }
        }
        Ok(None)
    }

    /// Adds a request's events to its append; the append when it is whole.
    fn take(&mut self, request: BatchAppendReq) -> Result<Option<(Option<WireUuid>, Open)>, Status> {
        let key = request.correlation_id.as_ref().map(Message::encode_to_vec).unwrap_or_default();
        if self.open.len() >= MOST_OPEN && !self.open.contains_key(&key) {
            return Err(Status::resource_exhausted("too many appends are begun"));
        }
        let open = self.open.entry(key.clone()).or_default();
        open.options = request.options.or(open.options.take());
        for event in request.proposed_messages {
            let (metadata, data) = (event.custom_metadata, event.data);
            open.events.push(Proposed { id: event.id, kind: event.metadata, metadata, data }.into_event()?);
        }
        if open.events.len() > MOST_EVENTS {
            return Err(Status::resource_exhausted("too many events in one append"));
        }
        Ok(if request.is_final { self.open.remove(&key).map(|open| (request.correlation_id, open)) } else { None })
    }

    async fn write(&self, correlation_id: Option<WireUuid>, open: Open) -> Result<BatchAppendResp, Status> {
        let options = open.options.ok_or_else(|| Status::invalid_argument("an append without options"))?;
        let stream_identifier = options.stream_identifier.clone();
        let stream = stream_name(options.stream_identifier)?;
        let (expected, echo) = match options.expected_stream_position {
            Some(ExpectedStreamPosition::StreamPosition(revision)) => {
                (Expected::Revision(revision), batch_append_resp::ExpectedStreamPosition::StreamPosition(revision))
            }
            Some(ExpectedStreamPosition::NoStream(())) => {
                (Expected::NoStream, batch_append_resp::ExpectedStreamPosition::NoStream(()))
            }
            Some(ExpectedStreamPosition::StreamExists(())) => {
                (Expected::StreamExists, batch_append_resp::ExpectedStreamPosition::StreamExists(()))
            }
            Some(ExpectedStreamPosition::Any(())) | None => {
                (Expected::Any, batch_append_resp::ExpectedStreamPosition::Any(()))
            }
        };
        let result = match write(&self.log, &stream, expected, open.events).await {
            Ok(written) => answer(expected, &written),
            Err(status) => batch_append_resp::Result::Error(rpc::Status {
                code: status.code().into(),
                message: status.message().to_owned(),
                details: None,
            }),
        };
        let (result, expected_stream_position) = (Some(result), Some(echo));
        Ok(BatchAppendResp { correlation_id, stream_identifier, result, expected_stream_position })
    }
}

fn answer(expected: Expected, written: &Written) -> batch_append_resp::Result {
    match *written {
        Written::Done { version, position } => batch_append_resp::Result::Success(Success {
            current_revision_option: Some(match version.checked_sub(1) {
                Some(revision) => CurrentRevisionOption::CurrentRevision(revision),
                None => CurrentRevisionOption::NoStream(()),
            }),
            position_option: Some(PositionOption::Position(AllStreamPosition {
                commit_position: position.get(),
                prepare_position: position.get(),
            })),
        }),
        Written::Wrong { actual } => {
            let detail = WrongExpectedVersion {
                current_stream_revision_option: Some(match actual.checked_sub(1) {
                    Some(revision) => CurrentStreamRevisionOption::CurrentStreamRevision(revision),
                    None => CurrentStreamRevisionOption::CurrentNoStream(()),
                }),
                expected_stream_position_option: Some(match expected {
                    Expected::Revision(revision) => ExpectedStreamPositionOption::ExpectedStreamPosition(revision),
                    Expected::NoStream => ExpectedStreamPositionOption::ExpectedNoStream(()),
                    Expected::Any => ExpectedStreamPositionOption::ExpectedAny(()),
                    Expected::StreamExists => ExpectedStreamPositionOption::ExpectedStreamExists(()),
                }),
            };
            batch_append_resp::Result::Error(rpc::Status {
                code: Code::AlreadyExists.into(),
                message: "WrongExpectedVersion".to_owned(),
                details: Some(Any {
                    type_url: "type.googleapis.com/event_store.client.WrongExpectedVersion".to_owned(),
                    value: detail.encode_to_vec(),
                }),
            })
        }
    }
}
