//! Legal holds: what must not be erased for now is hidden, and erased when it is held no more.

use reqwest::Method;
use serde_json::{Value, json};
use tidings_tests::app::{PASSWORD, Person, TestApp, id, until};

const HOLDS: &str = "/v1/admin/holds";
const ERASURES: &str = "/v1/users/me/erasures";

fn conversation(id: &str) -> String {
    format!("{HOLDS}/conversations/{id}")
}

fn user(id: &str) -> String {
    format!("{HOLDS}/users/{id}")
}

async fn with_role(app: &TestApp, role: &str) -> Person {
    let person = app.person(role).await;
    app.tool_done(&["grant", &person.username, role]);
    person
}

fn case() -> Value {
    json!({"reason": "case 12/2026"})
}

/// So many events of this name are in the log.
fn count(app: &TestApp, event: &str) -> usize {
    app.tool_done(&["events"]).lines().filter(|line| line.contains(event)).count()
}

/// Has somebody delete a message elsewhere and waits for its receipt: what was asked for before it has been looked at then.
async fn what_is_not_held_is_erased(person: &Person) {
    let group = person.group("not held", &[]).await;
    let sent = person.send(&group, "not held").await;
    person.delete(format!("/v1/messages/{}", id(&sent))).await.expect(204);
    let done = async || {
        let all = person.all(ERASURES).await;
        all.iter().any(|erasure| erasure["message_id"] == sent["id"] && !erasure["erased_at"].is_null())
    };
    until("what is not held is erased", done).await;
}

#[tokio::test]
async fn operators_hold_and_release_and_auditors_see_it() {
    let app = TestApp::start();
    let (root, auditor, ada) =
        (with_role(&app, "operator").await, with_role(&app, "auditor").await, app.person("ada").await);
    let group = ada.group("held", &[]).await;
    for (who, status) in [(&ada, 403), (&auditor, 403), (&root, 204)] {
        who.put(conversation(&group), case()).await.expect(status);
        who.put(user(&ada.username), case()).await.expect(status);
    }
    ada.get(HOLDS).await.expect(403);
    let listed = auditor.all(HOLDS).await;
    assert_eq!(root.all(HOLDS).await, listed);
    assert_eq!(root.pages(HOLDS, 1).await.concat(), listed);
    let held = |hold: &Value| (hold["conversation_id"].clone(), hold["user_id"].clone());
    assert_eq!(
        listed.iter().map(held).collect::<Vec<_>>(),
        [(json!(group), Value::Null), (Value::Null, json!(ada.id))]
    );
    assert_eq!((&listed[0]["reason"], &listed[0]["placed_by"]), (&json!("case 12/2026"), &json!(root.id)));
    assert_eq!(root.put(conversation(&group), case()).await.expect(204).header("tidings-position"), None);
    assert!(root.put(conversation(&group), json!({"reason": "another"})).await.expect(204).position() > 0);
    assert_eq!(root.all(HOLDS).await[0]["reason"], "another");
    auditor.delete(conversation(&group)).await.expect(403);
    for _ in 0..2 {
        root.delete(conversation(&group)).await.expect(204);
        root.delete(user(&ada.id)).await.expect(204);
    }
    assert!(root.all(HOLDS).await.is_empty());
    assert_eq!((count(&app, "hold_placed"), count(&app, "hold_released")), (3, 2));
    assert!(!app.tool_done(&["events"]).contains("case 12"), "why is nobody's business who reads the log alone");
}

#[tokio::test]
async fn a_hold_that_cannot_be_is_refused() {
    let app = TestApp::shared();
    let (root, ada) = (with_role(&app, "operator").await, app.person("ada").await);
    let group = ada.group("held", &[]).await;
    root.put(conversation(&group), json!({})).await.names(400, &["/reason"]);
    for reason in ["", "  ", &"x".repeat(1_001)] {
        root.put(conversation(&group), json!({"reason": reason})).await.names(422, &["/reason"]);
    }
    root.put(conversation("00000000-0000-4000-8000-000000000000"), case()).await.problem(404, "no-such-conversation");
    root.put(user("nobody-by-this-name"), case()).await.problem(404, "no-such-user");
    root.get(format!("{HOLDS}?cursor=x")).await.expect(400);
}

#[tokio::test]
async fn what_is_deleted_while_held_is_hidden_and_erased_when_released() {
    let app = TestApp::start();
    let (root, ada, bob) = (with_role(&app, "operator").await, app.person("ada").await, app.person("bob").await);
    let group = ada.group("held", &[&bob]).await;
    let file = ada.upload("ngorongoro.txt", b"ngorongoro").await;
    let sent = ada.send_files(&group, Some("ngorongoro"), &[&file]).await;
    root.put(conversation(&group), case()).await.expect(204);
    ada.delete(format!("/v1/messages/{}", id(&sent))).await.expect(204);
    let hidden = async |when: &str| {
        for who in [&ada, &bob] {
            let who = who.again().await;
            let shown = who.get(format!("/v1/messages/{}", id(&sent))).await.expect(200);
            assert!(shown["body"].is_null() && !shown["deleted_at"].is_null(), "{when}: {}", shown.text);
            assert!(
                !who.get(format!("/v1/messages/{}/history", id(&sent))).await.text.contains("ngorongoro"),
                "{when}"
            );
            assert!(who.all("/v1/search?q=ngorongoro").await.is_empty(), "{when}");
            who.file(&file).await.expect(404);
            assert_eq!(who.unread(&group).await, 0);
        }
        let erasure = &ada.again().await.all(ERASURES).await[0];
        assert_eq!((&erasure["reason"], &erasure["erased_at"]), (&json!("deleted_by_sender"), &Value::Null), "{when}");
    };
    what_is_not_held_is_erased(&bob).await;
    hidden("at once").await;
    assert_eq!(count(&app, "attachment_removed"), 0);
    app.tool_done(&["replay"]);
    hidden("after a rebuild").await;
    app.stop().await;
    for (name, bytes) in app.stored() {
        assert!(!bytes.windows(10).any(|window| window.eq_ignore_ascii_case(b"ngorongoro")), "{name}");
    }
    app.restart();
    what_is_not_held_is_erased(&bob.again().await).await;
    hidden("after a restart").await;
    if app.database().is_none() {
        assert_eq!(app.sealed_files(&id(&file)).len(), 1, "its sealed bytes are kept");
    }
    let root = root.again().await;
    root.delete(conversation(&group)).await.expect(204);
    let ada = ada.again().await;
    until("it is erased", async || !ada.all(ERASURES).await[0]["erased_at"].is_null()).await;
    assert_eq!((count(&app, "attachment_removed"), count(&app, "message_erased")), (1, 3));
    assert!(app.sealed_files(&id(&file)).is_empty());
}

