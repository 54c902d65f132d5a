//! What is wrong with a request gets its status, and a problem that says where.

use reqwest::Method;
use serde_json::json;
use tidings_tests::app::{PASSWORD, TestApp};

#[tokio::test]
async fn what_cannot_be_parsed_is_400() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    let group = ada.group("bad", &[]).await;
    let path = format!("/v1/conversations/{group}/messages");
    for body in ["", "{", "nonsense", "{\"body\": \"x\"} x", "\u{feff}{}", "{\"body\": \"\\ud800\"}"] {
        ada.call(Method::POST, &*path).bytes("application/json", body).await.problem(400, "malformed-request");
    }
    ada.call(Method::POST, &*path).bytes("application/json", vec![0xff, 0xfe]).await.expect(400);
    for body in [json!([]), json!(null), json!("x"), json!(1)] {
        ada.post(&*path, body).await.expect(400);
    }
    for (body, at) in [
        (json!({"username": 1, "password": PASSWORD}), "/username"),
        (json!({"username": null, "password": PASSWORD}), "/username"),
        (json!({"password": PASSWORD}), "/username"),
        (json!({"username": "some-name", "password": PASSWORD, "admin": true}), "/admin"),
    ] {
        app.post("/v1/users", body).await.problem(400, "malformed-request").names(400, &[at]);
    }
    for (body, at) in [
        (json!({"kind": "public", "members": []}), "/kind"),
        (json!({"members": []}), "/kind"),
        (json!({"kind": "group", "name": "x", "members": ["a", 2]}), "/members/1"),
        (json!({"kind": "group", "name": "x", "members": "all"}), "/members"),
    ] {
        ada.post("/v1/conversations", body).await.names(400, &[at]);
    }
}

#[tokio::test]
async fn a_bad_query_value_is_400_and_an_unknown_one_ignored() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    let group = ada.group("query", &[]).await;
    let lists = [
        "/v1/users".to_owned(),
        "/v1/sessions".to_owned(),
        "/v1/conversations".to_owned(),
        "/v1/messages".to_owned(),
        format!("/v1/conversations/{group}/messages"),
        format!("/v1/conversations/{group}/members"),
    ];
    for list in &lists {
        for limit in ["0", "101", "-1", "x", "", "1.5"] {
            ada.get(format!("{list}?limit={limit}")).await.names(400, &["/limit"]);
        }
        ada.get(format!("{list}?limit=100&unknown=1")).await.expect(200);
        ada.get(format!("{list}?cursor=nonsense")).await.names(400, &["/cursor"]);
    }
    ada.get("/v1/messages?unread=maybe").await.names(400, &["/unread"]);
    ada.get("/v1/messages?since=yesterday").await.names(400, &["/since"]);
    let messages = format!("/v1/conversations/{group}/messages");
    for anchor in ["before", "after", "around"] {
        ada.get(format!("{messages}?{anchor}=nonsense")).await.names(400, &[&format!("/{anchor}")]);
    }
}

#[tokio::test]
async fn what_is_not_there_is_404_and_a_wrong_method_405() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    for path in ["/v1", "/v1/nothing", "/v2/users", "/v1/conversations/", "/nowhere", "/v1/users/me/nothing"] {
        ada.get(path).await.expect(404);
    }
    for path in [
        "/v1/conversations/nonsense",
        "/v1/conversations/00000000-0000-0000-0000-000000000000",
        "/v1/messages/nonsense",
        "/v1/messages/00000000000000000000000000000000-1-1",
        "/v1/users/no",
        "/v1/messages/0-0-0",
        "/v1/conversations/%00",
        "/v1/messages/%F0%9F%91%8D",
        "/v1/conversations/x/messages",
    ] {
        ada.get(path).await.expect(404);
    }
    ada.put("/v1/messages/00000000000000000000000000000000-1-2/pin", None).await.expect(404);
    for (method, path) in [
        (Method::DELETE, "/v1/conversations"),
        (Method::PUT, "/v1/users"),
        (Method::POST, "/v1/unread"),
        (Method::PATCH, "/v1/messages"),
        (Method::POST, "/health/live"),
        (Method::POST, "/v1/live"),
        (Method::OPTIONS, "/v1/users"),
    ] {
        let refused = ada.call(method, path).await.problem(405, "method-not-allowed");
        assert!(refused.header("allow").unwrap().contains("GET") || path == "/v1/users", "{refused:?}");
    }
}

#[tokio::test]
async fn too_large_a_body_is_413_and_another_media_type_415() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    let group = ada.group("large", &[]).await;
    let path = format!("/v1/conversations/{group}/messages");
    let huge = json!({"body": "x".repeat(2_000_000)}).to_string();
    ada.call(Method::POST, &*path).bytes("application/json", huge).await.problem(413, "too-large");
    for kind in ["text/plain", "application/xml", "multipart/form-data", "application/json; charset=latin1"] {
        let call = ada.call(Method::POST, &*path).bytes(kind, r#"{"body": "x"}"#);
        call.await.problem(415, "wrong-media-type");
    }
    // the longest body there may be, with every byte escaped, is not too large
    let escaped = format!("{{\"body\": \"{}\"}}", "\\u0041".repeat(65_536));
    ada.call(Method::POST, &*path).bytes("application/json; charset=utf-8", escaped).await.expect(201);
    // a body where none is asked for does no harm
    let last = ada.messages(&group).await.remove(0);
    let pin = format!("/v1/messages/{}/pin", last["id"].as_str().unwrap());
    ada.put(pin, json!({})).await.expect(204);
}

#[tokio::test]
async fn nothing_that_was_refused_is_in_the_log() {
    let app = TestApp::start();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let group = ada.group("clean", &[]).await;
    let path = format!("/v1/conversations/{group}/messages");
    let before = ada.post(&*path, json!({"body": "before"})).await.expect(201).position();
    for (call, status) in [
        (ada.post(&*path, json!({"body": ""})), 422),
        (ada.post(&*path, json!({})), 400),
        (bob.post(&*path, json!({"body": "x"})), 403),
        (ada.post(&*path, json!({"body": "x"})).header("idempotency-key", "a b"), 400),
        (ada.post("/v1/conversations", json!({"kind": "group", "name": "", "members": []})), 422),
        (ada.patch("/v1/users/me", json!({"email": "nowhere"})), 422),
        (app.post("/v1/users", json!({"username": "new-name", "password": "short"})), 422),
        (app.post("/v1/users", json!({"username": ada.username, "password": PASSWORD})), 409),
        (app.post("/v1/sessions", json!({"username": ada.username, "password": "wrong password"})), 401),
        (app.post("/v1/sessions/refresh", json!({"refresh_token": "x"})), 401),
        (ada.call(Method::DELETE, "/v1/users/me").json(json!({"password": "wrong password"})), 403),
        (ada.put("/v1/users/me", None), 405),
    ] {
        let refused = call.await.expect(status);
        assert_eq!(refused.header("tidings-position"), None, "{refused:?}");
    }
    let after = ada.post(&*path, json!({"body": "after"})).await.expect(201).position();
    assert_eq!(after, before + 1);
}
