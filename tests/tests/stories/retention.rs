//! Rules that say how long messages are kept.

use serde_json::{Value, json};
use tidings_tests::app::{Person, Setup, TestApp, id, seqs, until};

fn rule(conversation: &str) -> String {
    format!("/v1/conversations/{conversation}/retention")
}

async fn operator(app: &TestApp) -> Person {
    let person = app.person("operator").await;
    app.tool_done(&["grant", &person.username, "operator"]);
    person
}

/// How many messages of a conversation are deleted.
async fn deleted(person: &Person, conversation: &str) -> usize {
    person.messages(conversation).await.iter().filter(|message| !message["deleted_at"].is_null()).count()
}

#[tokio::test]
async fn owner_and_admins_say_how_long_a_group_keeps_its_messages() {
    let app = TestApp::shared();
    let (ada, bob, eve) = (app.person("ada").await, app.person("bob").await, app.person("eve").await);
    let group = ada.group("kept", &[&bob]).await;
    let for_ever = json!({"seconds": null, "of_all_seconds": null, "in_force_seconds": null});
    assert_eq!(bob.get(rule(&group)).await.expect(200).json, for_ever);
    let set = ada.put(rule(&group), json!({"days": 30})).key("month").await.expect(200);
    assert!(set.position() > 0);
    let month = json!({"seconds": 2_592_000, "of_all_seconds": null, "in_force_seconds": 2_592_000});
    assert_eq!(set.json, month);
    assert_eq!(bob.get(rule(&group)).await.expect(200).json, month);
    assert_eq!(ada.put(rule(&group), json!({"days": 30})).key("month").await.expect(200).json, month);
    assert_eq!(ada.put(rule(&group), json!({"days": 30})).await.expect(200).header("tidings-position"), None);
    bob.put(rule(&group), json!({"days": 30})).await.problem(403, "not-an-admin");
    bob.delete(rule(&group)).await.problem(403, "not-an-admin");
    eve.put(rule(&group), json!({"days": 1})).await.problem(403, "not-a-member");
    eve.get(rule(&group)).await.problem(403, "not-a-member");
    ada.put(format!("/v1/conversations/{group}/members/{}", bob.id), json!({"role": "admin"})).await.expect(200);
    assert_eq!(bob.delete(rule(&group)).await.expect(200).json, for_ever);
    let root = operator(&app).await;
    root.put(rule(&group), json!({"seconds": 86_400})).await.expect(200);
    assert_eq!(root.get(rule(&group)).await.expect(200)["seconds"], 86_400);
}

#[tokio::test]
async fn of_two_neither_decides_how_long_the_other_s_messages_are_kept() {
    let app = TestApp::shared();
    let (ada, bob, root) = (app.person("ada").await, app.person("bob").await, operator(&app).await);
    let direct = ada.direct(&[&bob]).await;
    ada.put(rule(&direct), json!({"seconds": 1})).await.problem(403, "not-an-admin");
    root.put(rule(&direct), json!({"days": 3_650})).await.expect(200);
    root.delete(rule(&direct)).await.expect(200);
}

#[tokio::test]
async fn a_rule_that_cannot_be_is_refused() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    let group = ada.group("wrong", &[]).await;
    for (body, status, pointer) in [
        (json!({}), 400, "/days"),
        (json!({"days": "30"}), 400, "/days"),
        (json!({"days": -1}), 400, "/days"),
        (json!({"days": null}), 400, "/days"),
        (json!({"weeks": 1}), 400, "/weeks"),
        (json!({"days": 0}), 422, "/days"),
        (json!({"days": 36_501}), 422, "/days"),
        (json!({"seconds": 0}), 422, "/seconds"),
        (json!({"days": 1, "seconds": 1}), 422, "/seconds"),
    ] {
        ada.put(rule(&group), body).await.names(status, &[pointer]);
    }
    ada.put(rule("00000000-0000-4000-8000-000000000000"), json!({"days": 1})).await.expect(404);
    ada.get(rule("nonsense")).await.expect(404);
}

