//! Direct conversations: one for each set of people, for ever.

use serde_json::json;
use tidings_tests::app::{TestApp, bodies};

#[tokio::test]
async fn the_same_people_have_the_same_conversation_always() {
    let app = TestApp::shared();
    let (ada, bob, eve) = (app.person("ada").await, app.person("bob").await, app.person("eve").await);
    let with = |people: &[&str]| json!({"kind": "direct", "members": people});
    let made = ada.post("/v1/conversations", with(&[&bob.id])).await.expect(201);
    assert_eq!((&made["kind"], &made["member_count"], &made["name"]), (&json!("direct"), &json!(2), &json!(null)));
    assert!(made.position() > 0);
    for found in [
        ada.post("/v1/conversations", with(&[&bob.username])).await,
        bob.post("/v1/conversations", with(&[&ada.id])).await,
        bob.post("/v1/conversations", with(&[&ada.id, &bob.id, &ada.username])).await,
    ] {
        let found = found.expect(200);
        assert_eq!(found["id"], made["id"]);
        assert_eq!(found.header("tidings-position"), None);
    }
    let three = eve.post("/v1/conversations", with(&[&bob.id, &ada.id])).await.expect(201);
    assert_ne!(three["id"], made["id"]);
    assert_eq!(bob.post("/v1/conversations", with(&[&eve.id, &ada.id])).await.expect(200)["id"], three["id"]);
    // a group of the same people is something else
    let group = ada.group("two of us", &[&bob]).await;
    assert_ne!(made["id"], group);
}

#[tokio::test]
async fn a_direct_conversation_made_from_both_sides_at_once_is_one() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let (one, other) = (json!({"kind": "direct", "members": [bob.id]}), json!({"kind": "direct", "members": [ada.id]}));
    let (one, other) = tokio::join!(async { ada.post("/v1/conversations", one).await }, async {
        bob.post("/v1/conversations", other).await
    });
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!((statuses, &one["id"]), ([200, 201], &other["id"]));
}

#[tokio::test]
async fn its_members_are_fixed() {
    let app = TestApp::shared();
    let (ada, bob, eve) = (app.person("ada").await, app.person("bob").await, app.person("eve").await);
    let direct = ada.direct(&[&bob]).await;
    let member = |user: &str| format!("/v1/conversations/{direct}/members/{user}");
    ada.put(member(&eve.id), json!({})).await.problem(409, "direct-is-fixed");
    ada.put(member(&bob.id), json!({"role": "admin"})).await.problem(409, "direct-is-fixed");
    ada.delete(member(&bob.id)).await.problem(409, "direct-is-fixed");
    ada.delete(member("me")).await.problem(409, "direct-is-fixed");
    ada.patch(format!("/v1/conversations/{direct}"), json!({"name": "x"})).await.problem(409, "direct-is-fixed");
    eve.put(member(&eve.id), json!({})).await.problem(403, "not-a-member");
}

#[tokio::test]
async fn it_takes_two_to_twenty() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    let with = |people: Vec<String>| json!({"kind": "direct", "members": people});
    ada.post("/v1/conversations", with(vec![])).await.names(422, &["/members"]);
    ada.post("/v1/conversations", with(vec![ada.id.clone()])).await.names(422, &["/members"]);
    ada.post("/v1/messages", json!({"to": [ada.username], "body": "me?"})).await.names(422, &["/to"]);
    ada.post("/v1/messages", json!({"to": [], "body": "nobody?"})).await.names(422, &["/to"]);
    let others = futures::future::join_all((0..20).map(|_| app.person("crowd"))).await;
    let ids: Vec<_> = others.iter().map(|person| person.id.clone()).collect();
    ada.post("/v1/conversations", with(ids.clone())).await.names(422, &["/members"]);
    ada.post("/v1/messages", json!({"to": ids, "body": "all"})).await.names(422, &["/to"]);
    let made = ada.post("/v1/conversations", with(ids[..19].to_vec())).await.expect(201);
    assert_eq!(made["member_count"], 20);
    let name = json!({"kind": "direct", "members": [ids[0]], "name": "x"});
    let refused = ada.post("/v1/conversations", name).await;
    assert!(matches!(refused.status, 400 | 422) && refused.pointers() == ["/name"], "{refused:?}");
    let unknown = ada.post("/v1/conversations", with(vec!["nobody-like-this".to_owned()])).await;
    unknown.names(404, &["/members/0"]);
}

#[tokio::test]
async fn a_message_to_people_makes_their_conversation_at_need() {
    let app = TestApp::shared();
    let (ada, bob, eve) = (app.person("ada").await, app.person("bob").await, app.person("eve").await);
    let first = ada.post("/v1/messages", json!({"to": [bob.username], "body": "hello"})).await.expect(201);
    let second = bob.post("/v1/messages", json!({"to": [ada.id], "body": "and to you"})).await.expect(201);
    assert_eq!((&first["conversation_id"], &first["seq"]), (&second["conversation_id"], &json!(1)));
    assert_eq!(second["seq"], 2);
    let direct = ada.direct(&[&bob]).await;
    assert_eq!(first["conversation_id"], direct);
    assert_eq!(bodies(&bob.messages(&direct).await), ["and to you", "hello"]);
    assert_eq!((ada.unread(&direct).await, bob.unread(&direct).await), (1, 0));
    let three =
        ada.post("/v1/messages", json!({"to": [eve.id, bob.id], "subject": "All", "body": "hi"})).await.expect(201);
    assert_ne!(three["conversation_id"], first["conversation_id"]);
    assert_eq!(three["subject"], "All");
    assert_eq!(three["conversation_id"], eve.direct(&[&ada, &bob]).await);
    let unknown = ada.post("/v1/messages", json!({"to": [bob.id, "nobody-like-this"], "body": "?"})).await;
    unknown.names(404, &["/to/1"]);
}
