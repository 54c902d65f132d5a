//! Views that are rebuilt and compared while they serve.

use serde_json::{Value, json};
use tidings_tests::app::{Person, Setup, TestApp};

async fn operator(app: &TestApp) -> Person {
    let person = app.person("operator").await;
    app.tool_done(&["grant", &person.username, "operator"]);
    person
}

async fn projection(root: &Person, name: &str) -> Value {
    let listed = root.get("/v1/admin/projections").await.expect(200);
    listed.items().iter().find(|projection| projection["name"] == name).expect("it is listed").clone()
}

/// Has the conversations rebuilt until somebody sees that they are.
async fn seen_rebuilding(root: &Person) -> Value {
    loop {
        let begun = root.post("/v1/admin/projections/conversations/rebuild", None).await;
        assert!(matches!(begun.status, 202 | 409), "{begun:?}");
        let seen = projection(root, "conversations").await;
        if !seen["rebuilding"].is_null() {
            return seen;
        }
    }
}

/// A server whose rebuilds rest ninety-nine hundredths of the time, with some messages in it.
async fn slowly_rebuilt() -> (TestApp, Person, String) {
    let app = TestApp::with(Setup { env: vec![("TIDINGS_REBUILD_SHARE", "0.01".to_owned())], ..Setup::default() });
    let root = operator(&app).await;
    let group = root.group("rebuilt", &[]).await;
    for at in 0..30 {
        root.send(&group, &at.to_string()).await;
    }
    (app, root, group)
}

