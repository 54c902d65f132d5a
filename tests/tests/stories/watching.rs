//! What those see who watch the server: measurements, the dashboard made for them, health by parts.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tidings_tests::app::TestApp;

const DASHBOARD: &str = include_str!("../../../docker/grafana/tidings.json");

/// The measurements: for each name the labels of all that is shown under it.
type Shown = BTreeMap<String, BTreeSet<String>>;

fn shown(text: &str) -> Shown {
    let mut shown = Shown::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let name: String = line.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        let labels =
            line[name.len()..].strip_prefix('{').and_then(|rest| rest.split_once("} ")).map_or("", |found| found.0);
        let names = labels.split("\",").filter_map(|label| Some(label.split_once('=')?.0.to_owned()));
        shown.entry(name).or_default().extend(names);
    }
    shown
}

/// A server that has been used a little.
async fn used() -> (TestApp, String) {
    let app = TestApp::start();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let group = ada.group("watched", &[&bob]).await;
    let _live = bob.live().await;
    let sent = ada.post(format!("/v1/conversations/{group}/messages"), json!({"body": "hello"})).key("once").await;
    let again = ada.post(format!("/v1/conversations/{group}/messages"), json!({"body": "hello"})).key("once").await;
    assert_eq!(again.expect(201)["id"], sent["id"]);
    bob.read(&sent.json).await;
    bob.inbox().await;
    bob.messages(&group).await;
    bob.patch(format!("/v1/conversations/{group}"), json!({"name": "mine"})).await.expect(403);
    let text = app.get("/metrics").await.expect(200).text;
    (app, text)
}

#[tokio::test]
async fn commands_queries_projections_queues_and_pools_are_measured() {
    let (_app, text) = used().await;
    for wanted in [
        "tidings_up{part=\"log\"} 1",
        "tidings_up{part=\"views\"} 1",
        "tidings_up{part=\"keys\"} 1",
        "tidings_events_total{event=\"message_sent\"} 1",
        "tidings_command_duration_seconds_count{stream=\"conversation\",command=\"send\",outcome=\"appended\"} 1",
        "tidings_command_duration_seconds_count{stream=\"conversation\",command=\"rename\",outcome=\"refused\"} 1",
        "tidings_command_duration_seconds_count{stream=\"reader\",command=\"read_up_to\",outcome=\"appended\"} 1",
        "tidings_query_duration_seconds_count{query=\"inbox\"}",
        "tidings_query_duration_seconds_count{query=\"messages\"}",
        "tidings_projection_lag{projection=\"conversations\"}",
        "tidings_projection_lag{projection=\"directory\"}",
        "tidings_pool_connections{pool=\"views\",state=\"idle\"}",
        "tidings_log_queue_requests ",
        "tidings_log_commit_seconds_count ",
        "tidings_live_connections 1",
        "tidings_keys_ready ",
        "tidings_http_connections ",
    ] {
        assert!(text.contains(wanted), "{wanted} is not in\n{text}");
    }
    // what is not explained is not understood
    let named = shown(&text);
    for name in named.keys().filter(|name| name.starts_with("tidings_")) {
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        let help = format!("# HELP {family} ");
        assert!(text.contains(&help), "{family} is not explained");
    }
}

/// The names in an expression that begin as ours do, with the labels that are asked of them or summed by.
fn asked(expression: &str) -> Vec<(String, Vec<String>)> {
    let mut found = vec![];
    let by: Vec<String> = expression
        .split("by (")
        .skip(1)
        .flat_map(|rest| rest.split(')').next().unwrap_or_default().split(','))
        .map(|label| label.trim().to_owned())
        .collect();
    for (at, _) in expression.match_indices("tidings_") {
        let rest = &expression[at..];
        let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        let inside =
            rest[name.len()..].strip_prefix('{').and_then(|rest| rest.split_once('}')).map_or("", |found| found.0);
        let labels =
            inside.split(',').filter_map(|label| label.split_once(['=', '!'])).map(|found| found.0.trim().to_owned());
        found.push((name, labels.chain(by.clone()).filter(|label| !label.is_empty()).collect()));
    }
    found
}

#[tokio::test]
async fn the_dashboard_asks_for_nothing_that_the_server_does_not_show() {
    let (_app, text) = used().await;
    let named = shown(&text);
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let mut expressions = 0;
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().map(Vec::as_slice).unwrap_or_default() {
            let expression = target["expr"].as_str().unwrap();
            let asked = asked(expression);
            assert!(!asked.is_empty(), "{expression}");
            for (name, labels) in asked {
                let Some(has) = named.get(&name) else { panic!("{name} of {:?} is not shown\n{text}", panel["title"]) };
                for label in labels {
                    // Prometheus adds it
                    assert!(label == "instance" || has.contains(&label), "{name} has no label {label}: {has:?}");
                }
            }
            expressions += 1;
        }
    }
    assert!(expressions >= 20, "{expressions}");
}

#[tokio::test]
async fn health_names_the_parts() {
    let app = TestApp::shared();
    let ready = app.get("/health/ready").await.expect(200);
    assert_eq!(ready.json, json!({"status": "ok", "parts": {"log": "ok", "views": "ok", "keys": "ok"}}));
    assert_eq!(app.get("/health/live").await.expect(200).json, json!({"status": "ok"}));
}
