//! Whoever is told by a webhook: a small web server of the test's own.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use standardwebhooks::Webhook;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinHandle,
    time::timeout,
};

/// How long a delivery may take before the test fails. Never decides anything else.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was posted.
#[derive(Debug, Clone)]
pub struct Posted {
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub bytes: Vec<u8>,
    /// The body as JSON.
    pub json: Value,
}

impl Posted {
    /// A header's text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Whether it is signed by this secret, after the specification's own library.
    pub fn is_signed_by(&self, secret: &str) -> bool {
        let webhook = Webhook::new(secret).expect("a secret as the specification wants it");
        webhook.verify(&self.bytes, &self.headers).is_ok()
    }
}

type Answers = Arc<Mutex<VecDeque<(u16, String)>>>;

/// A receiver that listens.
#[derive(Debug)]
pub struct Receiver {
    port: u16,
    posted: mpsc::UnboundedReceiver<Posted>,
    answers: Answers,
    listening: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Receiver {
    /// Listens on loopback.
    pub async fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (said, posted) = mpsc::unbounded_channel();
        let answers = Answers::default();
        let own = answers.clone();
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, own.clone(), said.clone()));
            }
        });
        Self { port, posted, answers, listening }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    /// Answers the next request that has no answer yet so: a status, and lines of headers. Without, it is 204.
    pub fn answer(&self, status: u16, headers: &str) {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).push_back((status, headers.to_owned()));
    }

    /// The next request.
    pub async fn next(&mut self) -> Posted {
        timeout(PATIENCE, self.posted.recv()).await.expect("a delivery in time").expect("the receiver listens")
    }

    /// The bodies of the next messages that it is told of.
    pub async fn bodies(&mut self, count: usize) -> Vec<String> {
        let mut bodies = vec![];
        while bodies.len() < count {
            bodies.push(self.next().await.json["data"]["body"].as_str().unwrap_or_default().to_owned());
        }
        bodies
    }

    /// All that has come and was not looked at.
    pub fn rest(&mut self) -> Vec<Posted> {
        std::iter::from_fn(|| self.posted.try_recv().ok()).collect()
    }
}

async fn serve(mut stream: TcpStream, answers: Answers, said: mpsc::UnboundedSender<Posted>) {
    let mut buffer = vec![];
    while let Some(posted) = read(&mut stream, &mut buffer).await {
        let next = answers.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let (status, headers) = next.unwrap_or((204, String::new()));
        // what was answered is told: a test that has seen it may count on that
        let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n{headers}\r\n");
        if stream.write_all(answer.as_bytes()).await.is_err() || said.send(posted).is_err() {
            return;
        }
    }
}

async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Posted> {
    let end = loop {
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
    let mut headers = HeaderMap::new();
    for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
        let (name, value) = (HeaderName::try_from(name.to_lowercase()).ok()?, HeaderValue::try_from(value).ok()?);
        headers.insert(name, value);
    }
    let length: usize = headers.get("content-length")?.to_str().ok()?.parse().ok()?;
    while buffer.len() < end + length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    let bytes: Vec<u8> = buffer.drain(..end + length).skip(end).collect();
    let json = serde_json::from_slice(&bytes).unwrap_or_default();
    Some(Posted { headers, bytes, json })
}
