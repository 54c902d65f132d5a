//! Idempotency keys: the same request again gets the same answer, and nothing happens twice.

use reqwest::Method;
use serde_json::{Value, json};
use tidings_tests::app::{Answer, PASSWORD, Person, TestApp, id};

/// Whether two answers are one: everything but what belongs to the occasion.
fn assert_replayed(first: &Answer, second: &Answer) {
    assert_eq!((first.status, &first.text), (second.status, &second.text), "{first:?}");
    assert_eq!(first.header("idempotency-replayed"), None, "{first:?}");
    assert_eq!(second.header("idempotency-replayed"), Some("true"), "{second:?}");
    for header in ["content-type", "location"] {
        assert_eq!(first.header(header), second.header(header), "{header}");
    }
}

/// What happens to a thing of ada's that bob sees: a request, and its body if it has one.
fn requests(group: &str, sent: &Value, eve: &Person) -> Vec<(Method, String, Option<Value>)> {
    let (here, message) = (format!("/v1/conversations/{group}"), format!("/v1/messages/{}", id(sent)));
    vec![
        (
            Method::POST,
            "/v1/conversations".to_owned(),
            Some(json!({"kind": "group", "name": "new", "members": [eve.id]})),
        ),
        (Method::POST, "/v1/conversations".to_owned(), Some(json!({"kind": "direct", "members": [eve.id]}))),
        (Method::POST, "/v1/messages".to_owned(), Some(json!({"to": [eve.id], "body": "once"}))),
        (Method::POST, format!("{here}/messages"), Some(json!({"body": "once"}))),
        (Method::PATCH, here.clone(), Some(json!({"name": "renamed"}))),
        (Method::PATCH, format!("{here}/settings"), Some(json!({"muted": true}))),
        (Method::PUT, format!("{here}/members/{}", eve.id), Some(json!({"role": "admin"}))),
        (Method::DELETE, format!("{here}/members/{}", eve.id), None),
        (Method::PUT, format!("{here}/delivered"), Some(json!({"up_to": sent["id"]}))),
        (Method::PUT, format!("{here}/read"), Some(json!({"up_to": sent["id"]}))),
        (Method::DELETE, format!("{message}/read"), None),
        (Method::PUT, format!("{message}/read"), None),
        (Method::PUT, format!("{message}/reactions/🎉"), None),
        (Method::DELETE, format!("{message}/reactions/🎉"), None),
        (Method::PUT, format!("{message}/pin"), None),
        (Method::DELETE, format!("{message}/pin"), None),
        (Method::DELETE, format!("{message}?for=me"), None),
        (Method::PATCH, "/v1/users/me".to_owned(), Some(json!({"first_name": "Ada"}))),
    ]
}

async fn ask(by: &Person, method: &Method, path: &str, body: Option<&Value>, key: &str) -> Answer {
    let call = by.call(method.clone(), path).key(key);
    match body {
        Some(body) => call.json(body.clone()).await,
        None => call.await,
    }
}

#[tokio::test]
async fn every_change_happens_once_however_often_it_is_asked_for() {
    let app = TestApp::start();
    let (ada, bob, eve) = (app.person("ada").await, app.person("bob").await, app.person("eve").await);
    let group = ada.group("once", &[&bob]).await;
    let sent = bob.send(&group, "to ada").await;
    let mut done = vec![];
    for (at, (method, path, body)) in requests(&group, &sent, &eve).into_iter().enumerate() {
        let key = format!("key-{at}");
        let first = ask(&ada, &method, &path, body.as_ref(), &key).await;
        assert!(first.status < 300, "{first:?}");
        let second = ask(&ada, &method, &path, body.as_ref(), &key).await;
        assert_replayed(&first, &second);
        let before = first.header("tidings-position").and_then(|text| text.parse::<u64>().ok());
        if let Some(before) = before {
            let next = bob.post(format!("/v1/conversations/{group}/messages"), json!({"body": "count"})).await;
            assert_eq!(next.expect(201).position(), before + 1, "{method} {path} appended nothing the second time");
        }
        done.push((key, method, path, body, first));
    }
    // for as long as the log lives: over a restart too, whatever has happened since
    app.stop().await;
    app.restart();
    for (key, method, path, body, first) in done {
        assert_replayed(&first, &ask(&ada, &method, &path, body.as_ref(), &key).await);
    }
}

#[tokio::test]
async fn an_edit_and_a_deletion_happen_once() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    let group = ada.group("once", &[]).await;
    let sent = ada.send(&group, "text").await;
    let path = format!("/v1/messages/{}", id(&sent));
    let edit = |key: &str, body: &str| ada.patch(&*path, json!({"body": body})).key(key);
    let first = edit("e1", "one").await.expect(200);
    edit("e2", "two").await.expect(200);
    assert_replayed(&first, &edit("e1", "one").await);
    assert_eq!(ada.get(&*path).await["body"], "two", "the first edit did not happen again");
    assert_eq!(ada.get(format!("{path}/history")).await.items().len(), 3);
    let send = || ada.post(format!("/v1/conversations/{group}/messages"), json!({"body": "to be forgotten"})).key("s");
    let forgotten = send().await.expect(201);
    ada.delete(format!("/v1/messages/{}", forgotten.text_of("id"))).await.expect(204);
    let again = send().await.expect(201);
    assert_eq!((&again["id"], again.header("idempotency-replayed")), (&forgotten["id"], Some("true")));
    assert!(!again.text.contains("to be forgotten"), "no answer brings back what was deleted: {}", again.text);
    let first = ada.delete(&*path).key("d").await.expect(204);
    assert_replayed(&first, &ada.delete(&*path).key("d").await);
}

