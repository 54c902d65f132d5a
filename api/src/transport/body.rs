//! Bodies that must keep coming.

use std::{
    error::Error,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

/// How slowly a body may come once the client's patience is used up: this is far below what any network gives that one
/// can work with.
const BYTES_A_SECOND: u64 = 1024;

/// The client took too long to send a body.
#[derive(Debug, thiserror::Error)]
#[error("the body took too long to arrive")]
pub struct TooSlow;

/// A body whose client may be waited for only so long: for a while, and a second more for each [`BYTES_A_SECOND`] that came.
/// Only the time in which the server waits counts, and a body that is there at once costs nothing.
#[derive(Debug)]
pub(super) struct Patient<B> {
    body: B,
    patience: Duration,
    waited: Duration,
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl<B> Patient<B> {
    pub(super) fn new(body: B, patience: Duration) -> Self {
        Self { body, patience, waited: Duration::ZERO, waiting: None }
    }
}

impl<B> Body for Patient<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            if let Some((since, _)) = this.waiting.take() {
                this.waited += since.elapsed();
            }
            if let Some(Ok(data)) = frame.as_ref().map(|frame| frame.as_ref().map(Frame::data_ref)) {
                let bytes = data.map_or(0, |data| data.len() as u64);
                this.patience += Duration::from_micros(bytes * 1_000_000 / BYTES_A_SECOND);
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let left = this.patience.saturating_sub(this.waited);
        let (_, sleep) = this.waiting.get_or_insert_with(|| {
            let now = Instant::now();
            (now, Box::pin(sleep_until(now + left)))
        });
        ready!(sleep.as_mut().poll(context));
        Poll::Ready(Some(Err(TooSlow.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body as AxumBody, to_bytes};
    use futures::{StreamExt, stream};
    use std::convert::Infallible;
    use tokio::time::sleep;

    /// A body in pieces of this size, each after a pause.
    async fn received(pieces: usize, size: usize, pause: Duration) -> Result<usize, String> {
        let pieces = stream::iter(0..pieces).then(move |_| async move {
            sleep(pause).await;
            Ok::<_, Infallible>(Bytes::from(vec![b'x'; size]))
        });
        let body = AxumBody::from_stream(pieces);
        let body = AxumBody::new(Patient::new(body, Duration::from_secs(10)));
        to_bytes(body, usize::MAX).await.map(|bytes| bytes.len()).map_err(|error| error.to_string())
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_keeps_coming_may_take_long() {
        assert_eq!(received(100, 2048, Duration::from_secs(2)).await, Ok(204_800));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_trickles_is_given_up() {
        let slow = TooSlow.to_string();
        assert_eq!(received(100, 1, Duration::from_secs(2)).await, Err(slow.clone()));
        assert_eq!(received(1, 2048, Duration::from_secs(11)).await, Err(slow));
    }
}
