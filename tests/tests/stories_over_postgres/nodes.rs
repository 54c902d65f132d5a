//! Several nodes of one installation: any of them takes any request.

use std::time::{Duration, Instant};

use eventstore::{Authentication, Client, ReadStreamOptions, StreamPosition};
use serde_json::{Value, json};
use tidings_tests::app::{PASSWORD, Person, SOON, Setup, TestApp, bodies, body, id};

/// How long anything else may take before the test fails. Never decides anything else.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn what_one_node_took_another_shows_from_its_position_on() {
    let one = TestApp::shared();
    let other = one.another_node();
    let (ada, bob) = (one.person("ada").await, one.person("bob").await);
    let group = ada.group("everywhere", &[&bob]).await;
    let there = other.sign_in(&bob.username, PASSWORD).await;
    for nth in 0..20 {
        let (from, to) = if nth % 2 == 0 { (&ada, &there) } else { (&there, &ada) };
        let body = format!("message {nth}");
        let sent = from.post(format!("/v1/conversations/{group}/messages"), json!({"body": body})).await.expect(201);
        let shown = to
            .get(format!("/v1/conversations/{group}/messages?limit=1"))
            .header("Tidings-Min-Position", sent.header("Tidings-Position").expect("the answer tells its position"))
            .await
            .expect(200);
        assert_eq!(bodies(shown.items()), [body]);
    }
}

#[tokio::test]
async fn a_session_ended_on_one_node_ends_on_all() {
    let one = TestApp::shared();
    let other = one.another_node();
    let ada = one.person("ada").await;
    let there = ada.at(&other);
    there.get("/v1/users/me").await.expect(200);
    let mut live = there.live().await;
    ada.delete("/v1/sessions/current").await.expect(204);
    let ended = Instant::now();
    while there.get("/v1/users/me").await.status != 401 {
        assert!(ended.elapsed() < SOON, "the other node learns of it");
    }
    live.closed().await;
    assert!(ended.elapsed() < SOON, "and closes its streams");
}

#[tokio::test]
async fn live_push_on_one_node_shows_what_was_sent_through_another() {
    let one = TestApp::shared();
    let other = one.another_node();
    let (ada, bob) = (one.person("ada").await, one.person("bob").await);
    let group = ada.group("far away", &[&bob]).await;
    let there = bob.at(&other);
    let mut live = there.live_after(0).await;
    live.expect("conversation").await;
    let mut sent = vec![];
    for nth in 0..20 {
        let from = if nth % 2 == 0 { &ada } else { &there };
        let path = format!("/v1/conversations/{group}/messages");
        let answer = from.post(path, json!({"body": nth.to_string()})).await.expect(201);
        sent.push((answer.position(), nth.to_string()));
    }
    let heard = live.until_body("19").await;
    let messages = heard.iter().filter(|event| event.event == "message");
    let messages: Vec<_> = messages.map(|event| (event.position(), body(&event.data).to_owned())).collect();
    assert_eq!(messages, sent);
}

/// What the node's own copy of the log shows an auditor of the last event of a stream.
async fn last_opened(node: &TestApp, auditor: &Person, stream: &str) -> Option<Value> {
    let log = node.log();
    let said = log.iter().find_map(|line| line.split_once("the log is served over gRPC on "));
    let address = said.expect("it says where").1.trim();
    let client = Client::new(format!("kurrentdb://{address}?tls=false").parse().expect("a connection string"));
    let options = ReadStreamOptions::default()
        .position(StreamPosition::End)
        .max_count(1)
        .authenticated(Authentication::bearer(auditor.access_token.clone()));
    let mut answer = client.expect("a client").read_stream(stream, &options).await.ok()?;
    let event = answer.next().await.ok()??;
    Some(event.get_original_event().as_json().expect("events are JSON"))
}

