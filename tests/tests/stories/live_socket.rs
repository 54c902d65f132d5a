//! The live stream over a WebSocket: the same as over SSE, and what the client may say on it.

use std::time::{Duration, Instant};

use serde_json::json;
use tidings_tests::app::{Person, Refused, SOON, Setup, Socket, TestApp, id};
use tokio::time::sleep;

async fn pair(app: &TestApp) -> (Person, Person, String) {
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let group = ada.group("sockets", &[&bob]).await;
    (ada, bob, group)
}

async fn socket(app: &TestApp, person: &Person, query: &str) -> Socket {
    let token = ("authorization", format!("Bearer {}", person.access_token));
    Socket::open(app, query, &[token]).await.expect("a socket")
}

#[tokio::test]
async fn a_socket_shows_what_the_stream_shows_and_resumes_from_any_position() {
    let app = TestApp::shared();
    let (ada, bob, group) = pair(&app).await;
    let (mut by_socket, mut by_stream) = (socket(&app, &bob, "").await, bob.live().await);
    let sent = ada.send(&group, "one").await;
    ada.put(format!("/v1/messages/{}/reactions/👍", id(&sent)), None).await.expect(204);
    ada.patch(format!("/v1/conversations/{group}"), json!({"name": "renamed"})).await.expect(200);
    // where they begin may be before the group did
    let mut seen = vec![by_socket.until_body("one").await.pop().unwrap()];
    assert_eq!(by_stream.until_body("one").await.pop(), seen.last().cloned());
    for kind in ["reaction", "conversation"] {
        let event = by_socket.expect(kind).await;
        assert_eq!(by_stream.expect(kind).await, event);
        seen.push(event);
    }
    let mut resumed = socket(&app, &bob, &format!("?after={}", seen[0].position())).await;
    assert_eq!([resumed.next().await.unwrap(), resumed.next().await.unwrap()], [seen[1].clone(), seen[2].clone()]);
    // what happens while one is away comes, too, and nothing twice
    drop(by_socket);
    ada.send_all(&group, &["two", "three"]).await;
    let mut again = socket(&app, &bob, &format!("?after={}", seen[2].position())).await;
    let bodies: Vec<_> = again.until_body("three").await.iter().map(|event| event.data["body"].clone()).collect();
    assert_eq!(bodies, ["two", "three"]);
}

#[tokio::test]
async fn an_acknowledgement_marks_what_came_delivered() {
    let app = TestApp::shared();
    let (ada, bob, group) = pair(&app).await;
    let mut live = socket(&app, &bob, "").await;
    let sent = ada.send_all(&group, &["one", "two", "three"]).await;
    // where it begins may be before the group did
    let mut events = live.until_body("three").await;
    events.retain(|event| event.event == "message");
    let delivered = || async {
        let members = ada.get(format!("/v1/conversations/{group}/members")).await.expect(200);
        let of_bob = members.items().iter().find(|member| member["user"]["id"] == *bob.id).cloned().unwrap();
        of_bob["delivered_up_to"].clone()
    };
    live.say(json!({"ack": events[1].position()})).await;
    assert_eq!(live.expect("delivered").await.data["delivered_up_to"], sent[1]["id"]);
    assert_eq!(delivered().await, sent[1]["id"]);
    // the same again changes nothing; one far ahead means all that came
    live.say(json!({"ack": events[1].position()})).await;
    live.say(json!({"ack": u32::MAX})).await;
    assert_eq!(live.expect("delivered").await.data["delivered_up_to"], sent[2]["id"]);
    assert_eq!(delivered().await, sent[2]["id"]);
}

#[tokio::test]
async fn typing_on_a_socket_is_told_to_the_others_and_only_to_them() {
    let app = TestApp::shared();
    let (ada, bob, group) = pair(&app).await;
    let eve = app.person("eve").await;
    let (mut of_ada, mut of_bob, mut of_eve) =
        (socket(&app, &ada, "").await, socket(&app, &bob, "").await, socket(&app, &eve, "").await);
    // both must listen before one is told of the other
    ada.send(&group, "now").await;
    of_bob.until_body("now").await;
    of_ada.until_body("now").await;
    of_eve.say(json!({"typing": group})).await;
    of_ada.say(json!({"typing": group})).await;
    let event = of_bob.expect("typing").await;
    assert_eq!((&event.data["user"]["id"], event.id), (&json!(ada.id), None));
    ada.send(&group, "done").await;
    assert_eq!(of_bob.until_body("done").await.len(), 1, "a stranger's typing is nobody's concern");
}

