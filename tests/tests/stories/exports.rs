//! People take their data away: as files of lines, with a manifest that proves what they are.

use std::{fs, path::Path};

use serde_json::{Value, json};
use tidings_tests::app::{Person, TestApp};

const HERE: &str = "/v1/users/me/exports";
const ASK: &str = "/v1/audit/exports";

/// An export that is ready.
async fn ready(person: &Person, id: &str) -> Value {
    loop {
        let now = person.get(format!("{HERE}/{id}")).await.expect(200);
        match now["state"].as_str() {
            Some("ready") => return now.json,
            Some("running") => tokio::task::yield_now().await,
            other => panic!("{other:?}: {}", now.text),
        }
    }
}

async fn exported(person: &Person, body: Option<Value>) -> Value {
    let asked = person.post(HERE, body).await.expect(202);
    let id = asked.text_of("id");
    assert_eq!(asked.header("location"), Some(&*format!("{HERE}/{id}")));
    ready(person, &id).await
}

fn part_path(export: &Value, name: &str) -> String {
    format!("{HERE}/{}/parts/{name}", export["id"].as_str().expect("it is there"))
}

async fn part(person: &Person, export: &Value, name: &str) -> String {
    person.get(part_path(export, name)).await.expect(200).text
}

fn of_lines(part: &str) -> Vec<Value> {
    part.lines().map(|line| serde_json::from_str(line).expect("it is there")).collect()
}

async fn lines(person: &Person, export: &Value, name: &str) -> Vec<Value> {
    of_lines(&part(person, export, name).await)
}

fn of_kind<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["record"] == kind).collect()
}

/// Fetches an export into a directory, as somebody with curl would.
async fn fetch(app: &TestApp, person: &Person, export: &Value, directory: &Path) {
    for listed in export["parts"].as_array().expect("it is there") {
        let name = listed["name"].as_str().expect("it is there");
        fs::write(directory.join(name), part(person, export, name).await).expect("it is there");
    }
    let manifest =
        person.get(format!("{HERE}/{}/manifest", export["id"].as_str().expect("it is there"))).await.expect(200).text;
    fs::write(directory.join("manifest"), manifest).expect("it is there");
    fs::write(directory.join("key"), app.tool_done(&["audit", "key"])).expect("it is there");
}

#[tokio::test]
async fn a_person_takes_all_their_data_away_with_a_manifest_that_proves_it() {
    let app = TestApp::start();
    let (ada, bob, eve) = (app.person("ada").await, app.person("bob").await, app.person("eve").await);
    let group = ada.group("exported", &[&bob]).await;
    let sent = ada.send(&group, "what ada says").await;
    bob.send(&group, "what bob says").await;
    let id = sent["id"].as_str().unwrap();
    ada.patch(format!("/v1/messages/{id}"), json!({"body": "what ada says now"})).await.expect(200);
    let file = ada.upload("notes.txt", b"the bytes of a file").await;
    ada.send_files(&group, Some("with a file"), &[&file]).await;
    ada.put(format!("/v1/contacts/{}", bob.id), None).await;
    ada.put(format!("/v1/blocks/{}", eve.id), None).await;

    let export = exported(&ada, None).await;
    assert_eq!((&export["user_id"], &export["failure"]), (&json!(ada.id), &json!(null)));
    assert_eq!(export["done"], export["total"]);
    let account = lines(&ada, &export, "account.ndjson").await;
    assert_eq!(of_kind(&account, "account")[0]["username"], ada.username);
    assert_eq!(of_kind(&account, "session").len(), 1);
    assert_eq!(of_kind(&account, "contact")[0]["user"]["id"], bob.id);
    assert_eq!(of_kind(&account, "block")[0]["user"]["id"], eve.id);
    let conversations = lines(&ada, &export, "conversations.ndjson").await;
    assert_eq!(of_kind(&conversations, "conversation")[0]["id"], *group);
    assert_eq!(of_kind(&conversations, "member").len(), 2);
    let messages = lines(&ada, &export, &format!("messages-{group}.ndjson")).await;
    let bodies: Vec<_> = messages.iter().map(|message| message["body"].as_str().unwrap()).collect();
    assert_eq!(bodies, ["with a file", "what bob says", "what ada says now"]);
    assert_eq!(messages[2]["versions"][0]["body"], "what ada says");
    let attachments = lines(&ada, &export, "attachments.ndjson").await;
    assert_eq!(attachments[0]["id"], file["id"]);
    let bytes = part(&ada, &export, &format!("attachment-{}", file["id"].as_str().unwrap())).await;
    assert_eq!(bytes, "the bytes of a file");

    // nobody else's
    let path = format!("{HERE}/{}", export["id"].as_str().unwrap());
    for there in ["", "/manifest", "/parts/account.ndjson"] {
        bob.get(format!("{path}{there}")).await.expect(404);
    }
    bob.delete(&*path).await.expect(404);
    assert_eq!(bob.get(HERE).await.items().len(), 0);
    assert_eq!(ada.get(HERE).await.items().len(), 1);

    let directory = tempfile::tempdir().unwrap();
    fetch(&app, &ada, &export, directory.path()).await;
    let here = directory.path().to_str().unwrap();
    app.tool_done(&["export", "verify", here]);
    let key = app.tool_done(&["audit", "key"]);
    app.tool_done(&["export", "verify", here, "--key", key.trim()]);
    // one flipped byte, one missing file, one changed manifest
    let name = format!("messages-{group}.ndjson");
    let good = fs::read_to_string(directory.path().join(&name)).unwrap();
    fs::write(directory.path().join(&name), good.replace("bob says", "bob said")).unwrap();
    let found = app.tool(&["export", "verify", here]);
    assert_eq!(found.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&found.stdout).contains(&name), "{found:?}");
    fs::remove_file(directory.path().join(&name)).unwrap();
    let found = app.tool(&["export", "verify", here]);
    assert!(String::from_utf8_lossy(&found.stdout).contains("is missing"), "{found:?}");
    fs::write(directory.path().join(&name), good).unwrap();
    let manifest = fs::read_to_string(directory.path().join("manifest")).unwrap();
    fs::write(directory.path().join("manifest"), manifest.replace("\"bytes\":", "\"bytes\":1")).unwrap();
    assert_eq!(app.tool(&["export", "verify", here]).status.code(), Some(1));

    ada.delete(&*path).await.expect(204);
    ada.get(&*path).await.expect(404);
}