#[tokio::test]
async fn what_is_too_old_is_deleted_for_everyone_and_keeps_its_place() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let group = ada.group("brief", &[&bob]).await;
    let other = ada.group("kept", &[&bob]).await;
    ada.send(&other, "zanzibar stays").await;
    ada.send_all(&group, &["zanzibar one", "zanzibar two"]).await;
    let file = ada.upload("zanzibar.txt", b"zanzibar").await;
    ada.send_files(&group, Some("zanzibar three"), &[&file]).await;
    assert_eq!((bob.unread(&group).await, bob.all("/v1/search?q=zanzibar").await.len()), (3, 4));
    let mut live = bob.live().await;
    ada.put(rule(&group), json!({"seconds": 1})).await.expect(200);
    for _ in 0..3 {
        let event = live.expect("message_deleted").await;
        assert!(event.data["body"].is_null() && !event.data["deleted_at"].is_null(), "{event:?}");
    }
    let seen = bob.messages(&group).await;
    assert_eq!(seqs(&seen), [3, 2, 1]);
    assert!(seen.iter().all(|message| message["body"].is_null() && message["attachments"] == json!([])));
    assert_eq!(bob.unread(&group).await, 0);
    bob.file(&file).await.expect(404);
    assert_eq!(bob.all("/v1/search?q=zanzibar").await.len(), 1);
    assert_eq!(bob.unread(&other).await, 1);
    let receipts = async || {
        let all = ada.all("/v1/users/me/erasures").await;
        all.len() == 3 && all.iter().all(|erasure| !erasure["erased_at"].is_null())
    };
    until("each erasure gets its receipt", receipts).await;
    for erasure in ada.all("/v1/users/me/erasures").await {
        assert_eq!((&erasure["reason"], &erasure["asked_by"]), (&json!("retention"), &Value::Null), "{erasure}");
    }
    assert!(app.sealed_files(&id(&file)).is_empty(), "its bytes are gone");
    // with the rule taken back, what comes stays
    ada.delete(rule(&group)).await.expect(200);
    bob.send(&group, "stays").await;
    assert_eq!((deleted(&ada, &group).await, ada.unread(&group).await), (3, 1));
}

#[tokio::test]
async fn each_message_is_deleted_once_whatever_is_killed_meanwhile() {
    let app = TestApp::start();
    let mut ada = app.person("ada").await;
    let group = ada.group("many", &[]).await;
    for n in 0..60 {
        ada.send(&group, &n.to_string()).await;
    }
    ada.put(rule(&group), json!({"seconds": 1})).await.expect(200);
    for _ in 0..3 {
        until("it goes on", async || deleted(&ada, &group).await > 0).await;
        app.kill();
        app.restart();
        // whoever asks now has connections of their own: the others broke off
        ada = ada.at(&app.behind(app.port()));
    }
    until("all are deleted", async || deleted(&ada, &group).await == 60).await;
    let erased = async || {
        ada.all("/v1/users/me/erasures").await.iter().filter(|erasure| !erasure["erased_at"].is_null()).count() == 60
    };
    until("all are erased", erased).await;
    let events = app.tool_done(&["events"]);
    for event in ["message_deleted", "message_erased"] {
        assert_eq!(events.lines().filter(|line| line.contains(event)).count(), 60, "{event}");
    }
}

#[tokio::test]
async fn a_rule_for_all_conversations_is_the_longest_there_is() {
    let days = ("TIDINGS_RETENTION_DAYS", "30".to_owned());
    let app = TestApp::with(Setup { env: vec![days], ..Setup::default() });
    let ada = app.person("ada").await;
    let group = ada.group("new", &[]).await;
    ada.send(&group, "stays").await;
    let kept = |seconds: Option<u64>, in_force: u64| json!({"seconds": seconds, "of_all_seconds": 2_592_000, "in_force_seconds": in_force});
    assert_eq!(ada.get(rule(&group)).await.json, kept(None, 2_592_000));
    assert_eq!(ada.put(rule(&group), json!({"days": 60})).await.json, kept(Some(5_184_000), 2_592_000));
    assert_eq!(ada.put(rule(&group), json!({"days": 7})).await.json, kept(Some(604_800), 604_800));
    // history from long ago goes at once
    let file = app.data_dir().join("history.ndjson");
    let line = |n: u32| {
        let at = format!("2004-11-15T12:00:{n:02}Z");
        json!({"at": at, "channel": "old", "kind": "message", "nick": "usual", "text": format!("old {n}")}).to_string()
    };
    std::fs::write(&file, (0..50).map(line).collect::<Vec<_>>().join("\n")).expect("there is room");
    app.tool_done(&["import", file.to_str().expect("a plain name")]);
    std::fs::remove_file(&file).expect("it is there");
    let deleted = async || {
        let events = app.tool_done(&["events"]);
        events.lines().filter(|line| line.contains("message_deleted")).count() == 50
    };
    until("all of the history is deleted", deleted).await;
    assert_eq!(ada.messages(&group).await[0]["body"], "stays");
    let wrong = app.tool_command(&["serve", "--retention-days", "40000"]).output().expect("it runs");
    assert_eq!(wrong.status.code(), Some(2), "{}", String::from_utf8_lossy(&wrong.stderr));
}
