//! Several nodes of one installation: any of them takes any request.

use serde_json::json;
use tidings_tests::{
    app::{PASSWORD, TestApp, bodies},
    postgres::Cluster,
};

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
    let there = other.get("/v1/users/me").token(&ada.access_token);
    there.await.expect(200);
    let begun = std::time::Instant::now();
    ada.delete("/v1/sessions/current").await.expect(204);
    while other.get("/v1/users/me").token(&ada.access_token).await.status != 401 {
        assert!(begun.elapsed().as_secs() < 10, "the other node learns of it");
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
async fn a_database_that_cannot_be_used_is_named_in_one_sentence() {
    let app = TestApp::shared();
    let cluster = Cluster::shared();
    let refused = cluster.url_as("nobody", "hunter2", "postgres");
    let missing = cluster.url("nowhere");
    for (setting, value, says) in [
        ("TIDINGS_EVENT_STORE", "mysql://ada:hunter2@db/x", "TIDINGS_EVENT_STORE"),
        ("TIDINGS_EVENT_STORE", "postgres://ada:hunter2@127.0.0.1:1/x", "127.0.0.1:1"),
        ("TIDINGS_KEYS", &refused, "login"),
        ("TIDINGS_VIEWS", &missing, "nowhere"),
        ("TIDINGS_SECRET", "another secret, which the keys were not made under", "secret"),
    ] {
        let directory = tempfile::tempdir().expect("there is a place for temporary files");
        let mut serve = app.tool_command(&["serve"]);
        serve.env("TIDINGS_LISTEN", "127.0.0.1:0").env("TIDINGS_DATA_DIR", directory.path()).env(setting, value);
        let output = serve.output().expect("it can be run");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let last = said.trim_end().lines().last().unwrap_or_default();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(last.contains(says) && !said.contains("hunter2"), "{said}");
    }
}
