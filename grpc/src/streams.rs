//! The service `Streams`.

use std::{pin::Pin, sync::Arc};

use futures::{Stream, future::Either};
use tidings_event_store::{Codec, EventStore};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tonic::{Request, Response, Status, Streaming};

use crate::{
    Credentials, Gatekeeper,
    append::Writing,
    proto::event_store::client::streams::{
        AppendReq, AppendResp, BatchAppendReq, BatchAppendResp, DeleteReq, DeleteResp, ReadReq, ReadResp, TombstoneReq,
        TombstoneResp, streams_server::Streams,
    },
    reading::{Desk, Following, Reading},
    request::{Asked, Target},
    status::read_only,
};

/// How many may read at once, subscribers among them.
const MOST_READERS: usize = 256;

/// A stream of answers.
pub(crate) type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Serves the log. Cheap to clone.
#[derive(Clone)]
pub(crate) struct StreamsService {
    pub(crate) store: Arc<dyn EventStore>,
    pub(crate) codec: Option<Codec>,
    pub(crate) gate: Arc<dyn Gatekeeper>,
    pub(crate) stopping: watch::Receiver<bool>,
    /// Who writes: only where the server stands in for KurrentDB.
    writing: Option<Writing>,
    places: Arc<Semaphore>,
}

impl StreamsService {
    pub(crate) fn new(
        store: Arc<dyn EventStore>,
        codec: Option<Codec>,
        gate: Arc<dyn Gatekeeper>,
        stopping: watch::Receiver<bool>,
        writing: Option<Writing>,
    ) -> Self {
        Self { store, codec, gate, stopping, writing, places: Arc::new(Semaphore::new(MOST_READERS)) }
    }

    fn writing(&self) -> Result<&Writing, Status> {
        self.writing.as_ref().ok_or_else(read_only)
    }

    fn place(&self) -> Result<OwnedSemaphorePermit, Status> {
        let places = self.places.clone();
        places.try_acquire_owned().map_err(|_| Status::resource_exhausted("too many are reading: try again later"))
    }
}

#[tonic::async_trait]
impl Streams for StreamsService {
    type ReadStream = Answers<ReadResp>;
    type BatchAppendStream = Answers<BatchAppendResp>;

    async fn read(&self, request: Request<ReadReq>) -> Result<Response<Self::ReadStream>, Status> {
        let place = self.place()?;
        let pass = self.gate.admit(Credentials::of(request.metadata())).await?;
        let asked = Asked::parse(request.into_inner())?;
        if let (Some(writing), Target::Stream(stream, _)) = (&self.writing, &asked.target) {
            writing.check(stream)?;
        }
        if pass.opens && self.codec.is_some() {
            let stream = match &asked.target {
                Target::Stream(stream, _) => Some(stream),
                Target::All(_) => None,
            };
            self.gate.note(&pass, stream).await?;
        }
        let (store, codec, ids) = (self.store.clone(), self.codec.clone(), asked.ids);
        let desk = Desk { store, codec, pass, ids, _place: place };
        let answers = if asked.count.is_some() {
            Either::Left(Reading::begin(desk, asked).await?.into_stream())
        } else {
            let (gate, stopping) = (self.gate.clone(), self.stopping.clone());
            Either::Right(Following::begin(desk, gate, stopping, asked).await?.into_stream())
        };
        Ok(Response::new(Box::pin(answers)))
    }

    async fn append(&self, request: Request<Streaming<AppendReq>>) -> Result<Response<AppendResp>, Status> {
        self.writing()?.append_all(request.into_inner()).await.map(Response::new)
    }

    async fn delete(&self, request: Request<DeleteReq>) -> Result<Response<DeleteResp>, Status> {
        self.writing()?.delete_stream(request.into_inner()).await.map(Response::new)
    }

    async fn tombstone(&self, request: Request<TombstoneReq>) -> Result<Response<TombstoneResp>, Status> {
        self.writing()?.bury_stream(request.into_inner()).await.map(Response::new)
    }

    async fn batch_append(
        &self,
        request: Request<Streaming<BatchAppendReq>>,
    ) -> Result<Response<Self::BatchAppendStream>, Status> {
        Ok(Response::new(self.writing()?.append_batches(request.into_inner())))
    }
}