#[tokio::test]
async fn auditors_read_on_what_is_held_and_nobody_else_in_any_past() {
    let app = TestApp::start();
    let (root, auditor, ada) =
        (with_role(&app, "operator").await, with_role(&app, "auditor").await, app.person("ada").await);
    let group = ada.group("held", &[]).await;
    let sent = ada.post(format!("/v1/conversations/{group}/messages"), json!({"body": "serengeti"})).await.expect(201);
    let then = sent.position();
    root.put(conversation(&group), case()).await.expect(204);
    ada.delete(format!("/v1/messages/{}", sent.text_of("id"))).await.expect(204);
    let life = async || auditor.get(format!("/v1/audit/messages/{}", sent.text_of("id"))).await.expect(200);
    let held = life().await;
    assert_eq!((&held["erased"], &held["events"][0]["body"]), (&json!(false), &json!("serengeti")));
    for path in [
        format!("/v1/conversations/{group}/messages?as_of={then}"),
        format!("/v1/conversations/{group}?as_of={then}"),
        format!("/v1/conversations?as_of={then}"),
    ] {
        let past = ada.get(path).await.expect(200);
        assert!(past.text.contains(&sent.text_of("id")) && !past.text.contains("serengeti"), "{}", past.text);
    }
    root.delete(conversation(&group)).await.expect(204);
    until("it is erased", async || life().await["events"].to_string().contains("\"erased\"")).await;
    let erased = life().await;
    assert!(!erased.text.contains("serengeti"), "{}", erased.text);
    assert_eq!(erased["erased"], true);
    let what: Vec<_> = erased["events"].as_array().expect("a list").iter().map(|event| event["what"].clone()).collect();
    assert_eq!(what, [json!("sent"), json!("deleted"), json!("erased")]);
}

#[tokio::test]
async fn whoever_is_held_may_close_their_account_and_is_erased_when_released() {
    let app = TestApp::start();
    let (root, ada, bob) = (with_role(&app, "operator").await, app.person("ada").await, app.person("bob").await);
    let held = ada.group("held", &[&bob]).await;
    ada.send(&held, "of ada").await;
    ada.direct(&[&bob]).await;
    // by two holds, each of which is enough
    root.put(conversation(&held), case()).await.expect(204);
    root.put(user(&ada.id), case()).await.expect(204);
    ada.call(Method::DELETE, "/v1/users/me").json(json!({"password": PASSWORD})).await.expect(204);
    ada.get("/v1/users/me").await.expect(401);
    bob.get(format!("/v1/users/{}", ada.username)).await.expect(404);
    let tombstone = &bob.messages(&held).await[0];
    assert!(tombstone["body"].is_null() && tombstone["sender"]["username"].is_null(), "{tombstone}");
    what_is_not_held_is_erased(&bob).await;
    assert_eq!(count(&app, "user_erased"), 0);
    root.delete(conversation(&held)).await.expect(204);
    what_is_not_held_is_erased(&bob).await;
    assert_eq!(count(&app, "user_erased"), 0, "the other hold is there still");
    root.delete(user(&ada.id)).await.expect(204);
    until("the account is erased", async || count(&app, "user_erased") == 1).await;
    app.tool_done(&["replay", "--verify"]);
}

#[tokio::test]
async fn rules_leave_alone_what_is_held() {
    let app = TestApp::start();
    let (root, ada, bob) = (with_role(&app, "operator").await, app.person("ada").await, app.person("bob").await);
    let (held, of_held) = (ada.group("held", &[&bob]).await, ada.group("of a person who is held", &[&bob]).await);
    for group in [&held, &of_held] {
        ada.send(group, "of ada").await;
        bob.send(group, "of bob").await;
    }
    root.put(conversation(&held), case()).await.expect(204);
    root.put(user(&ada.id), case()).await.expect(204);
    for group in [&held, &of_held] {
        ada.put(format!("/v1/conversations/{group}/retention"), json!({"seconds": 1})).await.expect(200);
    }
    let texts = async |group: &str| -> Vec<Value> {
        bob.messages(group).await.into_iter().map(|message| message["body"].clone()).collect()
    };
    until("what is not held is deleted", async || texts(&of_held).await == [Value::Null, json!("of ada")]).await;
    assert_eq!(texts(&held).await, [json!("of bob"), json!("of ada")]);
    root.delete(conversation(&held)).await.expect(204);
    until("what is not held any more is deleted", async || texts(&held).await == [Value::Null, json!("of ada")]).await;
    root.delete(user(&ada.id)).await.expect(204);
    for group in [&held, &of_held] {
        until("all is deleted", async || texts(group).await == [Value::Null, Value::Null]).await;
    }
}
