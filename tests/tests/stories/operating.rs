//! Operation: roles, suspension, health, metrics, the documents, start and stop.

use reqwest::Method;
use serde_json::{Value, json};
use tidings_tests::app::{Answer, PASSWORD, Person, TestApp, until};

async fn operator(app: &TestApp) -> Person {
    let person = app.person("operator").await;
    app.tool_done(&["grant", &person.username, "operator"]);
    person
}

#[tokio::test]
async fn roles_are_granted_from_the_command_line_and_by_operators() {
    let app = TestApp::shared();
    let (root, ada) = (operator(&app).await, app.person("ada").await);
    assert_eq!(root.get("/v1/users/me").await["roles"], json!(["operator"]));
    let role = |role: &str| format!("/v1/admin/users/{}/roles/{role}", ada.username);
    ada.put(role("operator"), None).await.expect(403);
    let granted = root.put(role("auditor"), None).await.expect(204);
    assert!(granted.position() > 0);
    assert_eq!(ada.get("/v1/users/me").await["roles"], json!(["auditor"]));
    assert_eq!(root.put(role("auditor"), None).await.expect(204).header("tidings-position"), None);
    root.put(role("emperor"), None).await.expect(404);
    root.delete(role("auditor")).await.expect(204);
    assert_eq!(ada.get("/v1/users/me").await["roles"], json!([]));
    assert!(!app.tool(&["grant", "nobody-by-this-name", "operator"]).status.success());
    assert_eq!(app.tool(&["grant", &ada.username, "emperor"]).status.code(), Some(2));
}

#[tokio::test]
async fn a_suspended_account_is_out_at_once() {
    let app = TestApp::shared();
    let (root, ada, bob) = (operator(&app).await, app.person("ada").await, app.person("bob").await);
    let group = bob.group("with ada", &[&ada]).await;
    let suspend = format!("/v1/admin/users/{}/suspend", ada.id);
    ada.post(&*suspend, None).await.expect(403);
    let mut live = ada.live().await;
    root.post(&*suspend, None).await.expect(204);
    live.closed().await;
    ada.get("/v1/users/me").await.expect(401);
    app.post("/v1/sessions/refresh", json!({"refresh_token": ada.refresh_token})).await.expect(401);
    let body = json!({"username": ada.username, "password": PASSWORD});
    app.post("/v1/sessions", body.clone()).await.problem(403, "account-suspended");
    let wrong = json!({"username": ada.username, "password": "not the password"});
    app.post("/v1/sessions", wrong).await.problem(401, "wrong-credentials");
    bob.send(&group, "nothing is lost").await;
    root.delete(&*suspend).await.expect(204);
    assert_eq!(app.sign_in(&ada.username, PASSWORD).await.unread(&group).await, 1);
}

#[tokio::test]
async fn operators_see_rebuild_and_verify_the_projections() {
    let app = TestApp::start();
    let (root, ada) = (operator(&app).await, app.person("ada").await);
    let group = ada.group("views", &[&root]).await;
    for at in 0..30 {
        ada.send(&group, &at.to_string()).await;
    }
    ada.get("/v1/admin/projections").await.expect(403);
    let listed = root.get("/v1/admin/projections").await.expect(200);
    assert!(!listed.items().is_empty());
    let before = root.messages(&group).await;
    for projection in listed.items() {
        let name = projection["name"].as_str().unwrap();
        assert_eq!((&projection["parked"], &projection["error"]), (&json!([]), &json!(null)), "{projection}");
        let path = format!("/v1/admin/projections/{name}");
        let found = root.post(format!("{path}/verify"), None).await.expect(200);
        assert_eq!(found["differing"], 0, "{}", found.text);
        ada.post(format!("{path}/rebuild"), None).await.expect(403);
        root.post(format!("{path}/rebuild"), None).await.expect(202);
    }
    root.post("/v1/admin/projections/nonsense/rebuild", None).await.expect(404);
    assert_eq!(root.messages(&group).await, before, "the serving view serves on");
    // one that has only begun does not show yet that it is being rebuilt
    let rebuilt = |now: &Answer| {
        let mut each = now.items().iter().zip(listed.items());
        each.all(|(now, before)| now["generation"].as_u64() > before["generation"].as_u64())
    };
    until("they are rebuilt", async || rebuilt(&root.get("/v1/admin/projections").await.expect(200))).await;
    app.tool_done(&["replay"]);
    assert_eq!(root.messages(&group).await, before);
    app.tool_done(&["replay", "--verify"]);
    let lines = app.tool_done(&["events"]);
    let events: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.iter().filter(|event| event["name"] == "message_sent").count(), 30);
    assert!(events.windows(2).all(|pair| pair[0]["position"].as_u64() < pair[1]["position"].as_u64()));
    app.stop().await;
    app.tool_done(&["replay", "--verify"]);
    app.tool_done(&["replay"]);
    app.restart();
    assert_eq!(root.messages(&group).await, before);
}

