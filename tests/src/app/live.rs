//! A client of the live stream: server-sent events.

use std::time::Duration;

use futures::StreamExt;
use serde_json::Value;
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};

use super::Call;

/// How long an event may take before the test fails. Never decides anything else.
const PATIENCE: Duration = Duration::from_secs(20);

/// One event as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveEvent {
    /// The position to resume after, when the event has one.
    pub id: Option<String>,
    /// `message`, `typing`, …
    pub event: String,
    /// What the REST route shows.
    pub data: Value,
}

impl LiveEvent {
    /// The position, of an event that has one.
    #[track_caller]
    pub fn position(&self) -> u64 {
        let position = self.id.as_deref().and_then(|id| id.parse().ok());
        position.unwrap_or_else(|| panic!("no position: {self:?}"))
    }
}

/// An open stream. Events are taken in the order they came.
#[derive(Debug)]
pub struct Live {
    events: mpsc::UnboundedReceiver<LiveEvent>,
    comments: mpsc::UnboundedReceiver<()>,
    reader: JoinHandle<()>,
}

impl Drop for Live {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Live {
    /// Opens the stream; whatever happens after this has returned is in it.
    pub(super) async fn open(call: Call) -> Self {
        let response = call.header("accept", "text/event-stream").open().await;
        let (status, kind) = (response.status(), response.headers().get("content-type").cloned());
        let is_stream =
            kind.as_ref().and_then(|kind| kind.to_str().ok()).is_some_and(|kind| kind.starts_with("text/event-stream"));
        assert!(status == 200 && is_stream, "not a live stream: {status} {kind:?}");
        let (sender, events) = mpsc::unbounded_channel();
        let (remark, comments) = mpsc::unbounded_channel();
        let reader = tokio::spawn(async move {
            let mut stream = response.bytes_stream();
            let mut buffer = vec![];
            while let Some(Ok(bytes)) = stream.next().await {
                buffer.extend_from_slice(&bytes);
                while let Some(end) = buffer.windows(2).position(|pair| pair == b"\n\n") {
                    let block: Vec<_> = buffer.drain(..end + 2).collect();
                    // the test may have heard enough
                    match parse(&String::from_utf8_lossy(&block)) {
                        Some(event) => sender.send(event).is_ok(),
                        None => remark.send(()).is_ok(),
                    };
                }
            }
        });
        Self { events, comments, reader }
    }

    /// The next event, or the end of the stream.
    pub async fn next_or_end(&mut self) -> Option<LiveEvent> {
        timeout(PATIENCE, self.events.recv()).await.expect("an event or the end comes in time")
    }

    /// The next event.
    pub async fn next(&mut self) -> LiveEvent {
        self.next_or_end().await.expect("the stream goes on")
    }

    /// Waits for a comment, which keeps a quiet stream open.
    pub async fn comment(&mut self) {
        timeout(PATIENCE, self.comments.recv()).await.expect("a comment comes in time").expect("the stream goes on");
    }

    /// The next event, which must be of this kind.
    pub async fn expect(&mut self, kind: &str) -> LiveEvent {
        let event = self.next().await;
        assert_eq!(event.event, kind, "{event:?}");
        event
    }

    /// All events up to the first for which `last` holds, with it.
    pub async fn until(&mut self, last: impl Fn(&LiveEvent) -> bool) -> Vec<LiveEvent> {
        let mut seen = vec![];
        loop {
            let event = timeout(PATIENCE, self.events.recv()).await;
            let event = event.ok().flatten().unwrap_or_else(|| panic!("nothing came after {seen:#?}"));
            let found = last(&event);
            seen.push(event);
            if found {
                return seen;
            }
        }
    }

    /// All events up to the message with this body, with it.
    pub async fn until_body(&mut self, body: &str) -> Vec<LiveEvent> {
        self.until(|event| event.event == "message" && event.data["body"] == body).await
    }

    /// Waits for the server to close the stream; what came before it is in the list.
    pub async fn closed(&mut self) -> Vec<LiveEvent> {
        let mut seen = vec![];
        while let Some(event) = timeout(PATIENCE, self.events.recv()).await.expect("the stream ends in time") {
            seen.push(event);
        }
        seen
    }
}

/// An event; none for a block of comments alone.
fn parse(block: &str) -> Option<LiveEvent> {
    let (mut id, mut event, mut data) = (None, None, String::new());
    for line in block.lines() {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => id = Some(value.to_owned()),
            "event" => event = Some(value.to_owned()),
            "data" => data.push_str(value),
            _ => {}
        }
    }
    let event = event?;
    let data = serde_json::from_str(&data).unwrap_or_else(|error| panic!("{event} without JSON: {error}: {block}"));
    Some(LiveEvent { id, event, data })
}
