//! Reading so many events.

use std::collections::VecDeque;

use futures::{Stream, stream};
use tidings_domain::StreamName;
use tonic::Status;

use super::{Desk, Pages};
use crate::{
    filter::EventFilter,
    proto::event_store::client::streams::ReadResp,
    request::{Asked, Target},
    wire,
};

/// A reading that ends.
pub(crate) struct Reading {
    desk: Desk,
    pages: Pages,
    filter: Option<EventFilter>,
    /// How many events may still go out.
    left: u64,
    ready: VecDeque<ReadResp>,
    /// The stream, until an event of it was seen.
    unseen: Option<StreamName>,
}

impl Reading {
    pub(crate) async fn begin(desk: Desk, asked: Asked) -> Result<Self, Status> {
        let unseen = match &asked.target {
            Target::Stream(stream, _) => Some(stream.clone()),
            Target::All(_) => None,
        };
        let pages = Pages::of(asked.target, asked.direction, &*desk.store).await?;
        let left = asked.count.unwrap_or_default();
        Ok(Self { desk, pages, filter: asked.filter, left, ready: VecDeque::new(), unseen })
    }

    pub(crate) fn into_stream(self) -> impl Stream<Item = Result<ReadResp, Status>> + Send {
        stream::try_unfold(self, |mut reading| async move { Ok(reading.next().await?.map(|answer| (answer, reading))) })
    }

    async fn next(&mut self) -> Result<Option<ReadResp>, Status> {
        loop {
            if let Some(answer) = self.ready.pop_front() {
                return Ok(Some(answer));
            }
            if self.left == 0 {
                return Ok(None);
            }
            let Some(mut events) = self.pages.next(&*self.desk.store).await? else {
                self.left = 0;
                return self.not_found().await;
            };
            if let Some(filter) = &self.filter {
                events.retain(|event| filter.admits(event));
            }
            events.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
            if !events.is_empty() {
                self.unseen = None;
            }
            self.left -= events.len() as u64;
            self.ready.extend(self.desk.render(&events).await?);
        }
    }

    /// Says so when the stream has no event at all, rather than none where the reading began.
    async fn not_found(&mut self) -> Result<Option<ReadResp>, Status> {
        let Some(stream) = self.unseen.take() else { return Ok(None) };
        let first = crate::status::asked(self.desk.store.read_stream(&stream, 0, 1)).await?;
        Ok(first.is_empty().then(|| wire::stream_not_found(&stream)))
    }
}