#[tokio::test]
async fn registration_and_sign_in_happen_once() {
    let app = TestApp::shared();
    let username = app.fresh_name("once");
    let body = json!({"username": username, "password": PASSWORD, "first_name": "Once"});
    let register = || app.post("/v1/users", body.clone()).key(&format!("register-{username}"));
    let first = register().await.expect(201);
    assert_replayed(&first, &register().await);
    let sign_in =
        || app.post("/v1/sessions", json!({"username": username, "password": PASSWORD})).key(&format!("in-{username}"));
    let first = sign_in().await.expect(201);
    let second = sign_in().await.expect(201);
    assert_eq!(first["session_id"], second["session_id"]);
    assert_eq!(first["refresh_token"], second["refresh_token"]);
    assert_eq!(second.header("idempotency-replayed"), Some("true"));
    let refresh = || {
        app.post("/v1/sessions/refresh", json!({"refresh_token": first["refresh_token"]})).key(&format!("r-{username}"))
    };
    let pair = refresh().await.expect(200);
    let again = refresh().await.expect(200);
    assert_eq!(pair["refresh_token"], again["refresh_token"], "no reuse, but the same request again");
    let me = app.get("/v1/users/me").token(again["access_token"].as_str().unwrap()).await;
    me.expect(200);
}

#[tokio::test]
async fn an_answer_about_people_who_have_gone_since_is_given_again() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let send = || ada.post("/v1/messages", json!({"to": [bob.username], "body": "goodbye"})).key("to");
    let group = json!({"kind": "group", "name": "us", "members": [bob.id]});
    let start = || ada.post("/v1/conversations", group.clone()).key("group");
    let (sent, started) = (send().await.expect(201), start().await.expect(201));
    bob.delete("/v1/users/me").json(json!({"password": PASSWORD})).await.expect(204);
    let (sent_again, started_again) = (send().await.expect(201), start().await.expect(201));
    assert_eq!((&sent["id"], &started["id"]), (&sent_again["id"], &started_again["id"]));
    for answer in [&sent_again, &started_again] {
        assert_eq!(answer.header("idempotency-replayed"), Some("true"));
    }
    let new = json!({"kind": "group", "name": "us", "members": [bob.id]});
    ada.post("/v1/conversations", new).key("another").await.problem(404, "no-such-user");
}

#[tokio::test]
async fn a_key_belongs_to_its_first_request() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let group = ada.group("keys", &[&bob]).await;
    let path = format!("/v1/conversations/{group}/messages");
    let first = ada.post(&*path, json!({"body": "mine"})).key("k").await.expect(201);
    for other in [
        ada.post(&*path, json!({"body": "other"})).key("k"),
        ada.post("/v1/messages", json!({"to": [bob.id], "body": "mine"})).key("k"),
        ada.put(format!("/v1/conversations/{group}/typing"), None).key("k"),
        ada.patch("/v1/users/me", json!({"first_name": "A"})).key("k"),
    ] {
        other.await.problem(422, "idempotency-key-reused");
    }
    // another caller's key is another key
    let his = bob.post(&*path, json!({"body": "mine"})).key("k").await.expect(201);
    assert_eq!((his["seq"].as_u64(), his.header("idempotency-replayed")), (Some(2), None));
    // the same person on another device is the same caller
    let elsewhere = ada.again().await.post(&*path, json!({"body": "mine"})).key("k").await;
    assert_replayed(&first, &elsewhere);
    // what was refused did nothing: the key is free still
    ada.post(&*path, json!({"body": ""})).key("r").await.expect(422);
    ada.post(&*path, json!({"body": "now right"})).key("r").await.expect(201);
    for bad in ["", " ", "a b", &"x".repeat(256)] {
        ada.post(&*path, json!({"body": "x"})).key(bad).await.expect(400);
    }
    ada.post(&*path, json!({"body": "x"})).key(&"x".repeat(255)).await.expect(201);
    assert_eq!(ada.messages(&group).await.len(), 4);
}

#[tokio::test]
async fn of_many_equal_requests_at_once_one_is_carried_out_and_all_get_its_answer() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let group = ada.group("at once", &[&bob]).await;
    let path = format!("/v1/conversations/{group}/messages");
    let sends = (0..12).map(|_| async { ada.post(&*path, json!({"body": "one"})).key("same").await.expect(201) });
    let answers = futures::future::join_all(sends).await;
    assert!(answers.iter().all(|answer| answer.text == answers[0].text));
    let fresh = answers.iter().filter(|answer| answer.header("idempotency-replayed").is_none()).count();
    assert_eq!((fresh, ada.messages(&group).await.len()), (1, 1));
    let to = (0..6).map(|_| async {
        bob.post("/v1/messages", json!({"to": [ada.id], "body": "two"})).key("to").await.expect(201)
    });
    let answers = futures::future::join_all(to).await;
    assert!(answers.iter().all(|answer| answer.text == answers[0].text));
    let reads = (0..6).map(|_| async {
        let path = format!("/v1/conversations/{group}/read");
        bob.put(path, json!({"up_to": ada.messages(&group).await[0]["id"]})).key("read").await.expect(200)
    });
    let answers = futures::future::join_all(reads).await;
    assert!(answers.iter().all(|answer| answer["unread"] == 0));
}