#[tokio::test]
async fn health_and_metrics_answer_without_credentials() {
    let app = TestApp::shared();
    for path in ["/health/live", "/health/ready"] {
        app.get(path).await.expect(200);
        assert!(app.call(Method::HEAD, path).await.expect(200).text.is_empty());
    }
    let ada = app.person("ada").await;
    ada.get("/v1/unread").await.expect(200);
    let metrics = app.get("/metrics").await.expect(200);
    assert!(metrics.header("content-type").unwrap().starts_with("text/plain"), "{metrics:?}");
    assert!(metrics.text.lines().any(|line| line.starts_with("# TYPE ")), "{}", metrics.text);
    assert!(metrics.text.contains("/v1/unread"), "requests are counted by route: {}", metrics.text);
    assert!(!metrics.text.contains(&ada.id) && !metrics.text.contains(&ada.username));
}

#[tokio::test]
async fn the_reference_is_generated_and_served_without_the_network() {
    let app = TestApp::shared();
    let document = app.get("/openapi.json").await.expect(200).json;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let paths = document["paths"].as_object().unwrap();
    for (path, method) in [
        ("/v1/users", "post"),
        ("/v1/sessions/refresh", "post"),
        ("/v1/conversations/{conversation}/messages", "get"),
        ("/v1/messages", "post"),
        ("/v1/unread", "get"),
        ("/v1/live", "get"),
        ("/health/ready", "head"),
    ] {
        assert!(paths.get(path).is_some_and(|item| item.get(method).is_some()), "{method} {path}");
    }
    let docs = app.get("/docs").await;
    let page = if docs.status == 200 { docs } else { app.get(docs.header("location").unwrap()).await };
    assert_eq!(page.status, 200, "{page:?}");
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
    for outside in ["src=\"http", "href=\"http", "//cdn"] {
        assert!(!page.text.contains(outside), "{outside}: {}", page.text);
    }
}

#[tokio::test]
async fn the_log_tells_what_happened_and_nothing_personal() {
    let app = TestApp::start();
    let ada = app.person("discreet").await;
    let group = ada.group("whispered-name", &[]).await;
    ada.send(&group, "whispered-body").await;
    let answer = ada.get("/v1/users/me").header("x-request-id", "my-request-1").await.expect(200);
    assert_eq!(answer.header("x-request-id"), Some("my-request-1"));
    app.stop().await;
    app.restart();
    ada.get("/v1/users/me").header("x-request-id", "my-request-2").await.expect(200);
    // lines go out a moment after the answer
    let mut log = app.log().join("\n");
    while !log.contains("my-request-2") {
        tokio::task::yield_now().await;
        log = app.log().join("\n");
    }
    for secret in [&*ada.username, PASSWORD, "whispered", &ada.access_token, &ada.refresh_token] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_told_to_stop_finishes_what_it_began() {
    let app = TestApp::start();
    let ada = app.person("ada").await;
    let group = ada.group("last words", &[]).await;
    let path = format!("/v1/conversations/{group}/messages");
    let mut live = ada.live().await;
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let (ada, path) = (ada.clone(), path.clone());
            tokio::spawn(async move {
                let mut acknowledged = vec![];
                for at in 0.. {
                    let body = format!("{writer}/{at}");
                    match ada.post(&*path, json!({"body": body})).attempt().await {
                        Ok(answer) if answer.status == 201 => acknowledged.push(body),
                        Ok(answer) => {
                            answer.expect(503);
                        }
                        Err(_) => break,
                    }
                }
                acknowledged
            })
        })
        .collect();
    live.until_body("0/20").await;
    app.stop().await;
    let mut acknowledged = vec![];
    for writer in writers {
        acknowledged.extend(writer.await.unwrap());
    }
    app.restart();
    let there = ada.messages(&group).await;
    let there: Vec<_> = there.iter().map(|message| message["body"].as_str().unwrap()).collect();
    for body in &acknowledged {
        assert_eq!(there.iter().filter(|found| *found == body).count(), 1, "{body}");
    }
}
