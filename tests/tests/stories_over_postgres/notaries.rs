//! Every node has a notary of its own, and they never say different things.

use tidings_tests::app::{Backend, Setup, TestApp};

#[tokio::test]
async fn all_nodes_sign_the_same_heads() {
    let one = TestApp::start();
    let other = one.another_node();
    let auditor = one.person("auditor").await;
    one.tool_done(&["grant", &auditor.username, "auditor"]);
    let there = auditor.at(&other);
    let group = auditor.group("signed twice", &[]).await;
    for round in ["one", "two", "three"] {
        auditor.send(&group, round).await;
        there.send(&group, round).await;
        let heads = (auditor.get("/v1/audit/checkpoint").await, there.get("/v1/audit/checkpoint").await);
        assert_eq!(heads.0.expect(200).text, heads.1.expect(200).text);
    }
    assert_eq!(auditor.get("/v1/audit/key").await.text, there.get("/v1/audit/key").await.text);
}

#[tokio::test]
async fn a_changed_row_is_found_while_the_server_runs_and_when_it_does_not() {
    let app = TestApp::with(Setup { backend: Backend::Postgres, ..Setup::default() });
    let auditor = app.person("auditor").await;
    app.tool_done(&["grant", &auditor.username, "auditor"]);
    let group = auditor.group("tampered with", &[]).await;
    auditor.send_all(&group, &["one", "two", "three"]).await;
    let key = auditor.get("/v1/audit/key").await.expect(200).text.trim().to_owned();
    auditor.get("/v1/audit/checkpoint").await.expect(200);
    let verify = ["audit", "verify", "--key", &key];
    app.tool_done(&verify);
    let database = app.database().expect("it is over a database");
    database.sql("UPDATE tidings_events.events SET recorded_at = recorded_at + 1 WHERE position = 3");
    let found = || {
        let output = app.tool(&verify);
        (output.status.code(), String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let place = "position 3 differs from what was signed (entry 2)";
    assert_eq!(found(), (Some(1), place.to_owned()));
    app.stop().await;
    assert_eq!(found(), (Some(1), place.to_owned()));
}
