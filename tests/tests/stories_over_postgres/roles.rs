//! The server split over several nodes: some answer requests, some fold the views.

use serde_json::json;
use tidings_tests::app::{Setup, TestApp};

fn role(role: &'static str) -> Setup {
    Setup { arguments: vec!["--role", role], ..Setup::default() }
}

#[tokio::test]
async fn a_projector_answers_operators_and_nobody_else() {
    let projector = TestApp::shared().another_node_with(role("projector"));
    for path in ["/health/live", "/health/ready", "/metrics"] {
        assert_eq!(projector.get(path).await.status, 200, "{path}");
    }
    let ada = TestApp::shared().person("ada").await.at(&projector);
    for path in ["/v1/users/me", "/v1/conversations", "/v1/live", "/v1/admin/projections", "/docs", "/openapi.json"] {
        ada.get(path).await.problem(404, "not-found");
    }
    ada.post("/v1/sessions", json!({})).await.problem(404, "not-found");
}

#[tokio::test]
async fn an_api_node_answers_requests_and_folds_nothing() {
    let projector = TestApp::with(role("projector"));
    let app = projector.another_node_with(role("api"));
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let group = ada.group("split", &[&bob]).await;
    let path = format!("/v1/conversations/{group}/messages");
    ada.send(&group, "folded elsewhere").await;
    assert_eq!(ada.messages(&group).await.len(), 1);
    projector.stop().await;
    // with nobody to fold, writing goes on, and reading waits for what the views do not show
    let sent = ada.post(&*path, json!({"body": "not folded yet"})).await.expect(201);
    let position = sent.position();
    bob.get(&*path).header("tidings-min-position", position).await.problem(503, "not-yet-visible");
    let shown = bob.get("/v1/unread").header("tidings-min-position", 0).await.expect(200);
    assert_eq!(shown.number("total"), 1, "as far as it was folded");
    app.get("/health/ready").await.expect(200);
    projector.restart();
    let shown = loop {
        let shown = bob.get(&*path).header("tidings-min-position", position).await;
        if shown.status != 503 {
            break shown.expect(200);
        }
    };
    assert_eq!(shown.items().len(), 2);
    assert_eq!(bob.unread(&group).await, 2);
    app.tool_done(&["replay", "--verify"]);
}

#[tokio::test]
async fn the_embedded_server_cannot_be_split() {
    let app = TestApp::shared();
    for role in ["api", "projector"] {
        let mut serve = app.tool_command(&["serve", "--role", role]);
        for setting in ["TIDINGS_EVENT_STORE", "TIDINGS_KEYS", "TIDINGS_VIEWS"] {
            serve.env(setting, "sqlite");
        }
        let output = serve.output().expect("it can be run");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("--role") && said.trim_end().lines().count() == 1, "{said}");
    }
}
