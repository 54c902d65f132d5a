//! Messages sent later.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tidings_domain::Timestamp;
use tidings_tests::app::{Answer, PASSWORD, Person, Setup, TestApp, id, until};

/// So many milliseconds from now.
fn after(millis: i64) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("later than 1970").as_millis();
    Timestamp::from_millis(i64::try_from(now).expect("in time")).plus_millis(millis).to_string()
}

const HOUR: i64 = 3_600_000;

async fn schedule(person: &Person, body: Value) -> Value {
    let answer = person.post("/v1/scheduled", body).await.expect(201);
    assert!(answer.position() > 0);
    assert_eq!(answer.header("location"), Some(format!("/v1/scheduled/{}", id(&answer.json)).as_str()));
    answer.json
}

/// The newest message of a conversation with this text, as soon as it is there.
async fn arrives(person: &Person, conversation: &str, body: &str) -> Value {
    for _ in 0..600 {
        let path = format!("/v1/conversations/{conversation}/messages");
        let answer = person.get(path).await;
        let found = answer.json["items"].as_array().and_then(|items| items.iter().find(|item| item["body"] == body));
        if let Some(found) = found {
            return found.clone();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{body:?} never arrived");
}

/// A scheduled message as soon as it has failed.
async fn failed(person: &Person, path: &str) -> Answer {
    for _ in 0..600 {
        let shown = person.get(path).await.expect(200);
        if shown["state"] == "failed" {
            return shown;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{path} never failed");
}

#[tokio::test]
async fn a_message_is_sent_at_its_time_and_once() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let group = ada.group("later", &[&bob]).await;
    let first = ada.send(&group, "now").await;
    let body = format!("later, @{}", bob.username);
    let at = |send_at: String| json!({"conversation_id": group, "body": body, "subject": "Hm", "send_at": send_at, "reply_to": first["id"]});
    let scheduled = schedule(&ada, at(after(HOUR))).await;
    assert_eq!((&scheduled["state"], &scheduled["conversation_id"]), (&json!("scheduled"), &json!(group)));
    assert_eq!(ada.all("/v1/scheduled").await, std::slice::from_ref(&scheduled));
    assert_eq!(ada.get(format!("/v1/scheduled/{}", id(&scheduled))).await.expect(200).json, scheduled);
    assert_eq!(bob.messages(&group).await.len(), 1, "it is nobody else's business yet");
    assert!(bob.all("/v1/scheduled").await.is_empty());
    ada.delete(format!("/v1/scheduled/{}", id(&scheduled))).await.expect(204);

    let send_at = after(2_000);
    let scheduled = schedule(&ada, at(send_at.clone())).await;
    let sent = arrives(&bob, &group, &body).await;
    assert!(sent["created_at"].as_str() >= Some(&send_at), "not before its time: {sent}");
    assert_eq!((&sent["reply_to"], &sent["subject"]), (&first["id"], &json!("Hm")));
    assert_eq!(bob.unread_and_mentions(&group).await, (2, 1));
    // that it was sent is noted a moment after it was
    while !ada.all("/v1/scheduled").await.is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    ada.get(format!("/v1/scheduled/{}", id(&scheduled))).await.problem(404, "no-such-scheduled-message");
    ada.delete(format!("/v1/scheduled/{}", id(&scheduled))).await.problem(404, "no-such-scheduled-message");
    assert_eq!(bob.messages(&group).await.len(), 2);
}

#[tokio::test]
async fn a_message_to_people_starts_their_conversation_when_it_is_sent() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let scheduled = schedule(&ada, json!({"to": [bob.username], "body": "surprise", "send_at": after(2_000)})).await;
    assert_eq!(scheduled["to"][0]["id"], bob.id.as_str());
    let conversation = scheduled["conversation_id"].as_str().expect("an id").to_owned();
    let sent = arrives(&bob, &conversation, "surprise").await;
    assert_eq!(sent["sender"]["id"], ada.id.as_str());
    assert_eq!(conversation, ada.direct(&[&bob]).await);
}

#[tokio::test]
async fn a_cancelled_message_is_gone() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let scheduled = schedule(&ada, json!({"to": [bob.id], "body": "never mind", "send_at": after(HOUR)})).await;
    let path = format!("/v1/scheduled/{}", id(&scheduled));
    bob.delete(&path).await.problem(404, "no-such-scheduled-message");
    bob.get(&path).await.problem(404, "no-such-scheduled-message");
    let gone = ada.delete(&path).key("cancel").await.expect(204);
    assert!(gone.position() > 0);
    assert_eq!(ada.delete(&path).key("cancel").await.expect(204).header("idempotency-replayed"), Some("true"));
    ada.delete(&path).await.problem(404, "no-such-scheduled-message");
    assert!(ada.all("/v1/scheduled").await.is_empty());
}

#[tokio::test]
async fn what_cannot_be_sent_when_its_time_has_come_is_shown_with_the_reason() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let group = ada.group("left", &[&bob]).await;
    let scheduled =
        schedule(&bob, json!({"conversation_id": group, "body": "too late", "send_at": after(5_000)})).await;
    bob.delete(format!("/v1/conversations/{group}/members/me")).await.expect(204);
    let path = format!("/v1/scheduled/{}", id(&scheduled));
    let failed = failed(&bob, &path).await;
    assert_eq!(failed["failure"]["type"], "/problems/not-a-member", "{}", failed.text);
    assert_eq!(failed["body"], "too late");
    assert!(ada.messages(&group).await.is_empty());
    bob.delete(&path).await.expect(204);
    assert!(bob.all("/v1/scheduled").await.is_empty());
}

