//! A connection's socket with its place among the connections, given up when its client takes nothing in.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::OwnedSemaphorePermit,
    time::{Sleep, sleep},
};

/// See the module. A socket outlives the HTTP it began with: an upgraded one is kept, and its place with it.
pub(super) struct Kept<S> {
    stream: S,
    patience: Duration,
    /// Set while there is something to write and no room for it.
    stalled: Option<Pin<Box<Sleep>>>,
    _place: OwnedSemaphorePermit,
}

impl<S> Kept<S> {
    pub(super) const fn new(stream: S, place: OwnedSemaphorePermit, patience: Duration) -> Self {
        Self { stream, patience, stalled: None, _place: place }
    }

    /// What came of writing, or the end of patience. Anything that gets through begins it anew.
    fn judged<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let patience = self.patience;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing in")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Kept<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Kept<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judged(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.judged(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.judged(flushed, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = Pin::new(&mut self.stream).poll_shutdown(context);
        self.judged(ended, context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, duplex},
        sync::Semaphore,
    };

    async fn kept(room: &Arc<Semaphore>) -> (Kept<tokio::io::DuplexStream>, tokio::io::DuplexStream) {
        let (server, client) = duplex(64);
        let place = room.clone().acquire_owned().await.unwrap();
        (Kept::new(server, place, Duration::from_secs(10)), client)
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_in_is_given_up_and_gives_its_place_back() {
        let room = Arc::new(Semaphore::new(1));
        let (mut server, _client) = kept(&room).await;
        let refused = server.write_all(&[0; 65]).await.unwrap_err();
        assert_eq!((refused.kind(), room.available_permits()), (io::ErrorKind::TimedOut, 0));
        drop(server);
        assert_eq!(room.available_permits(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_in_a_little_now_and_then_is_not() {
        let (mut server, mut client) = kept(&Arc::new(Semaphore::new(1))).await;
        let reading = tokio::spawn(async move {
            let mut read = 0;
            while read < 1_000 {
                sleep(Duration::from_secs(9)).await;
                read += client.read(&mut [0; 64]).await.unwrap();
            }
        });
        server.write_all(&[0; 1_000]).await.unwrap();
        reading.await.unwrap();
    }
}
