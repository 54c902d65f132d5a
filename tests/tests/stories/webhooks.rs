//! Webhooks: what their owners see live, posted to an address of theirs.

use std::time::Duration;

use serde_json::{Value, json};
use tidings_tests::app::{PASSWORD, Person, Posted, Receiver, Setup, TestApp, id};
use tokio::time::sleep;

/// A server whose webhooks may lead to this machine.
fn open_app() -> TestApp {
    TestApp::with(Setup { env: vec![("TIDINGS_WEBHOOKS_PRIVATE", "true".to_owned())], ..Setup::default() })
}

async fn pair(app: &TestApp) -> (Person, Person, String) {
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let group = ada.group("hooks", &[&bob]).await;
    (ada, bob, group)
}

/// A webhook for messages; its id and secret.
async fn hook(person: &Person, receiver: &Receiver) -> (String, String) {
    let body = json!({"url": receiver.url(), "events": ["message"]});
    let made = person.post("/v1/webhooks", body).await.expect(201);
    (made.text_of("id"), made.text_of("secret"))
}

/// A webhook once this holds for it.
async fn until(person: &Person, webhook: &str, holds: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..600 {
        let shown = person.get(format!("/v1/webhooks/{webhook}")).await.expect(200).json;
        if holds(&shown) {
            return shown;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("{:?}", person.get(format!("/v1/webhooks/{webhook}")).await);
}

#[tokio::test]
async fn what_happens_is_posted_as_its_owner_sees_it_signed_and_in_order() {
    let app = open_app();
    let (ada, bob, group) = pair(&app).await;
    let mut receiver = Receiver::listen().await;
    let made = bob.post("/v1/webhooks", json!({"url": receiver.url()})).await.expect(201);
    assert_eq!(made.header("location"), Some(&*format!("/v1/webhooks/{}", made.text_of("id"))));
    assert_eq!(made["events"].as_array().map(Vec::len), Some(8));
    let secret = made.text_of("secret");
    let mut live = bob.live().await;
    let sent = ada.send(&group, "one").await;
    ada.put(format!("/v1/messages/{}/reactions/👍", id(&sent)), None).await.expect(204);
    ada.patch(format!("/v1/conversations/{group}"), json!({"name": "renamed"})).await.expect(200);
    for kind in ["message", "reaction", "conversation"] {
        // where the stream begins may be before the group did
        let event = live.until(|event| event.event == kind).await.pop().unwrap();
        let posted = receiver.next().await;
        assert!(posted.is_signed_by(&secret), "{posted:?}");
        assert_eq!((&posted.json["type"], &posted.json["position"]), (&json!(kind), &json!(event.position())));
        assert_eq!(posted.json["data"]["id"], event.data["id"]);
        assert_eq!(posted.header("content-type"), "application/json");
        assert!(posted.json["timestamp"].as_str().is_some_and(|text| text.ends_with('Z')));
    }
    let webhook = made.text_of("id");
    let shown = until(&bob, &webhook, |shown| shown["deliveries"].as_array().is_some_and(|all| all.len() == 3)).await;
    assert_eq!(
        (&shown["deliveries"][0]["event"], &shown["deliveries"][0]["status"]),
        (&json!("conversation"), &json!(204))
    );
    assert_eq!((&shown["secret"], &shown["paused"], &shown["failing"]), (&Value::Null, &Value::Null, &Value::Null));
}

#[tokio::test]
async fn only_what_was_asked_for_and_what_its_owner_may_see_is_posted() {
    let app = open_app();
    let (ada, bob, group) = pair(&app).await;
    let eve = app.person("eve").await;
    let other = ada.group("other", &[&bob]).await;
    let (mut of_group, mut of_eve) = (Receiver::listen().await, Receiver::listen().await);
    let body = json!({"url": of_group.url(), "events": ["message", "message"], "conversation": group});
    bob.post("/v1/webhooks", body).await.expect(201);
    hook(&eve, &of_eve).await;
    ada.send(&other, "elsewhere").await;
    ada.send(&group, "before eve").await;
    ada.put(format!("/v1/conversations/{group}/members/{}", eve.id), json!({})).await.expect(200);
    ada.send(&group, "with eve").await;
    ada.delete(format!("/v1/conversations/{group}/members/{}", eve.id)).await.expect(204);
    ada.send(&group, "without eve").await;
    let hers = ada.group("hers", &[&eve]).await;
    ada.send(&hers, "end").await;
    assert_eq!(of_group.bodies(3).await, ["before eve", "with eve", "without eve"]);
    // a member sees what was sent before, too, and may be one already when that is looked at
    let mut seen = vec![];
    while seen.last().is_none_or(|body| body != "end") {
        seen.extend(of_eve.bodies(1).await);
    }
    seen.retain(|body| body != "before eve");
    assert_eq!(seen, ["with eve", "end"]);
    // and not over another's head: a stranger's webhook is not there, nor may one be about a stranger's conversation
    let theirs = bob.get("/v1/webhooks").await.expect(200).items()[0]["id"].as_str().unwrap().to_owned();
    eve.get(format!("/v1/webhooks/{theirs}")).await.problem(404, "no-such-webhook");
    eve.patch(format!("/v1/webhooks/{theirs}"), json!({"paused": true})).await.problem(404, "no-such-webhook");
    eve.delete(format!("/v1/webhooks/{theirs}")).await.problem(404, "no-such-webhook");
    let spying = json!({"url": of_eve.url(), "conversation": other});
    eve.post("/v1/webhooks", spying).await.problem(404, "no-such-conversation");
}

#[tokio::test]
async fn what_fails_is_tried_again_under_the_same_id_and_in_order() {
    let app = open_app();
    let (ada, bob, group) = pair(&app).await;
    let mut receiver = Receiver::listen().await;
    let (webhook, _) = hook(&bob, &receiver).await;
    receiver.answer(500, "");
    receiver.answer(302, "location: http://127.0.0.1:9/\r\n");
    receiver.answer(429, "retry-after: 3\r\n");
    let mut live = bob.live().await;
    ada.send_all(&group, &["one", "two"]).await;
    let first = receiver.next().await;
    let mut again: Vec<Posted> = vec![receiver.next().await, receiver.next().await];
    let asked = std::time::Instant::now();
    again.push(receiver.next().await);
    assert!(asked.elapsed() > Duration::from_secs(2), "{:?}", asked.elapsed());
    for posted in &again {
        assert_eq!((posted.header("webhook-id"), &posted.json), (first.header("webhook-id"), &first.json));
    }
    assert_eq!(receiver.bodies(1).await, ["two"]);
    // three failures in a row are worth telling; a success ends them
    let told = live.until(|event| event.event == "webhook").await.pop().unwrap();
    assert_eq!((&told.data["id"], &told.data["failing"]["status"]), (&json!(webhook), &json!(429)));
    let shown = until(&bob, &webhook, |shown| shown["failing"].is_null() && !shown["deliveries"][1].is_null()).await;
    assert_eq!((&shown["deliveries"][1]["attempts"], &shown["deliveries"][0]["attempts"]), (&json!(4), &json!(1)));
}

#[tokio::test]
async fn a_receiver_that_is_gone_pauses_its_webhook_until_its_owner_resumes_it() {
    let app = open_app();
    let (ada, bob, group) = pair(&app).await;
    let mut receiver = Receiver::listen().await;
    let (webhook, _) = hook(&bob, &receiver).await;
    let path = format!("/v1/webhooks/{webhook}");
    let mut live = bob.live().await;
    receiver.answer(410, "");
    ada.send_all(&group, &["one", "two"]).await;
    receiver.next().await;
    let shown = until(&bob, &webhook, |shown| !shown["paused"].is_null()).await;
    assert_eq!(shown["paused"]["because"], "gone");
    live.until(|event| event.event == "webhook" && event.data["paused"]["because"] == "gone").await;
    bob.patch(&*path, json!({"paused": false})).await.expect(200);
    assert_eq!(receiver.bodies(2).await, ["one", "two"], "nothing is lost meanwhile");
    // and paused by its owner
    let paused = bob.patch(&*path, json!({"paused": true})).await.expect(200);
    assert_eq!(paused["paused"]["because"], "owner");
    ada.send(&group, "three").await;
    bob.patch(&*path, json!({"paused": false})).await.expect(200);
    assert_eq!(receiver.bodies(1).await, ["three"]);
}

#[tokio::test]
async fn deliveries_begin_again_from_any_position_under_the_same_ids() {
    let app = open_app();
    let (ada, bob, group) = pair(&app).await;
    let mut receiver = Receiver::listen().await;
    let before = ada.send(&group, "before").await;
    let (webhook, _) = hook(&bob, &receiver).await;
    let path = format!("/v1/webhooks/{webhook}");
    ada.send_all(&group, &["one", "two"]).await;
    let (one, two) = (receiver.next().await, receiver.next().await);
    bob.patch(&*path, json!({"from": one.json["position"]})).await.expect(200);
    let again = receiver.next().await;
    assert_eq!(again.header("webhook-id"), two.header("webhook-id"));
    bob.patch(&*path, json!({"from": 0})).await.expect(200);
    let all: Vec<Posted> = vec![receiver.next().await, receiver.next().await, receiver.next().await];
    assert_eq!(all[0].json["data"]["id"], before["id"]);
    assert_eq!(
        [all[1].header("webhook-id"), all[2].header("webhook-id")],
        [one, two].each_ref().map(|posted| posted.header("webhook-id"))
    );
    bob.patch(&*path, json!({"from": u32::MAX})).await.names(422, &["/from"]);
    bob.patch(&*path, json!({"from": -1})).await.names(400, &["/from"]);
}

#[tokio::test]
async fn a_secret_is_shown_once_and_signs_beside_the_next_for_a_while() {
    let app = open_app();
    let (ada, bob, group) = pair(&app).await;
    let mut receiver = Receiver::listen().await;
    let body = json!({"url": receiver.url(), "events": ["message"]});
    let made = bob.post("/v1/webhooks", body.clone()).key("hook-1").await.expect(201);
    let again = bob.post("/v1/webhooks", body).key("hook-1").await.expect(201);
    assert_eq!((&again.json, again.header("idempotency-replayed")), (&made.json, Some("true")));
    let (webhook, old) = (made.text_of("id"), made.text_of("secret"));
    let path = format!("/v1/webhooks/{webhook}");
    assert_eq!(bob.get(&*path).await.expect(200)["secret"], Value::Null);
    let rotated = bob.patch(&*path, json!({"rotate_secret": true})).await.expect(200);
    let new = rotated.text_of("secret");
    assert!(old != new && rotated["previous_secret_until"].is_string());
    ada.send(&group, "signed").await;
    let posted = receiver.next().await;
    assert!(posted.is_signed_by(&old) && posted.is_signed_by(&new));
    // neither of them, nor the address, is in clear in the log
    let address = receiver.url();
    for (name, bytes) in app.stored().into_iter().filter(|(name, _)| name.contains("events")) {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(&address) && !text.contains(&old[6..]) && !text.contains(&new[6..]), "{name}");
    }
}

#[tokio::test]
async fn bad_webhooks_are_refused_and_name_what_is_wrong() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    let made = |body: Value| ada.post("/v1/webhooks", body);
    for inside in [
        "http://example.org/",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::1]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://10.0.0.7/",
        "https://100.64.0.1/",
        "https://[fd00::1]/",
        "https://[fe80::1]/",
        "https://localhost/",
        "https://224.0.0.1/",
        "https://ada:secret@example.org/",
        "ftp://example.org/",
        "not a url",
        "https://example.org/#here",
    ] {
        made(json!({"url": inside})).await.names(422, &["/url"]);
    }
    made(json!({"url": format!("https://example.org/{}", "x".repeat(2_048))})).await.names(422, &["/url"]);
    let fine = "https://example.org/hook";
    made(json!({"url": fine, "events": []})).await.names(422, &["/events"]);
    made(json!({"url": fine, "events": ["message", "typing"]})).await.names(422, &["/events/1"]);
    made(json!({"url": fine, "events": "message"})).await.names(400, &["/events"]);
    made(json!({"url": fine, "secret": "mine"})).await.names(400, &["/secret"]);
    made(json!({})).await.names(400, &["/url"]);
    made(json!({"url": fine, "conversation": TestApp::shared().fresh_name("x")})).await.expect(400);
    ada.get("/v1/webhooks/none").await.problem(404, "not-found");
    app.get("/v1/webhooks").await.problem(401, "unauthenticated");
    let webhook = made(json!({"url": fine})).await.expect(201).text_of("id");
    let path = format!("/v1/webhooks/{webhook}");
    ada.patch(&*path, json!({"url": "https://127.0.0.1/"})).await.names(422, &["/url"]);
    ada.patch(&*path, json!({"events": ["x"]})).await.names(422, &["/events/0"]);
    ada.patch(&*path, json!({"url": "https://example.org/b", "events": ["read"]})).await.expect(200);
    ada.delete(&*path).await.expect(204);
    ada.get(&*path).await.problem(404, "no-such-webhook");
    ada.delete(&*path).await.expect(204);
    for _ in 0..20 {
        made(json!({"url": fine})).await.expect(201);
    }
    made(json!({"url": fine})).await.problem(409, "too-many-webhooks");
}