#[tokio::test]
async fn a_message_deleted_for_everyone_on_one_node_cannot_be_read_on_another_soon_after() {
    let one = TestApp::shared();
    let other = one
        .another_node_with(Setup { env: vec![("TIDINGS_GRPC_LISTEN", "127.0.0.1:0".to_owned())], ..Setup::default() });
    let (ada, bob) = (one.person("ada").await, one.person("bob").await);
    one.tool_done(&["grant", &bob.username, "auditor"]);
    let group = ada.group("soon forgotten", &[&bob]).await;
    let message = id(&ada.send(&group, "in confidence").await);
    let (there, stream) = (bob.at(&other), format!("conversation-{group}"));
    let path = format!("/v1/messages/{message}");
    let begun = Instant::now();
    // from here on the other node has the key in its memory, too
    while last_opened(&other, &there, &stream).await.is_none_or(|data| data["opened"]["body"] != "in confidence") {
        assert!(begun.elapsed() < PATIENCE, "an auditor reads it there");
    }
    ada.delete(&*path).await.expect(204);
    let deleted = Instant::now();
    loop {
        let shown = there.get(&*path).await.expect(200);
        let opened = last_opened(&other, &there, &stream).await.expect("the log is there");
        if shown["body"].is_null() && !opened.to_string().contains("in confidence") {
            break;
        }
        assert!(deleted.elapsed() < SOON, "the other node forgets it: {} {opened}", shown.text);
    }
}

#[tokio::test]
async fn a_block_answered_by_one_node_holds_on_all_at_once() {
    let one = TestApp::shared();
    let other = one.another_node();
    let (ada, bob) = (one.person("ada").await, one.person("bob").await);
    let there = bob.at(&other);
    let direct = there.direct(&[&ada]).await;
    let path = format!("/v1/conversations/{direct}/messages");
    for nth in 0..10 {
        // whatever the other node remembers of the conversation is older than the block
        there.post(&*path, json!({"body": nth.to_string()})).await.expect(201);
        ada.put(format!("/v1/blocks/{}", bob.id), None).await.expect(204);
        there.post(&*path, json!({"body": "too late"})).await.problem(403, "blocked");
        there.post("/v1/messages", json!({"to": [ada.id], "body": "too late"})).await.problem(403, "blocked");
        ada.delete(format!("/v1/blocks/{}", bob.id)).await.expect(204);
    }
}

#[tokio::test]
async fn each_node_has_a_data_directory_of_its_own() {
    let app = TestApp::shared();
    let output = app.tool_command(&["serve"]).env("TIDINGS_LISTEN", "127.0.0.1:0").output().expect("it can be run");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("data directory"), "{said}");
    app.get("/health/ready").await.expect(200);
}

#[tokio::test]
async fn a_search_on_one_node_finds_what_another_one_took() {
    let one = TestApp::shared();
    let other = one.another_node();
    let (ada, bob) = (one.person("ada").await, one.person("bob").await);
    let group = ada.group("far apart", &[&bob]).await;
    let there = bob.at(&other);
    for nth in 0..5 {
        let path = format!("/v1/conversations/{group}/messages");
        let sent = ada.post(path, json!({"body": format!("needle{nth} 針")})).await.expect(201);
        for query in [format!("needle{nth}"), format!("needle{nth}+針")] {
            let found = there
                .get(format!("/v1/search?q={query}"))
                .header("Tidings-Min-Position", sent.position())
                .await
                .expect(200);
            assert_eq!(found.items()[0]["message"]["id"], sent["id"]);
        }
    }
}

#[tokio::test]
async fn scheduled_messages_are_sent_once_though_a_node_is_killed_meanwhile() {
    let one = TestApp::start();
    let other = one.another_node();
    let (ada, bob) = (one.person("ada").await, one.person("bob").await);
    let group = ada.group("later", &[&bob]).await;
    // late enough for all of them to be asked for before, over a log of any speed
    let send_at = in_millis(8_000);
    let expected: Vec<_> = (0..30).map(|nth| format!("number {nth:02}")).collect();
    let asked = expected.iter().map(|body| {
        let asked = json!({"conversation_id": group, "body": body, "send_at": send_at});
        async { ada.post("/v1/scheduled", asked).await.expect(201) }
    });
    futures::future::join_all(asked).await;
    let began = Instant::now();
    while bob.messages(&group).await.is_empty() {
        assert!(began.elapsed() < 3 * PATIENCE, "none is sent");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    other.kill();
    while !ada.all("/v1/scheduled").await.is_empty() {
        assert!(began.elapsed() < 3 * PATIENCE, "they are not all sent");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let said = bob.all(&format!("/v1/conversations/{group}/messages")).await;
    let mut said = bodies(&said);
    said.sort_unstable();
    assert_eq!(said, expected);
}

fn in_millis(millis: i64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("later than 1970");
    let now = i64::try_from(now.as_millis()).expect("in time");
    tidings_domain::Timestamp::from_millis(now + millis).to_string()
}
