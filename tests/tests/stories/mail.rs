//! Messages as letters: a subject, several receivers, the unread and the read, what one person wrote.

use serde_json::{Value, json};
use tidings_tests::app::{Person, TestApp, bodies, id};

async fn letter(from: &Person, to: &[&Person], subject: &str, body: &str) -> Value {
    let to: Vec<_> = to.iter().map(|person| &person.username).collect();
    from.post("/v1/messages", json!({"to": to, "subject": subject, "body": body})).await.expect(201).json
}

async fn received(person: &Person, query: &str) -> Vec<String> {
    let found = person.all(&format!("/v1/messages{query}")).await;
    bodies(&found).into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_letter_has_a_subject_and_reaches_every_receiver() {
    let app = TestApp::shared();
    let (ada, bob, eve) = (app.person("ada").await, app.person("bob").await, app.person("eve").await);
    let sent = letter(&ada, &[&bob, &eve], "Engines", "Dear both").await;
    for person in [&bob, &eve] {
        let got = person.get("/v1/messages?limit=1").await.expect(200);
        assert_eq!(got.items()[0]["id"], sent["id"]);
        assert_eq!((&got.items()[0]["subject"], &got.items()[0]["read"]), (&json!("Engines"), &json!(false)));
    }
    let again = letter(&bob, &[&eve, &ada], "Re: Engines", "Dear ada").await;
    assert_eq!(again["conversation_id"], sent["conversation_id"], "the same people, the same conversation");
    let alone = letter(&ada, &[&bob], "Between us", "Dear bob").await;
    assert_ne!(alone["conversation_id"], sent["conversation_id"]);
}

#[tokio::test]
async fn letters_are_marked_read_and_unread_one_by_one_and_listed_so() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let sent = [letter(&ada, &[&bob], "1", "one").await, letter(&ada, &[&bob], "2", "two").await];
    let read = |message: &Value| format!("/v1/messages/{}/read", id(message));
    assert_eq!(received(&bob, "?unread=true").await, ["two", "one"]);
    assert_eq!(bob.put(read(&sent[0]), None).await.expect(200)["unread"], 1);
    assert_eq!(received(&bob, "?unread=true").await, ["two"]);
    assert_eq!(received(&bob, "?unread=false").await, ["one"]);
    assert_eq!(bob.delete(read(&sent[0])).await.expect(200)["unread"], 2);
    assert_eq!(received(&bob, "?unread=false").await, Vec::<String>::new());
    assert!(received(&ada, "").await.is_empty(), "nobody receives what they wrote");
}

#[tokio::test]
async fn the_sender_deletes_for_all_and_a_receiver_for_themselves() {
    let app = TestApp::shared();
    let (ada, bob, eve) = (app.person("ada").await, app.person("bob").await, app.person("eve").await);
    let one = letter(&ada, &[&bob, &eve], "1", "one").await;
    let two = letter(&ada, &[&bob, &eve], "2", "two").await;
    bob.delete(format!("/v1/messages/{}", id(&one))).await.expect(204);
    assert_eq!(received(&bob, "").await, ["two"]);
    assert_eq!(received(&eve, "").await, ["two", "one"]);
    ada.delete(format!("/v1/messages/{}", id(&two))).await.expect(204);
    for person in [&bob, &eve] {
        let gone = person.get(format!("/v1/messages/{}", id(&two))).await.expect(200);
        assert!(gone["body"].is_null() && gone["subject"].is_null() && gone["deleted_at"].is_string());
    }
    assert_eq!(bob.unread_total().await, 0);
    assert_eq!(eve.unread_total().await, 1);
}

#[tokio::test]
async fn the_last_all_and_the_unread_letters_of_one_person_can_be_asked_for() {
    let app = TestApp::shared();
    let (ada, bob, eve) = (app.person("ada").await, app.person("bob").await, app.person("eve").await);
    letter(&ada, &[&bob], "1", "first of ada").await;
    let seen = letter(&ada, &[&bob, &eve], "2", "second of ada").await;
    letter(&ada, &[&bob], "3", "last of ada").await;
    letter(&eve, &[&bob], "4", "of eve").await;
    bob.put(format!("/v1/messages/{}/read", id(&seen)), None).await.expect(200);
    let from = format!("from={}", ada.username);
    let last = bob.get(format!("/v1/messages?{from}&limit=1")).await.expect(200);
    assert_eq!(last.items()[0]["body"], "last of ada");
    assert_eq!(received(&bob, &format!("?{from}")).await, ["last of ada", "second of ada", "first of ada"]);
    assert_eq!(received(&bob, &format!("?{from}&unread=true")).await, ["last of ada", "first of ada"]);
    assert_eq!(received(&bob, &format!("?{from}&unread=false")).await, ["second of ada"]);
    let unread = bob.get(format!("/v1/messages?from={}&unread=true&limit=1", ada.id)).await.expect(200);
    assert_eq!(unread.items()[0]["body"], "last of ada");
    assert!(unread["next"].is_string());
}

#[tokio::test]
async fn mentions_are_counted_apart_through_edits_deletions_marks_and_hiding() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let group = ada.group("mentions", &[&bob]).await;
    let (at, plain) = (format!("hey @{}", bob.username), "hey you");
    let sent = ada.send_all(&group, &[&at, &at, &at, plain]).await;
    let of = |nth: usize, what: &str| format!("/v1/messages/{}{what}", id(&sent[nth]));
    assert_eq!(bob.unread_and_mentions(&group).await, (4, 3));
    ada.patch(of(0, ""), json!({"body": plain})).await.expect(200);
    assert_eq!(bob.unread_and_mentions(&group).await, (4, 2), "an edit takes a mention away");
    ada.patch(of(3, ""), json!({"body": at})).await.expect(200);
    assert_eq!(bob.unread_and_mentions(&group).await, (4, 3), "and another brings one");
    ada.delete(of(1, "")).await.expect(204);
    assert_eq!(bob.unread_and_mentions(&group).await, (3, 2));
    bob.put(of(2, "/read"), None).await.expect(200);
    assert_eq!(bob.unread_and_mentions(&group).await, (2, 1));
    bob.delete(of(2, "/read")).await.expect(200);
    assert_eq!(bob.unread_and_mentions(&group).await, (3, 2));
    bob.delete(of(2, "?for=me")).await.expect(204);
    assert_eq!(bob.unread_and_mentions(&group).await, (2, 1));
    bob.put(format!("/v1/conversations/{group}/read"), json!({"up_to": sent[3]["id"]})).await.expect(200);
    assert_eq!(bob.unread_and_mentions(&group).await, (0, 0));
    bob.delete(of(3, "/read")).await.expect(200);
    assert_eq!(bob.unread_and_mentions(&group).await, (1, 1), "marked unread below the mark");
}

#[tokio::test]
async fn a_query_opens_and_closes_the_window() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    letter(&ada, &[&bob], "now", "new").await;
    assert_eq!(received(&bob, "").await, ["new"]);
    assert_eq!(received(&bob, "?since=2000-01-01T00:00:00Z").await, ["new"]);
    assert!(received(&bob, "?until=2000-01-01T00:00:00Z").await.is_empty());
    assert!(received(&bob, "?since=2999-01-01T00:00:00Z").await.is_empty());
}
