//! Erasure: nothing is left of what was erased, anywhere, and a receipt says so.

use std::time::{Duration, SystemTime};

use reqwest::Method;
use serde_json::{Value, json};
use tidings_domain::Timestamp;
use tidings_tests::app::{PASSWORD, Person, Receiver, Setup, TestApp, id, until};

const ERASURES: &str = "/v1/users/me/erasures";

fn in_an_hour() -> String {
    let now = SystemTime::now() + Duration::from_hours(1);
    let since = now.duration_since(SystemTime::UNIX_EPOCH).expect("later than 1970").as_millis();
    Timestamp::from_millis(i64::try_from(since).expect("in time")).to_string()
}

/// Waits until so many erasures of somebody have their receipts; all of theirs.
async fn erased(person: &Person, count: usize) -> Vec<Value> {
    let done = async || {
        let all = person.all(ERASURES).await;
        all.iter().filter(|erasure| !erasure["erased_at"].is_null()).count() == count
    };
    until("every erasure gets its receipt", done).await;
    person.all(ERASURES).await
}

fn count(app: &TestApp, event: &str) -> usize {
    app.tool_done(&["events"]).lines().filter(|line| line.contains(event)).count()
}

#[tokio::test]
async fn an_erasure_has_one_receipt_that_its_sender_sees() {
    let app = TestApp::start();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let group = ada.group("receipts", &[&bob]).await;
    let sent = ada.send_all(&group, &["one", "two", "three"]).await;
    assert!(ada.all(ERASURES).await.is_empty());
    for message in &sent[..2] {
        ada.delete(format!("/v1/messages/{}", id(message))).await.expect(204);
    }
    ada.delete(format!("/v1/messages/{}", id(&sent[0]))).await.expect(204);
    let all = erased(&ada, 2).await;
    assert_eq!(all.len(), 2);
    let newest = &all[0];
    assert_eq!(newest["message_id"], sent[1]["id"]);
    assert_eq!((&newest["reason"], &newest["asked_by"]), (&json!("deleted_by_sender"), &json!(ada.id)));
    assert!(newest["asked_at"].as_str() <= newest["erased_at"].as_str(), "{newest}");
    let events = app.tool_done(&["events"]);
    let receipt = newest["receipt"].as_u64().expect("a position");
    let line = events.lines().find(|line| line.contains(&receipt.to_string()) && line.contains("message_erased"));
    assert!(line.is_some_and(|line| line.contains("deleted_by_sender")), "{line:?}");
    assert_eq!(ada.page(ERASURES, 1, None).await.0, all[..1]);
    assert_eq!(ada.pages(ERASURES, 1).await.concat(), all);
    assert!(bob.all(ERASURES).await.is_empty(), "it was not theirs");
    ada.get(format!("{ERASURES}?cursor=nonsense")).await.expect(400);
    app.stop().await;
    app.restart();
    assert_eq!(erased(&ada.again().await, 2).await, all);
    assert_eq!(count(&app, "message_erased"), 2, "once each, for ever");
}

#[tokio::test]
async fn a_receipt_that_a_crash_cut_off_is_written_after_it() {
    let app = TestApp::start();
    let ada = app.person("ada").await;
    let group = ada.group("crash", &[]).await;
    let bodies: Vec<String> = (0..30).map(|n| n.to_string()).collect();
    let mut sent = vec![];
    for body in &bodies {
        sent.push(ada.send(&group, body).await);
    }
    for message in &sent {
        ada.delete(format!("/v1/messages/{}", id(message))).await.expect(204);
    }
    app.kill();
    app.restart();
    // whoever asks now has connections of their own: the others broke off
    let ada = ada.at(&app.behind(app.port()));
    assert_eq!(erased(&ada, 30).await.len(), 30);
    assert_eq!(count(&app, "message_erased"), 30);
}

/// Every text of a person who will be erased has this in it.
const MARK: &str = "ouagadougou";

