//! A collector of traces, as far as a server notices: it takes spans by OTLP over HTTP and keeps them.

#![expect(clippy::missing_panics_doc, reason = "everything here panics where the test is to fail")]

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, common::v1::any_value::Value, trace::v1::Span,
};
use prost::Message;
use tokio::{net::TcpListener, task::JoinHandle};

/// How long a span may take to come before the test fails. Never decides anything else.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came, and the service that sent it.
type Kept = Arc<Mutex<Vec<(String, Span)>>>;

/// A collector that runs.
#[derive(Debug)]
pub struct Collector {
    port: u16,
    kept: Kept,
    serving: JoinHandle<()>,
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Collector {
    /// Starts one.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let kept = Kept::default();
        let router = Router::new().route("/v1/traces", post(take)).with_state(kept.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { port, kept, serving }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// All spans so far, with the name of the service that sent them.
    pub fn spans(&self) -> Vec<(String, Span)> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for a span.
    pub async fn span(&self, wanted: impl Fn(&Span) -> bool) -> (String, Span) {
        let begun = Instant::now();
        loop {
            if let Some(found) = self.spans().into_iter().find(|(_, span)| wanted(span)) {
                return found;
            }
            assert!(begun.elapsed() < PATIENCE, "the span never came: {:#?}", self.spans());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn take(State(kept): State<Kept>, headers: HeaderMap, body: Bytes) {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    let request = ExportTraceServiceRequest::decode(body).expect("it is what the specification says");
    for of_service in request.resource_spans {
        let attributes = of_service.resource.map(|resource| resource.attributes).unwrap_or_default();
        let service = attributes.iter().find(|attribute| attribute.key == "service.name");
        let service = match service.and_then(|attribute| attribute.value.clone()?.value) {
            Some(Value::StringValue(name)) => name,
            other => panic!("no name of the service: {other:?}"),
        };
        let spans = of_service.scope_spans.into_iter().flat_map(|of_scope| of_scope.spans);
        kept.lock().unwrap_or_else(PoisonError::into_inner).extend(spans.map(|span| (service.clone(), span)));
    }
}

/// The text of a span's attribute.
pub fn attribute(span: &Span, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|attribute| attribute.key == key)?;
    let value = found.value.clone()?.value?;
    if let Value::StringValue(text) = value {
        return Some(text);
    }
    let Value::IntValue(number) = value else { panic!("{key} is neither text nor number: {value:?}") };
    Some(number.to_string())
}
