//! Connections whose every segment is acknowledged at once.
//!
//! Clients that leave Nagle's algorithm on, as the official Rust client does up to 1.2, send the second half of a request
//! only when the first is acknowledged, and a kernel puts that off for some 40 ms in the hope of an answer to send it with.
//! No answer can come before the second half. (RFC 9293, 3.7.4 and 3.8.6.3.)

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tonic::transport::server::{Connected, TcpConnectInfo};

/// A connection of a client that may wait for acknowledgements.
#[derive(Debug)]
pub(crate) struct Acknowledging(TcpStream);

impl Acknowledging {
    pub(crate) fn new(stream: TcpStream) -> Self {
        let this = Self(stream);
        this.at_once();
        this
    }

    /// To be asked for again after each read: the kernel goes back to delaying by itself (`TCP_QUICKACK` in tcp(7)).
    #[cfg(target_os = "linux")]
    fn at_once(&self) {
        if let Err(error) = self.0.set_quickack(true) {
            tracing::debug!(%error, "a connection has no TCP_QUICKACK");
        }
    }

    #[cfg(not(target_os = "linux"))]
    const fn at_once(&self) {}
}

impl Connected for Acknowledging {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.0.connect_info()
    }
}

impl AsyncRead for Acknowledging {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.0).poll_read(cx, buffer);
        if read.is_ready() {
            self.at_once();
        }
        read
    }
}

impl AsyncWrite for Acknowledging {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }
}
