//! A client of the live stream over a WebSocket.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest},
};

use super::{LiveEvent, TestApp};

/// How long an event may take before the test fails. Never decides anything else.
const PATIENCE: Duration = Duration::from_secs(20);

/// An open socket. Frames are taken in the order they came.
#[derive(Debug)]
pub struct Socket(WebSocketStream<TcpStream>);

/// Why a socket was not opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The status of the answer.
    pub status: u16,
}

impl Socket {
    /// Opens one below `/v1/live/ws` with these headers.
    pub async fn open(app: &TestApp, query: &str, headers: &[(&'static str, String)]) -> Result<Self, Refused> {
        let socket = TcpSocket::new_v4().expect("there are sockets");
        // so that a client which reads nothing is soon noticed
        socket.set_recv_buffer_size(16 * 1024).expect("a small buffer");
        let stream = socket.connect(app.address().parse().expect("an address")).await.expect("the server is there");
        let url = format!("ws://{}/v1/live/ws{query}", app.address());
        let mut request = url.into_client_request().expect("a URL");
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("a header"));
        }
        match timeout(PATIENCE, client_async(request, stream)).await.expect("an answer in time") {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(response)) => Err(Refused { status: response.status().as_u16() }),
            Err(error) => panic!("no WebSocket: {error}"),
        }
    }

    /// Says something.
    pub async fn say(&mut self, said: Value) {
        self.0.send(Message::text(said.to_string())).await.expect("the socket is open");
    }

    /// Writes any text.
    pub async fn write(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.expect("the socket is open");
    }

    /// The next event, or the code and reason with which the server said goodbye.
    pub async fn next(&mut self) -> Result<LiveEvent, (u16, String)> {
        loop {
            let frame = timeout(PATIENCE, self.0.next()).await.expect("a frame in time");
            match frame {
                Some(Ok(Message::Text(text))) => {
                    let mut frame: Value = serde_json::from_str(&text).expect("a frame is JSON");
                    let id = frame["position"].as_u64().map(|position| position.to_string());
                    let event = frame["event"].as_str().expect("an event has a name").to_owned();
                    return Ok(LiveEvent { id, event, data: frame["data"].take() });
                }
                Some(Ok(Message::Close(Some(close)))) => return Err((close.code.into(), close.reason.to_string())),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => return Err((0, format!("{other:?}"))),
            }
        }
    }

    /// The next event, which must be of this kind.
    pub async fn expect(&mut self, kind: &str) -> LiveEvent {
        let event = self.next().await.expect("the socket stays open");
        assert_eq!(event.event, kind, "{event:?}");
        event
    }

    /// The events up to the message with this body, with it.
    pub async fn until_body(&mut self, body: &str) -> Vec<LiveEvent> {
        let mut seen = vec![];
        loop {
            let event = self.next().await.unwrap_or_else(|end| panic!("{end:?} after {seen:?}"));
            let found = event.event == "message" && event.data["body"] == body;
            seen.push(event);
            if found {
                return seen;
            }
        }
    }

    /// The goodbye, and what came before it.
    pub async fn goodbye(&mut self) -> (Vec<LiveEvent>, u16, String) {
        let mut seen = vec![];
        loop {
            match self.next().await {
                Ok(event) => seen.push(event),
                Err((code, reason)) => return (seen, code, reason),
            }
        }
    }
}