#[tokio::test]
async fn a_download_that_was_cut_off_goes_on_and_an_export_survives_a_restart() {
    let app = TestApp::start();
    let ada = app.person("ada").await;
    let group = ada.group("exported", &[]).await;
    for at in 0..30 {
        ada.send(&group, &format!("message {at}")).await;
    }
    let asked = ada.post(HERE, json!({"conversation_id": group})).await.expect(202);
    let id = asked.text_of("id");
    // wherever it was in the middle of it
    app.stop().await;
    app.restart();
    let export = ready(&ada, &id).await;
    assert_eq!((&export["conversation_id"], &export["user_id"]), (&json!(group), &json!(null)));
    let name = format!("messages-{group}.ndjson");
    let whole = part(&ada, &export, &name).await;
    assert_eq!(whole.lines().count(), 30);
    let path = format!("{HERE}/{id}/parts/{name}");
    let first = ada.get(&*path).header("range", "bytes=0-99").await.expect(206);
    let tag = first.header("etag").unwrap().to_owned();
    let rest = ada.get(&*path).header("range", "bytes=100-").header("if-range", &*tag).await.expect(206);
    assert_eq!(first.text.clone() + &rest.text, whole);
    ada.get(&*path).header("range", format!("bytes={}-", whole.len())).await.expect(416);
    ada.get(format!("{HERE}/{id}/parts/secret")).await.expect(404);
    // the same bytes after another restart
    app.stop().await;
    app.restart();
    assert_eq!(part(&ada, &export, &name).await, whole);
}

