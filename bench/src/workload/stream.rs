//! Streams of Server-Sent Events, as a client reads them.

use crate::error::BenchError;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

pub(super) const PATIENCE: Duration = Duration::from_mins(1);

/// An open stream of Server-Sent Events.
pub(super) struct Stream {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Stream {
    /// Sends the request for it; listens when this returns.
    pub(super) async fn open(address: SocketAddr, request: &[u8]) -> Result<Self, BenchError> {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        stream.write_all(request).await?;
        let mut buffer = Vec::new();
        while !contains(&buffer, b": listening") {
            if timeout(PATIENCE, stream.read_buf(&mut buffer)).await.map_err(|_| silent())?? == 0 {
                return Err(BenchError::Protocol("a live stream was refused"));
            }
        }
        Ok(Self { stream, buffer: Vec::new() })
    }

    /// The next event as text; none at the end of the stream.
    pub(super) async fn next(&mut self) -> Result<Option<String>, BenchError> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = self.buffer.drain(..end + 2).collect();
                return Ok(Some(String::from_utf8_lossy(&block).into_owned()));
            }
            if timeout(PATIENCE, self.stream.read_buf(&mut self.buffer)).await.map_err(|_| silent())?? == 0 {
                return Ok(None);
            }
        }
    }

    pub(super) fn is_open(&mut self) -> bool {
        let mut byte = [0];
        loop {
            match self.stream.try_read(&mut byte) {
                Ok(0) => return false,
                Ok(_) => {}
                Err(error) => return error.kind() == std::io::ErrorKind::WouldBlock,
            }
        }
    }
}

fn silent() -> BenchError {
    BenchError::Check("a live stream brought nothing for a minute".into())
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

/// A field of an event, by its name with the colon.
pub(super) fn field<'a>(event: &'a str, name: &str) -> Option<&'a str> {
    event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

/// The body of the message that an event shows, where it needs no escapes.
pub(super) fn said(event: &str) -> Option<&str> {
    event.split("\"body\":\"").nth(1).and_then(|rest| rest.split('"').next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_read_whatever_its_chunk_says_of_itself() {
        let event = "4f\r\nid: 12\nevent: message\ndata: {\"id\":\"a\",\"body\":\"00042\",\"at\":1}\n\n";
        assert_eq!((field(event, "id:"), field(event, "event:")), (Some("12"), Some("message")));
        assert_eq!(said(event), Some("00042"));
        assert_eq!((field(event, "retry:"), said("data: {}")), (None, None));
    }
}
