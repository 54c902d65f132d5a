//! One keep-alive connection: a request goes out, one answer comes back.

use crate::error::BenchError;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub(crate) struct Connection {
    stream: TcpStream,
    /// What was read of the present answer.
    buffer: Vec<u8>,
}

/// An answer, borrowed from its connection until the next request.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    head: &'a [u8],
    pub(crate) body: &'a [u8],
}

impl Answer<'_> {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The value of a header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(header(self.head, name.as_bytes())?).ok()
    }

    /// The error that this answer is, where a success was expected.
    pub(crate) fn unexpected(&self, request: &[u8]) -> BenchError {
        let line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
        BenchError::Answer {
            request: String::from_utf8_lossy(line).into_owned(),
            status: self.status,
            body: String::from_utf8_lossy(self.body).into_owned(),
        }
    }
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self, BenchError> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(32 * 1024) })
    }

    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>, BenchError> {
        self.buffer.clear();
        self.stream.write_all(request).await?;
        let mut seen = 0;
        let head = loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(BenchError::Protocol("the connection was closed"));
            }
            if let Some(end) = end_of_head(&self.buffer, seen) {
                break end;
            }
            seen = self.buffer.len();
        };
        let status = status(&self.buffer).ok_or(BenchError::Protocol("no status"))?;
        let whole = head + body_length(&self.buffer[..head], status)?;
        while self.buffer.len() < whole {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(BenchError::Protocol("the connection was closed within a body"));
            }
        }
        if self.buffer.len() > whole {
            return Err(BenchError::Protocol("more came than the answer's length"));
        }
        Ok(Answer { status, head: &self.buffer[..head], body: &self.buffer[head..] })
    }
}

/// The place after the empty line. `seen` bytes were looked at before, but for the last three.
fn end_of_head(buffer: &[u8], seen: usize) -> Option<usize> {
    let from = seen.saturating_sub(3);
    buffer[from..].windows(4).position(|window| window == b"\r\n\r\n").map(|place| from + place + 4)
}

fn status(head: &[u8]) -> Option<u16> {
    let digits = head.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn body_length(head: &[u8], status: u16) -> Result<usize, BenchError> {
    if status == 204 || status == 304 {
        return Ok(0);
    }
    let value = header(head, b"content-length").ok_or(BenchError::Protocol("no content-length"))?;
    let value = std::str::from_utf8(value).ok().and_then(|value| value.parse().ok());
    value.ok_or(BenchError::Protocol("a content-length that is no number"))
}

fn header<'a>(head: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    head.split(|byte| *byte == b'\n').find_map(|line| {
        let (given, value) = line.split_at_checked(name.len())?;
        given.eq_ignore_ascii_case(name).then(|| value.strip_prefix(b":")).flatten().map(<[u8]>::trim_ascii)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_ends_after_the_empty_line_wherever_it_was_cut() {
        let answer = b"HTTP/1.1 201 Created\r\nContent-Length:  2 \r\n\r\nok";
        let end = answer.len() - 2;
        for seen in 0..end {
            assert_eq!(end_of_head(&answer[..end], seen), Some(end));
            assert_eq!(end_of_head(&answer[..seen], 0), None);
        }
        assert_eq!(status(answer), Some(201));
        assert_eq!(body_length(&answer[..end], 201).unwrap(), 2);
    }

    #[test]
    fn an_answer_without_a_length_is_refused_unless_it_has_no_body() {
        let head = b"HTTP/1.1 204 No Content\r\n\r\n";
        assert_eq!(body_length(head, 204).unwrap(), 0);
        assert!(body_length(head, 200).is_err());
    }
}
