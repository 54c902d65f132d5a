//! Blocks: who is blocked reaches the blocker by nothing of their own.

use reqwest::Method;
use serde_json::{Value, json};
use tidings_tests::app::{LiveEvent, PASSWORD, Person, TestApp, bodies, id};

fn block(other: &Person) -> String {
    format!("/v1/blocks/{}", other.username)
}

fn with(people: &[&Person]) -> Value {
    json!({"kind": "direct", "members": people.iter().map(|person| &person.id).collect::<Vec<_>>()})
}

async fn blocked(person: &Person) -> Vec<String> {
    let items = person.all("/v1/blocks").await;
    items.iter().map(|item| item["user"]["id"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn the_blocked_one_sends_nothing_directly_until_unblocked() {
    let app = TestApp::start();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let direct = bob.direct(&[&ada]).await;
    let (mine, sent) = (bob.send(&direct, "before").await, ada.send(&direct, "hers").await);
    assert!(ada.put(block(&bob), None).await.expect(204).position() > 0);

    let messages = format!("/v1/conversations/{direct}/messages");
    bob.post(&*messages, json!({"body": "x"})).await.problem(403, "blocked");
    bob.post("/v1/messages", json!({"to": [ada.username], "body": "x"})).await.problem(403, "blocked");
    bob.post("/v1/conversations", with(&[&ada])).await.problem(403, "blocked");
    bob.patch(format!("/v1/messages/{}", id(&mine)), json!({"body": "x"})).await.problem(403, "blocked");
    bob.put(format!("/v1/messages/{}/reactions/👍", id(&sent)), None).await.problem(403, "blocked");
    bob.put(format!("/v1/messages/{}/pin", id(&sent)), None).await.problem(403, "blocked");
    bob.put(format!("/v1/conversations/{direct}/typing"), None).await.problem(403, "blocked");
    // what was there stays, can be read, and one's own can be taken back
    assert_eq!(bodies(&bob.messages(&direct).await), ["hers", "before"]);
    bob.read(&sent).await;
    bob.delete(format!("/v1/messages/{}", id(&mine))).await.expect(204);
    // it is the blocked one who is stopped
    ada.send(&direct, "and another thing").await;

    ada.delete(block(&bob)).await.expect(204);
    bob.send(&direct, "after").await;
    bob.post("/v1/conversations", with(&[&ada])).await.expect(200);
    ada.put(block(&bob), None).await.expect(204);
    bob.post(&*messages, json!({"body": "x"})).await.problem(403, "blocked");
    app.tool_done(&["replay", "--verify"]);
}

#[tokio::test]
async fn a_block_counts_before_there_is_a_conversation() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    ada.put(block(&bob), None).await.expect(204);
    bob.post("/v1/messages", json!({"to": [ada.id], "body": "x"})).await.problem(403, "blocked");
    bob.post("/v1/conversations", with(&[&ada])).await.problem(403, "blocked");
    assert!(ada.inbox().await.is_empty() && bob.inbox().await.is_empty());
    // the blocker may begin one, and is heard
    let direct = ada.direct(&[&bob]).await;
    ada.send(&direct, "one last word").await;
    assert_eq!(bob.unread(&direct).await, 1);
    bob.post(format!("/v1/conversations/{direct}/messages"), json!({"body": "x"})).await.problem(403, "blocked");
    // each blocks for oneself
    bob.put(block(&ada), None).await.expect(204);
    ada.post(format!("/v1/conversations/{direct}/messages"), json!({"body": "x"})).await.problem(403, "blocked");
    ada.delete(block(&bob)).await.expect(204);
    bob.send(&direct, "free to speak").await;
    ada.post("/v1/messages", json!({"to": [bob.id], "body": "x"})).await.problem(403, "blocked");
}

#[tokio::test]
async fn the_blocked_one_brings_the_blocker_into_nothing_and_others_may() {
    let app = TestApp::shared();
    let (ada, bob, eve) = (app.person("ada").await, app.person("bob").await, app.person("eve").await);
    let ours = ada.group("of us all", &[&bob, &eve]).await;
    let three = eve.direct(&[&ada, &bob]).await;
    ada.put(block(&bob), None).await.expect(204);
    let group = bob.group("of bob", &[&eve]).await;
    let member = format!("/v1/conversations/{group}/members/{}", ada.id);
    bob.put(&*member, json!({})).await.problem(403, "blocked");
    let start = json!({"kind": "group", "name": "x", "members": [eve.id, ada.id]});
    bob.post("/v1/conversations", start).await.problem(403, "blocked");
    let zoe = app.person("zoe").await;
    bob.post("/v1/conversations", with(&[&ada, &zoe])).await.problem(403, "blocked");
    bob.post("/v1/messages", json!({"to": [ada.id, zoe.id], "body": "x"})).await.problem(403, "blocked");
    // in what they share they go on, and somebody else may add anybody
    bob.send(&ours, "to all").await;
    bob.send(&three, "to both").await;
    bob.post("/v1/messages", json!({"to": [ada.id, eve.id], "body": "again"})).await.expect(201);
    assert_eq!(bodies(&ada.messages(&three).await), ["again", "to both"]);
    eve.put(&*member, json!({})).await.expect(200);
    // who is there already may get a role from anybody who gives roles
    bob.put(&*member, json!({"role": "admin"})).await.expect(200);
    // and the blocker brings the blocked one wherever they like
    ada.group("of ada", &[&bob]).await;
    ada.post("/v1/conversations", with(&[&bob, &zoe])).await.expect(201);
    // a stranger to the group learns that they are one, and no more
    zoe.put(block(&ada), None).await.expect(204);
    ada.put(format!("/v1/conversations/{}/members/{}", eve.group("x", &[]).await, zoe.id), json!({}))
        .await
        .problem(403, "not-a-member");
}

#[tokio::test]
async fn a_block_ends_the_contact_and_nobody_is_told_why() {
    let app = TestApp::shared();
    let (ada, bob, eve) = (app.person("ada").await, app.person("bob").await, app.person("eve").await);
    let contact = |other: &Person| format!("/v1/contacts/{}", other.id);
    ada.put(contact(&bob), None).await.expect(200);
    bob.put(contact(&ada), None).await.expect(200);
    eve.put(contact(&ada), None).await.expect(200);
    let (mut of_bob, mut of_eve) = (bob.live().await, eve.live().await);
    ada.put(block(&bob), None).await.expect(204);
    ada.delete(contact(&eve)).await.expect(204);
    // where they begin may be before what was accepted
    let ended = |event: &LiveEvent| event.event == "contact" && event.data["state"].is_null();
    let by_block = of_bob.until(ended).await.pop().unwrap();
    let by_refusal = of_eve.until(ended).await.pop().unwrap();
    assert_eq!(by_block.data, by_refusal.data, "the one looks like the other");
    assert!(ada.all("/v1/contacts").await.is_empty() && bob.all("/v1/contacts").await.is_empty());
    bob.put(contact(&ada), None).await.problem(403, "blocked");
    bob.delete(contact(&ada)).await.expect(204);
    ada.put(contact(&bob), None).await.problem(409, "unblock-first");
    // an open request goes with it too, and is not there again afterwards
    ada.put(block(&eve), None).await.expect(204);
    assert_eq!(blocked(&ada).await, [&*eve.id, &*bob.id]);
    ada.delete(block(&eve)).await.expect(204);
    assert!(eve.all("/v1/contacts?state=outgoing").await.is_empty());
    eve.put(contact(&ada), None).await.expect(200);
    // others learn nothing: neither of the block nor of the contact
    let profile = bob.get(format!("/v1/users/{}", ada.id)).await.expect(200);
    assert!(!profile.text.contains("block"), "{}", profile.text);
    assert!(blocked(&bob).await.is_empty());
}

#[tokio::test]
async fn blocks_are_listed_and_what_cannot_be_is_refused() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let mut expected = vec![];
    for _ in 0..5 {
        let other = app.person("crowd").await;
        ada.put(block(&other), None).await.expect(204);
        expected.insert(0, other.id);
    }
    let pages = ada.pages("/v1/blocks", 2).await.concat();
    assert_eq!(pages.iter().map(|item| &item["user"]["id"]).collect::<Vec<_>>(), expected.iter().collect::<Vec<_>>());
    let again = ada.put(format!("/v1/blocks/{}", expected[0]), None).await.expect(204);
    assert_eq!(again.header("tidings-position"), None);
    ada.put(block(&bob), None).key("k").await.expect(204);
    ada.delete(block(&bob)).await.expect(204);
    let replayed = ada.put(block(&bob), None).key("k").await.expect(204);
    assert_eq!(replayed.header("idempotency-replayed"), Some("true"));
    assert_eq!(blocked(&ada).await, expected, "a request repeated late blocks nobody again");
    bob.post("/v1/messages", json!({"to": [ada.id], "body": "still welcome"})).await.expect(201);
    ada.put(block(&bob), None).await.expect(204);
    bob.call(Method::DELETE, "/v1/users/me").json(json!({"password": PASSWORD})).await.expect(204);
    assert_eq!(blocked(&ada).await, expected, "a closed account vanishes");
    for me in ["me", &ada.id] {
        ada.put(format!("/v1/blocks/{me}"), None).await.names(422, &["/user"]);
        ada.delete(format!("/v1/blocks/{me}")).await.names(422, &["/user"]);
    }
    ada.put("/v1/blocks/nobody-like-this", None).await.problem(404, "no-such-user");
    ada.delete(block(&bob)).await.problem(404, "no-such-user");
    ada.get("/v1/blocks?limit=101").await.names(400, &["/limit"]);
    ada.get("/v1/blocks?cursor=x").await.names(400, &["/cursor"]);
    app.get("/v1/blocks").await.expect(401);
}

#[tokio::test]
async fn once_a_block_is_answered_nothing_more_arrives() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let direct = bob.direct(&[&ada]).await;
    let flood: Vec<_> = (0..8)
        .map(|_| {
            let (bob, path) = (bob.clone(), format!("/v1/conversations/{direct}/messages"));
            tokio::spawn(async move {
                let mut sent = 0;
                while bob.post(&*path, json!({"body": "again"})).await.status == 201 {
                    sent += 1;
                }
                sent
            })
        })
        .collect();
    while ada.messages(&direct).await.len() < 20 {}
    ada.put(block(&bob), None).await.expect(204);
    let then = ada.messages(&direct).await.len();
    let sent: usize = futures::future::join_all(flood).await.into_iter().map(Result::unwrap).sum();
    assert_eq!((ada.messages(&direct).await.len(), sent), (then, then));
}

#[tokio::test]
async fn what_was_sent_under_a_key_before_the_block_is_answered_again() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let letter = json!({"to": [ada.id], "body": "in time"});
    let first = bob.post("/v1/messages", letter.clone()).key("letter").await.expect(201);
    ada.put(block(&bob), None).await.expect(204);
    let again = bob.post("/v1/messages", letter).key("letter").await.expect(201);
    assert_eq!((again.header("idempotency-replayed"), &again.json), (Some("true"), &first.json));
    bob.post("/v1/messages", json!({"to": [ada.id], "body": "late"})).key("other").await.problem(403, "blocked");
}
