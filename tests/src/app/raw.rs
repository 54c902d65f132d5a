//! A client that writes bytes as it likes: slowly, too many, from wherever it says it comes.

use std::time::Duration;

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::TestApp;

/// How long an answer may take before the test fails. Never decides anything else.
const PATIENCE: Duration = Duration::from_secs(30);

/// One connection.
#[derive(Debug)]
pub struct Raw<S = TcpStream>(S);

impl Raw {
    /// Opens it.
    pub async fn to(app: &TestApp) -> Self {
        Self(TcpStream::connect(app.address()).await.expect("the server takes connections"))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Raw<S> {
    /// Over a connection that is open.
    pub const fn over(stream: S) -> Self {
        Self(stream)
    }

    /// Writes; the server may have hung up already.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.0.write_all(bytes.as_ref()).await.is_ok() && self.0.flush().await.is_ok()
    }

    /// Everything that comes until the server hangs up, which it must.
    pub async fn rest(&mut self) -> String {
        let mut bytes = vec![];
        // a connection may end in a reset: what came before counts
        let read = async { while self.0.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {} };
        timeout(PATIENCE, read).await.expect("the server hangs up");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// What comes until this is in it, or the server hangs up.
    pub async fn until(&mut self, text: &str) -> String {
        let mut bytes = vec![];
        let read = async {
            while !String::from_utf8_lossy(&bytes).contains(text) {
                if !self.0.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {
                    break;
                }
            }
        };
        timeout(PATIENCE, read).await.expect("the server answers");
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