#[tokio::test]
async fn who_is_suspended_is_told_nothing_and_who_closes_their_account_nothing_more() {
    let app = open_app();
    let (ada, bob, group) = pair(&app).await;
    let operator = app.person("olga").await;
    app.tool_done(&["grant", &operator.username, "operator"]);
    let mut receiver = Receiver::listen().await;
    let (webhook, _) = hook(&bob, &receiver).await;
    ada.send(&group, "one").await;
    assert_eq!(receiver.bodies(1).await, ["one"]);
    ada.put(format!("/v1/conversations/{group}/members/{}", operator.id), json!({})).await.expect(200);
    bob.delete("/v1/users/me").json(json!({"password": PASSWORD})).await.expect(204);
    let mut of_operator = Receiver::listen().await;
    hook(&operator, &of_operator).await;
    ada.send(&group, "two").await;
    assert_eq!(of_operator.bodies(1).await, ["two"]);
    assert!(receiver.rest().is_empty(), "nothing for who has gone");
    bob.get(format!("/v1/webhooks/{webhook}")).await.expect(401);
}

#[tokio::test]
async fn deliveries_go_on_after_a_crash_and_a_rebuild_delivers_nothing() {
    let app = open_app();
    let (ada, bob, group) = pair(&app).await;
    let mut receiver = Receiver::listen().await;
    let (webhook, _) = hook(&bob, &receiver).await;
    ada.send(&group, "one").await;
    let first = receiver.next().await;
    until(&bob, &webhook, |shown| shown["delivered_up_to"].as_u64() >= first.json["position"].as_u64()).await;
    // not again before it is killed
    receiver.answer(500, "retry-after: 60\r\n");
    ada.send(&group, "two").await;
    receiver.next().await;
    app.kill();
    app.restart();
    assert_eq!(receiver.bodies(1).await, ["two"], "at least once, and what was noted not again");
    app.tool_done(&["replay"]);
    ada.send(&group, "three").await;
    let bodies: Vec<_> = receiver.bodies(1).await;
    assert_eq!(bodies, ["three"], "nothing came from the rebuild");
}