#[tokio::test]
async fn a_browser_shows_its_token_as_a_subprotocol_and_comes_from_a_page_that_may() {
    let setup = Setup { env: vec![("TIDINGS_CORS_ORIGINS", "https://chat.example".to_owned())], ..Setup::default() };
    let app = TestApp::with(setup);
    let (ada, bob, group) = pair(&app).await;
    let offered = ("sec-websocket-protocol", format!("tidings.v1, bearer.{}", bob.access_token));
    let from = |origin: &str| ("origin", origin.to_owned());
    let own = format!("http://{}", app.address());
    for origin in ["https://chat.example", &own] {
        let mut live = Socket::open(&app, "", &[offered.clone(), from(origin)]).await.expect("a socket");
        ada.send(&group, "hello").await;
        live.until_body("hello").await;
    }
    for origin in ["https://evil.example", "null", "http://chat.example"] {
        let refused = Socket::open(&app, "", &[offered.clone(), from(origin)]).await.err();
        assert_eq!(refused, Some(Refused { status: 403 }), "{origin}");
    }
    let wrong = ("sec-websocket-protocol", "tidings.v1, bearer.a.b.c".to_owned());
    assert_eq!(Socket::open(&app, "", &[wrong]).await.err(), Some(Refused { status: 401 }));
    assert_eq!(Socket::open(&app, "", &[]).await.err(), Some(Refused { status: 401 }));
    // a token in the URL is none
    let in_url = format!("?access_token={}", bob.access_token);
    assert_eq!(Socket::open(&app, &in_url, &[]).await.err(), Some(Refused { status: 401 }));
}

#[tokio::test]
async fn what_is_no_socket_and_no_position_is_refused() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    ada.get("/v1/live/ws").await.problem(400, "malformed-request");
    app.get("/v1/live/ws").await.problem(401, "unauthenticated");
    ada.get("/v1/live/ws?after=yesterday").await.names(400, &["/after"]);
}

#[tokio::test]
async fn a_session_that_ends_closes_its_sockets_soon() {
    let app = TestApp::shared();
    let (ada, bob, group) = pair(&app).await;
    let mut live = socket(&app, &bob, "").await;
    ada.send(&group, "one").await;
    live.until_body("one").await;
    let begun = Instant::now();
    bob.delete("/v1/sessions/current").await.expect(204);
    let (_, code, _) = live.goodbye().await;
    assert!(code == 1001 && begun.elapsed() < SOON, "{code} {:?}", begun.elapsed());
}

#[tokio::test]
async fn who_says_what_is_not_understood_or_too_much_is_hung_up_on() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    for wrong in ["", "hello", "{}", r#"{"ack": -1}"#, r#"{"ack": 1, "typing": "x"}"#, r#"{"subscribe": "all"}"#] {
        let mut live = socket(&app, &ada, "").await;
        live.write(wrong).await;
        assert_eq!(live.goodbye().await.1, 1008, "{wrong}");
    }
    let mut live = socket(&app, &ada, "").await;
    live.write(&format!(r#"{{"ack": 1{}}}"#, " ".repeat(5_000))).await;
    assert_ne!(live.goodbye().await.1, 1000, "too long a frame");
    let mut live = socket(&app, &ada, "").await;
    for _ in 0..300 {
        live.say(json!({"ack": 1})).await;
    }
    assert_eq!(live.goodbye().await.1, 1008, "too much said");
}

#[tokio::test]
async fn who_does_not_keep_up_is_cut_off_and_goes_on_from_where_it_was() {
    let app = TestApp::start();
    let (ada, bob, group) = pair(&app).await;
    let mut slow = socket(&app, &bob, "").await;
    ada.send(&group, "first").await;
    let first = slow.until_body("first").await.pop().unwrap().position();
    let long = "x".repeat(60_000);
    let mut sent = 0;
    // the system buffers some megabytes for a client that does not read; then what waits in the server counts
    while !app.get("/metrics").await.text.contains("tidings_live_cut_off_total 1") {
        sent += 1;
        assert!(sent < 500, "a client that reads nothing is cut off");
        ada.send(&group, &format!("{sent} {long}")).await;
    }
    ada.send(&group, "last").await;
    let (seen, code, reason) = slow.goodbye().await;
    assert_eq!(code, 1013);
    let at = seen.last().map_or(first, tidings_tests::app::LiveEvent::position);
    assert_eq!(reason, format!("resume after {at}"));
    let mut resumed = socket(&app, &bob, &format!("?after={at}")).await;
    let rest = resumed.until_body("last").await;
    assert_eq!(seen.len() + rest.len(), sent + 1, "nothing lost and nothing twice");
}

#[tokio::test]
async fn a_place_among_the_connections_is_kept_as_long_as_the_socket_is_open() {
    let setup = Setup { env: vec![("TIDINGS_MAX_CONNECTIONS", "3".to_owned())], ..Setup::default() };
    let app = TestApp::with(setup);
    let ada = app.person("ada").await;
    let (first, _second) = (socket(&app, &ada, "").await, socket(&app, &ada, "").await);
    let token = [("authorization", format!("Bearer {}", ada.access_token))];
    // one is the connection that requests keep open
    assert_eq!(Socket::open(&app, "", &token).await.err(), Some(Refused { status: 503 }));
    drop(first);
    while Socket::open(&app, "", &token).await.is_err() {
        sleep(Duration::from_millis(10)).await;
    }
}
