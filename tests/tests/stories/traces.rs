//! Traces by OpenTelemetry, at a collector that really takes them.

use serde_json::json;
use tidings_tests::{
    app::{Setup, TestApp},
    collector::{Collector, attribute},
};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

fn hex(bytes: &[u8]) -> String {
    let digit = |four: u8| char::from_digit(four.into(), 16).expect("four bits are a digit");
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn traced(name: &'static str, endpoint: String) -> TestApp {
    let env = vec![(name, endpoint), ("OTEL_BSP_SCHEDULE_DELAY", "50".to_owned())];
    TestApp::with(Setup { env, ..Setup::default() })
}

#[tokio::test]
async fn a_request_and_the_command_in_it_are_spans_of_their_callers_trace() {
    let collector = Collector::start().await;
    let app = traced("TIDINGS_OTLP_ENDPOINT", collector.url());
    let ada = app.person("ada").await;
    let group = ada.group("traced", &[]).await;
    let path = format!("/v1/conversations/{group}/messages");
    ada.post(&*path, json!({"body": "whispered"}))
        .header("traceparent", format!("00-{TRACE}-{PARENT}-01"))
        .header("x-request-id", "traced-1")
        .await
        .expect(201);

    let of_ours = |name: &str| {
        let name = name.to_owned();
        move |span: &opentelemetry_proto::tonic::trace::v1::Span| hex(&span.trace_id) == TRACE && span.name == name
    };
    let (service, request) = collector.span(of_ours("POST /v1/conversations/{conversation}/messages")).await;
    assert_eq!((service.as_str(), hex(&request.parent_span_id).as_str()), ("tidings", PARENT));
    assert_eq!(attribute(&request, "http.response.status_code").as_deref(), Some("201"));
    assert_eq!(attribute(&request, "tidings.request_id").as_deref(), Some("traced-1"));
    let (_, command) = collector.span(of_ours("command")).await;
    assert_eq!(command.parent_span_id, request.span_id);
    assert_eq!(attribute(&command, "command").as_deref(), Some("send"));
    // without a parent a trace begins here
    let (_, registered) = collector.span(|span| span.name == "POST /v1/users").await;
    assert!(registered.parent_span_id.is_empty());
    for (_, span) in collector.spans() {
        let said = format!("{span:?}");
        assert!(![&*ada.username, "whispered", &ada.access_token].iter().any(|secret| said.contains(secret)), "{said}");
    }
    // the log lines are what they were
    app.stop().await;
}

#[tokio::test]
async fn the_standards_own_variable_is_known_and_the_last_spans_are_sent_at_the_end() {
    let collector = Collector::start().await;
    let env = vec![
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url()),
        ("OTEL_SERVICE_NAME", "tidings-east".to_owned()),
        ("OTEL_BSP_SCHEDULE_DELAY", "600000".to_owned()),
    ];
    let app = TestApp::with(Setup { env, ..Setup::default() });
    app.get("/v1/unread").header("traceparent", "nonsense").await.expect(401);
    assert!(collector.spans().is_empty(), "nothing is sent before its time");
    app.stop().await;
    let (service, span) = collector.span(|span| span.name == "GET /v1/unread").await;
    assert_eq!(
        (service.as_str(), attribute(&span, "http.response.status_code").as_deref()),
        ("tidings-east", Some("401"))
    );
}

#[tokio::test]
async fn a_collector_that_is_gone_is_no_trouble_for_requests() {
    let app = traced("TIDINGS_OTLP_ENDPOINT", "http://127.0.0.1:9".to_owned());
    let ada = app.person("ada").await;
    for _ in 0..50 {
        ada.get("/v1/unread").await.expect(200);
    }
    app.stop().await;
}