#[tokio::test]
async fn a_block_stops_what_was_scheduled_before_and_what_is_after() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let asked = |millis| json!({"to": [ada.id], "body": "hello?", "send_at": after(millis)});
    let path = format!("/v1/scheduled/{}", id(&schedule(&bob, asked(5_000)).await));
    ada.put(format!("/v1/blocks/{}", bob.username), None).await.expect(204);
    bob.post("/v1/scheduled", asked(HOUR)).await.problem(403, "blocked");
    let failed = failed(&bob, &path).await;
    assert_eq!(failed["failure"]["type"], "/problems/blocked", "{}", failed.text);
    assert!(ada.all("/v1/messages").await.is_empty());
}

#[tokio::test]
async fn the_same_key_schedules_once() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let body = json!({"to": [bob.id], "body": "once", "send_at": after(HOUR)});
    let first = ada.post("/v1/scheduled", body.clone()).key("s-1").await.expect(201);
    let again = ada.post("/v1/scheduled", body).key("s-1").await.expect(201);
    assert_eq!((again.header("idempotency-replayed"), &again.json), (Some("true"), &first.json));
    let other = json!({"to": [bob.id], "body": "twice", "send_at": after(HOUR)});
    ada.post("/v1/scheduled", other).key("s-1").await.problem(422, "idempotency-key-reused");
    assert_eq!(ada.all("/v1/scheduled").await.len(), 1);
}

#[tokio::test]
async fn scheduled_messages_are_listed_by_their_time_page_by_page_and_bounded() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    for n in (1..=100).rev() {
        schedule(&ada, json!({"to": [bob.id], "body": format!("number {n}"), "send_at": after(HOUR + n * 60_000)}))
            .await;
    }
    let one_more = json!({"to": [bob.id], "body": "one more", "send_at": after(HOUR)});
    ada.post("/v1/scheduled", one_more).await.problem(409, "too-many-scheduled");
    let listed: Vec<Value> = ada.pages("/v1/scheduled", 7).await.concat();
    let expected: Vec<String> = (1..=100).map(|n| format!("number {n}")).collect();
    assert_eq!(listed.iter().map(|item| item["body"].as_str().expect("a text")).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn closing_the_account_cancels_what_it_scheduled() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    let group = ada.group("closing", &[&app.person("bob").await]).await;
    let body = json!({"conversation_id": group, "body": "from the beyond", "send_at": after(HOUR)});
    let scheduled = schedule(&ada, body).await;
    ada.delete("/v1/users/me").json(json!({"password": PASSWORD})).await.expect(204);
    until("it is cancelled", async || {
        let log = app.tool_done(&["events"]);
        log.lines().any(|line| line.contains("scheduled_message_cancelled") && line.contains(id(&scheduled).as_str()))
    })
    .await;
}