#[tokio::test]
async fn a_rebuild_beside_what_serves_shows_how_far_it_is_and_has_no_side_effects() {
    let (app, root, group) = slowly_rebuilt().await;
    let bob = app.person("bob").await;
    root.put(format!("/v1/conversations/{group}/members/{}", bob.id), None).await.expect(200);
    let mut live = bob.live().await;
    let before = projection(&root, "conversations").await["generation"].as_u64().expect("a number");
    let seen = seen_rebuilding(&root).await;
    assert!(seen["generation"].as_u64() >= Some(before), "{seen}");
    let progress = &seen["rebuilding"];
    assert!(progress["position"].as_u64() <= progress["head"].as_u64(), "{progress}");
    assert!(progress["rate"].as_f64().is_some_and(|rate| rate > 0.0), "{progress}");
    assert!(progress["seconds_left"].as_f64().is_some_and(|left| left >= 0.0), "{progress}");
    let metrics = app.get("/metrics").await.expect(200).text;
    for name in ["rebuild_position", "rebuild_rate", "rebuild_seconds_left"] {
        let line = format!("tidings_projection_{name}{{projection=\"conversations\"}} ");
        assert!(metrics.contains(&line), "{line} is not in {metrics}");
    }
    // what serves goes on meanwhile, also with what is new
    root.send(&group, "beside").await;
    assert_eq!(root.messages(&group).await.len(), 31);
    loop {
        let now = projection(&root, "conversations").await;
        assert_eq!((&now["failure"], &now["error"]), (&json!(null), &json!(null)), "{now}");
        if now["rebuilding"].is_null() && now["generation"].as_u64() > Some(before) {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(root.messages(&group).await.len(), 31);
    root.send(&group, "after").await;
    let pushed = live.until_body("after").await;
    let bodies: Vec<_> =
        pushed.iter().filter(|event| event.event == "message").map(|event| event.data["body"].clone()).collect();
    assert_eq!(bodies, ["beside", "after"], "nothing is pushed again");
    let found = root.post("/v1/admin/projections/conversations/verify", None).await.expect(200);
    assert_eq!((&found["differing"], &found["sampled"]), (&json!(0), &json!(false)), "{}", found.text);
}

#[tokio::test]
async fn a_rebuild_that_is_killed_leaves_what_serves_alone_and_is_begun_again() {
    let (app, root, group) = slowly_rebuilt().await;
    let before = seen_rebuilding(&root).await["generation"].as_u64();
    app.kill();
    app.restart();
    // a connection of before is found to be broken
    while root.get("/v1/unread").attempt().await.is_err() {}
    assert_eq!(root.messages(&group).await.len(), 30, "it serves at once");
    while projection(&root, "conversations").await["generation"].as_u64() == before {
        tokio::task::yield_now().await;
    }
    assert_eq!(root.messages(&group).await.len(), 30);
    app.stop().await;
    app.tool_done(&["replay", "--verify"]);
}

/// Changes a row of the serving view behind the server's back.
fn tamper(app: &TestApp) {
    let forged = "UPDATE messages SET body = 'forged' WHERE body = 'as it was'";
    if let Some(database) = app.database() {
        database.sql(&format!("SET search_path = tidings_views_conversations_1; {forged}"));
    } else {
        let view = rusqlite::Connection::open(app.data_dir().join("views-conversations-1.db")).expect("it is there");
        assert_eq!(view.execute(forged, []).expect("it can be written"), 1);
    }
}

#[tokio::test]
async fn a_row_that_was_tampered_with_is_named_when_asked_and_by_the_schedule() {
    let env = vec![("TIDINGS_VERIFY_HOURS", "0.0003".to_owned()), ("TIDINGS_VERIFY_SAMPLE", "200".to_owned())];
    let app = TestApp::with(Setup { env, ..Setup::default() });
    let root = operator(&app).await;
    let group = root.group("tampered with", &[]).await;
    root.send(&group, "as it was").await;
    assert_eq!(root.messages(&group).await.len(), 1);
    tamper(&app);
    let forged = |found: &Value| {
        let row = &found["differences"][0];
        row["table"] == "messages"
            && row["columns"] == json!(["body"])
            && row["in_view"] == true
            && row["in_log"] == true
    };
    loop {
        let seen = projection(&root, "conversations").await;
        let verified = &seen["verified"];
        if verified["sampled"] == true && verified["differing"] == 1 {
            assert!(forged(verified), "{verified}");
            assert!(verified["at"].as_str().is_some_and(|at| at.ends_with('Z')), "{verified}");
            break;
        }
        tokio::task::yield_now().await;
    }
    let named = |line: &String| line.contains("not what the log says") && line.contains("messages");
    while !app.log().iter().any(named) {
        tokio::task::yield_now().await;
    }
    let metrics = app.get("/metrics").await.expect(200).text;
    assert!(metrics.contains("tidings_projection_verified_differing{projection=\"conversations\"} 1"), "{metrics}");
    for asked in ["", "?sample=200"] {
        loop {
            // not while the schedule is at it
            let found = root.post(format!("/v1/admin/projections/conversations/verify{asked}"), None).await;
            if found.status != 409 {
                assert!(forged(&found.expect(200).json), "{asked}");
                break;
            }
        }
    }
    for bad in ["0", "501", "x"] {
        root.post(format!("/v1/admin/projections/conversations/verify?sample={bad}"), None).await.expect(400);
    }
    app.stop().await;
    for arguments in [&["replay", "--verify"][..], &["replay", "--verify", "--sample", "200"]] {
        let found = app.tool(arguments);
        assert_eq!(found.status.code(), Some(1));
        let lines = String::from_utf8_lossy(&found.stdout).into_owned();
        assert!(lines.contains("conversations.messages") && lines.contains("differs in body"), "{lines}");
    }
}

#[tokio::test]
async fn whoever_is_drawn_a_sample_is_as_the_log_says() {
    let app = TestApp::start();
    let people = [app.person("ada").await, app.person("bob").await, app.person("eve").await, app.person("kim").await];
    for pair in people.windows(2) {
        let direct = pair[0].direct(&[&pair[1]]).await;
        pair[0].send(&direct, "hello").await;
    }
    for _ in 0..10 {
        app.tool_done(&["replay", "--verify", "--sample", "1"]);
    }
}