#[tokio::test]
async fn what_is_erased_leaves_the_exports_that_had_it() {
    let app = TestApp::start();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let group = ada.group("exported", &[&bob]).await;
    ada.send(&group, "stays").await;
    let secret = bob.send(&group, "a unique text that goes").await;
    let export = exported(&ada, None).await;
    let id = export["id"].as_str().unwrap();
    let of_bob = exported(&bob, None).await;
    let name = format!("messages-{group}.ndjson");
    assert!(part(&ada, &export, &name).await.contains("a unique text that goes"));
    bob.delete(format!("/v1/messages/{}?for=everyone", secret["id"].as_str().unwrap())).await.expect(204);
    // it is made anew without it
    loop {
        let now = ready(&ada, id).await;
        if now["position"].as_u64() > export["position"].as_u64() {
            break;
        }
        tokio::task::yield_now().await;
    }
    let messages = lines(&ada, &ready(&ada, id).await, &name).await;
    assert_eq!(
        messages.iter().map(|message| message["body"].clone()).collect::<Vec<_>>(),
        [json!(null), json!("stays")]
    );
    let directory = tempfile::tempdir().unwrap();
    fetch(&app, &ada, &ready(&ada, id).await, directory.path()).await;
    app.tool_done(&["export", "verify", directory.path().to_str().unwrap()]);
    // with their account goes what a person has taken out
    let path = format!("{HERE}/{}", of_bob["id"].as_str().unwrap());
    bob.get(&*path).await.expect(200);
    bob.call(reqwest::Method::DELETE, "/v1/users/me")
        .json(json!({"password": tidings_tests::app::PASSWORD}))
        .await
        .expect(204);
    loop {
        let now = ready(&ada, id).await;
        // it may go, to be made anew, between the two requests
        let part = ada.get(part_path(&now, "conversations.ndjson")).await;
        if part.status == 200
            && of_kind(&of_lines(&part.text), "member").iter().all(|member| member["user"]["username"] != bob.username)
        {
            break;
        }
    }
    app.stop().await;
    for (path, bytes) in app.stored() {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("a unique text that goes"), "{path}");
    }
}

#[tokio::test]
async fn exports_are_few_and_of_what_one_may_see() {
    let app = TestApp::start();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let group = bob.group("not ada's", &[]).await;
    ada.post(HERE, json!({"conversation_id": group})).await.problem(404, "no-such-conversation");
    ada.post(HERE, json!({"conversation_id": "x"})).await.expect(422);
    ada.post(HERE, json!({"conversations": []})).await.expect(400);
    app.get(HERE).await.expect(401);
    for _ in 0..3 {
        ada.post(HERE, None).await.expect(202);
    }
    ada.post(HERE, None).await.problem(409, "too-many-exports");
    let newest = ada.get(HERE).await.items()[0]["id"].as_str().unwrap().to_owned();
    ada.delete(format!("{HERE}/{newest}")).await.expect(204);
    ada.delete(format!("{HERE}/{newest}")).await.expect(404);
    ada.post(HERE, None).await.expect(202);
    ada.get(format!("{HERE}/{}", uuid::Uuid::nil())).await.expect(404);
}

#[tokio::test]
async fn auditors_export_people_conversations_and_the_log_and_are_seen_to() {
    let app = TestApp::start();
    let (ada, auditor) = (app.person("ada").await, app.person("auditor").await);
    let group = ada.group("audited", &[]).await;
    let sent = ada.post(format!("/v1/conversations/{group}/messages"), json!({"body": "hello"})).await.expect(201);
    ada.post(ASK, json!({"user": "me"})).await.expect(403);
    app.tool_done(&["grant", &auditor.username, "auditor"]);
    for bad in [json!({}), json!({"user": ada.id, "conversation": group}), json!({"range": {"from": 0, "to": 1}})] {
        auditor.post(ASK, bad).await.expect(422);
    }
    let of_ada = auditor.post(ASK, json!({"user": ada.username})).await.expect(202);
    let of_group = auditor.post(ASK, json!({"conversation": group})).await.expect(202);
    let at = sent.position();
    let of_log = auditor.post(ASK, json!({"range": {"from": at, "to": at}})).await.expect(202);
    let name = format!("messages-{group}.ndjson");
    for asked in [&of_ada, &of_group] {
        let export = ready(&auditor, &asked.text_of("id")).await;
        assert_eq!(lines(&auditor, &export, &name).await[0]["body"], "hello");
    }
    let of_log = ready(&auditor, &of_log.text_of("id")).await;
    let log = part(&auditor, &of_log, "log.ndjson").await;
    let events: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&events[0]["position"], &events[0]["name"]), (&json!(at), &json!("message_sent")));
    assert!(events[1]["checkpoint"].is_string() && events.len() == 2 && !log.contains("hello"));
    // whom it concerns sees it
    let accesses = ada.get("/v1/users/me/accesses").await.expect(200);
    let shown: Vec<_> = accesses.items().iter().map(|access| access["shown"].as_str().unwrap()).collect();
    assert_eq!(shown, ["log", "conversation", "account"]);
    // it is theirs as long as they are an auditor
    let root = app.person("root").await;
    app.tool_done(&["grant", &root.username, "operator"]);
    root.delete(format!("/v1/admin/users/{}/roles/auditor", auditor.id)).await.expect(204);
    let path = format!("{HERE}/{}/parts/log.ndjson", of_log["id"].as_str().unwrap());
    auditor.get(&*path).await.expect(403);
}