#[tokio::test]
async fn what_could_not_be_sent_now_cannot_be_scheduled() {
    let app = TestApp::shared();
    let (ada, bob, eve) = (app.person("ada").await, app.person("bob").await, app.person("eve").await);
    let group = ada.group("refused", &[&bob]).await;
    let post = |person: &Person, body: Value| person.post("/v1/scheduled", body);
    let good = json!({"conversation_id": group, "body": "x", "send_at": after(HOUR)});
    let with = |member: &str, value: Value| {
        let mut body = good.clone();
        body[member] = value;
        body
    };
    let without = |member: &str| {
        let mut body = good.clone();
        body.as_object_mut().expect("an object").remove(member);
        body
    };
    post(&eve, good.clone()).await.problem(403, "not-a-member");
    post(&ada, with("conversation_id", json!(eve.id))).await.problem(404, "no-such-conversation");
    post(&ada, with("conversation_id", json!("x"))).await.names(422, &["/conversation_id"]);
    post(&ada, with("to", json!([bob.id]))).await.names(400, &["/conversation_id"]);
    post(&ada, without("conversation_id")).await.names(400, &["/to"]);
    post(&ada, without("send_at")).await.names(400, &["/send_at"]);
    post(&ada, without("body")).await.names(400, &["/body"]);
    post(&ada, with("body", json!(""))).await.names(422, &["/body"]);
    post(&ada, with("send_at", json!("tomorrow"))).await.names(400, &["/send_at"]);
    post(&ada, with("send_at", json!(after(-1_000)))).await.names(422, &["/send_at"]);
    post(&ada, with("send_at", json!(after(367 * 24 * HOUR)))).await.names(422, &["/send_at"]);
    post(&ada, with("attachments", json!(["x"]))).await.names(422, &["/attachments/0"]);
    post(&ada, with("sendat", json!(1))).await.names(400, &["/sendat"]);
    let strange = format!("{}-1-2", group.replace('-', ""));
    post(&ada, with("reply_to", json!(strange))).await.problem(404, "no-such-message");
    let to = |people: Value| json!({"to": people, "body": "x", "send_at": after(HOUR)});
    post(&ada, to(json!(["nobody-there"]))).await.problem(404, "no-such-user");
    post(&ada, to(json!([ada.id]))).await.names(422, &["/to"]);
    app.post("/v1/scheduled", good).await.problem(401, "unauthenticated");
    ada.get("/v1/scheduled/x").await.expect(404);
    ada.get("/v1/scheduled?limit=0").await.names(400, &["/limit"]);
}

#[tokio::test]
async fn files_wait_with_their_message_and_are_free_again_when_it_is_cancelled() {
    // nobody's files are kept for any time
    let unused = vec![("TIDINGS_ATTACHMENTS_UNUSED_HOURS", "0".to_owned())];
    let app = TestApp::with(Setup { env: unused, ..Setup::default() });
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let group = ada.group("files", &[&bob]).await;
    let file = ada.upload("plan.txt", b"the plan").await;
    let with = |body: &str, send_at: String| json!({"conversation_id": group, "body": body, "send_at": send_at, "attachments": [id(&file)]});
    let first = schedule(&ada, with("first", after(HOUR))).await;
    assert_eq!(first["attachments"], json!([file]));
    assert_eq!(ada.get(format!("/v1/scheduled/{}", id(&first))).await.expect(200)["attachments"], json!([file]));
    ada.post("/v1/scheduled", with("second", after(HOUR))).await.problem(409, "attachment-used");
    bob.post("/v1/scheduled", with("of somebody else", after(HOUR))).await.names(422, &["/attachments/0"]);
    bob.file(&file).await.problem(404, "no-such-attachment");

    // the first round after a start collects what nobody sends
    let unsent = ada.upload("unsent.txt", b"unsent").await;
    app.stop().await;
    app.restart();
    until("the unused are gone", async || app.sealed_files(&id(&unsent)).is_empty()).await;
    assert_eq!(ada.file(&file).await.expect(200).text, "the plan");

    ada.delete(format!("/v1/scheduled/{}", id(&first))).await.expect(204);
    schedule(&ada, with("now it may", after(2_000))).await;
    let seen = arrives(&bob, &group, "now it may").await;
    assert_eq!(seen["attachments"][0]["id"], file["id"]);
    assert_eq!(bob.file(&file).await.expect(200).text, "the plan");
}

#[tokio::test]
async fn files_alone_can_be_sent_later_to_people() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let file = ada.upload("hello.txt", b"hello").await;
    let later = json!({"to": [bob.username], "send_at": after(2_000), "attachments": [id(&file)]});
    schedule(&ada, later).await;
    until("it is there", async || bob.unread_total().await == 1).await;
    assert_eq!(bob.file(&file).await.expect(200).text, "hello");
}