#[tokio::test]
async fn nothing_of_what_was_erased_is_left_in_any_byte_that_is_stored() {
    let private = ("TIDINGS_WEBHOOKS_PRIVATE", "true".to_owned());
    let app = TestApp::with(Setup { env: vec![private], ..Setup::default() });
    let (ada, bob) = (app.person(MARK).await, app.person("bob").await);
    let names =
        json!({"first_name": "Ouagadougou", "last_name": "Ouagadougou", "email": format!("{MARK}@example.org")});
    ada.patch("/v1/users/me", names).key("ouagadougou-1").await.expect(200);
    let group = bob.group("forgetful", &[&ada]).await;
    // bob's: deleted one by one
    let mut receiver = Receiver::listen().await;
    for _ in 0..20 {
        receiver.answer(503, "");
    }
    bob.post("/v1/webhooks", json!({"url": receiver.url(), "events": ["message"]})).await.expect(201);
    let path = format!("/v1/conversations/{group}/messages");
    let content = json!({"subject": "Ouagadougou 1", "body": "first ouagadougou"});
    let edited = bob.post(&*path, content).key("with-a-key").await.expect(201).json;
    receiver.next().await;
    for body in ["second ouagadougou", "third ouagadougou"] {
        let path = format!("/v1/messages/{}", id(&edited));
        bob.patch(path, json!({"body": body, "subject": "ouagadougou 2"})).await.expect(200);
    }
    let long = format!("{} ouagadougou", "long ".repeat(8_000));
    let longer = bob.send(&group, &long).await;
    let text = bob.upload("ouagadougou.txt", &b"ouagadougou in a file\n".repeat(10_000)).await;
    let with_file = bob.send_files(&group, Some("see ouagadougou"), &[&text]).await;
    let later = json!({"conversation_id": group, "body": "later, ouagadougou", "send_at": in_an_hour()});
    let scheduled = bob.post("/v1/scheduled", later).key("later").await.expect(201).json;
    bob.delete(format!("/v1/scheduled/{}", id(&scheduled))).await.expect(204);
    assert_eq!(bob.all("/v1/search?q=ouagadougou").await.len(), 3);
    // ada's: gone with her account
    ada.send(&group, "ouagadougou of ada").await;
    let hers = ada.upload("ouagadougou.bin", b"ouagadougou, hers").await;
    ada.send_files(&group, None, &[&hers]).await;
    ada.upload("ouagadougou-unsent.bin", b"ouagadougou, never sent").await;
    let hers = json!({"conversation_id": group, "body": "ouagadougou of ada, later", "send_at": in_an_hour()});
    ada.post("/v1/scheduled", hers).await.expect(201);
    bob.send(&group, "timbuktu stays").await;

    for message in [&edited, &longer, &with_file] {
        bob.delete(format!("/v1/messages/{}", id(message))).await.expect(204);
    }
    ada.call(Method::DELETE, "/v1/users/me").json(json!({"password": PASSWORD})).await.expect(204);
    let all = erased(&bob, 3).await;
    assert!(all.iter().all(|erasure| erasure["reason"] == "deleted_by_sender"));
    until("her account's erasure gets its receipt", async || count(&app, "user_erased") == 1).await;
    assert!(bob.all("/v1/search?q=ouagadougou").await.is_empty());
    assert!(app.sealed_files(&id(&text)).is_empty(), "its bytes are gone");
    for posted in receiver.rest() {
        let old = posted.json["data"]["id"] == edited["id"] && posted.json["data"]["deleted_at"].is_null();
        assert!(old || !String::from_utf8_lossy(&posted.bytes).contains("ouagadougou"), "{posted:?}");
    }
    app.stop().await;
    let mut kept = 0;
    let dump = app.dump().map(|dump| ("a dump".to_owned(), dump));
    for (name, bytes) in app.stored().into_iter().chain(dump) {
        let found = |text: &str| bytes.windows(text.len()).any(|window| window.eq_ignore_ascii_case(text.as_bytes()));
        kept += usize::from(found("timbuktu"));
        assert!(!found(MARK), "{MARK} is in {name}");
    }
    assert!(kept > 0, "what was not erased is in the views: the search works");
    app.restart();
    let again = bob.again().await;
    let life: Vec<_> = again.messages(&group).await.iter().map(|message| message["deleted_at"].is_null()).collect();
    assert_eq!(life, [true, false, false, false, false, false], "all places stay");
}

#[tokio::test]
async fn a_repeated_request_never_shows_what_was_erased_since() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    let group = ada.group("again", &[]).await;
    let sent = ada.send(&group, "before").await;
    let edit = || ada.patch(format!("/v1/messages/{}", id(&sent)), json!({"body": "kilimanjaro"})).key("edit");
    edit().await.expect(200);
    let mute = || ada.patch(format!("/v1/conversations/{group}/settings"), json!({"muted": true})).key("mute");
    let muted = mute().await.expect(200);
    assert_eq!(muted["last_message"]["body"], "kilimanjaro");
    assert_eq!(mute().await.expect(200).json, muted.json, "the first answer again");
    ada.delete(format!("/v1/messages/{}", id(&sent))).await.expect(204);
    for answer in [edit().await, mute().await] {
        assert!(!answer.text.contains("kilimanjaro"), "{answer:?}");
    }
}
