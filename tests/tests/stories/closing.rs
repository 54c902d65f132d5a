//! Closing an account: what is forgotten, and what stays.

use reqwest::Method;
use serde_json::json;
use tidings_tests::app::{PASSWORD, Person, TestApp, id};

async fn close(person: &Person) {
    let closed = person.call(Method::DELETE, "/v1/users/me").json(json!({"password": PASSWORD})).await.expect(204);
    assert!(closed.position() > 0);
}

#[tokio::test]
async fn it_takes_the_password() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    ada.delete("/v1/users/me").json(json!({"password": "not the password"})).await.problem(403, "wrong-password");
    ada.delete("/v1/users/me").json(json!({})).await.names(400, &["/password"]);
    ada.delete("/v1/users/me").await.expect(415);
    ada.get("/v1/users/me").await.expect(200);
}

#[tokio::test]
async fn a_closed_account_is_gone_and_its_messages_are_tombstones() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let group = ada.group("memories", &[&bob]).await;
    let direct = bob.direct(&[&ada]).await;
    let sent = ada.send_all(&group, &["one", "two"]).await;
    ada.patch(format!("/v1/messages/{}", id(&sent[1])), json!({"body": "two, edited"})).await.expect(200);
    let private = ada.send(&direct, "private").await;
    let answer = bob.send(&group, "bob's own").await;
    close(&ada).await;

    ada.get("/v1/users/me").await.expect(401);
    app.post("/v1/sessions", json!({"username": ada.username, "password": PASSWORD})).await.expect(401);
    app.post("/v1/sessions/refresh", json!({"refresh_token": ada.refresh_token})).await.expect(401);
    bob.get(format!("/v1/users/{}", ada.username)).await.expect(404);
    bob.get(format!("/v1/users/{}", ada.id)).await.expect(404);
    assert!(bob.all(&format!("/v1/users?query={}", ada.username)).await.is_empty());

    let seen = bob.messages(&group).await;
    assert_eq!(seen.len(), 3, "all places stay");
    assert_eq!(seen[0]["body"], "bob's own");
    for tombstone in [&seen[1], &seen[2], &bob.messages(&direct).await[0]] {
        assert!(tombstone["body"].is_null() && tombstone["subject"].is_null(), "{tombstone}");
        assert_eq!(tombstone["sender"], json!({"id": ada.id, "username": null}));
    }
    let history = bob.get(format!("/v1/messages/{}/history", id(&sent[1]))).await;
    assert!(!history.text.contains("two"), "{}", history.text);
    assert!(!bob.get(format!("/v1/messages/{}", id(&private))).await.text.contains("private"));
    let members = bob.all(&format!("/v1/conversations/{group}/members")).await;
    assert!(!format!("{members:?}").contains(&ada.username), "{members:?}");
    bob.delete(format!("/v1/messages/{}", id(&answer))).await.expect(204);
}

#[tokio::test]
async fn the_name_is_never_given_out_again_but_the_addresses_are_free() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let email = format!("{}@example.org", ada.username);
    ada.patch("/v1/users/me", json!({"email": email, "phone_number": "+33142685300"})).await.expect(200);
    close(&ada).await;
    app.post("/v1/users", json!({"username": ada.username, "password": PASSWORD})).await.problem(409, "taken");
    bob.patch("/v1/users/me", json!({"email": email, "phone_number": "+33 1 42 68 53 00"})).await.expect(200);
}

#[tokio::test]
async fn its_groups_go_on_without_it() {
    let app = TestApp::shared();
    let (ada, bob, eve) = (app.person("ada").await, app.person("bob").await, app.person("eve").await);
    let group = ada.group("orphans", &[&bob, &eve]).await;
    let alone = ada.group("alone", &[]).await;
    let mut live = bob.live().await;
    close(&ada).await;
    // leaving follows the closing: the live stream tells when it has happened
    live.until(|event| event.event == "member" && event.data.to_string().contains(&group)).await;
    let last = live.until(|event| event.data.to_string().contains("owner")).await;
    assert!(!last.is_empty());
    let shown = bob.get(format!("/v1/conversations/{group}")).await.expect(200);
    assert_eq!((&shown["my_role"], &shown["member_count"]), (&json!("owner"), &json!(2)), "{}", shown.text);
    eve.send(&group, "we go on").await;
    assert_eq!(bob.unread(&group).await, 1);
    eve.get(format!("/v1/conversations/{alone}")).await.expect(403);
    bob.put(format!("/v1/conversations/{group}/members/{}", ada.id), json!({})).await.expect(404);
    let refused = bob.post("/v1/messages", json!({"to": [ada.id], "body": "still there?"})).await;
    refused.names(404, &["/to/0"]);
}

#[tokio::test]
async fn nothing_that_was_closed_or_deleted_is_left_in_what_is_stored() {
    let app = TestApp::start();
    let (ada, bob) = (app.person("xanthippe").await, app.person("bob").await);
    let group = bob.group("forgetful", &[&ada]).await;
    let sent = bob.send(&group, "quetzalcoatl-deleted").await;
    let edited = bob.send(&group, "quetzalcoatl-first").await;
    bob.patch(format!("/v1/messages/{}", id(&edited)), json!({"body": "quetzalcoatl-second"})).await.expect(200);
    ada.send(&group, "quetzalcoatl-closed").await;
    ada.patch("/v1/users/me", json!({"email": "xerxes@example.org", "last_name": "Zarathustra"})).await.expect(200);
    bob.send(&group, "quetzalcoatl-stays").await;
    bob.delete(format!("/v1/messages/{}", id(&sent))).key("forget").await.expect(204);
    bob.delete(format!("/v1/messages/{}", id(&edited))).await.expect(204);
    close(&ada).await;
    assert_eq!(bob.messages(&group).await[0]["body"], "quetzalcoatl-stays");
    app.stop().await;
    let mut kept = 0;
    for (name, bytes) in app.stored() {
        let found = |text: &str| bytes.windows(text.len()).any(|window| window.eq_ignore_ascii_case(text.as_bytes()));
        kept += usize::from(found("quetzalcoatl-stays"));
        for gone in [
            "quetzalcoatl-deleted",
            "quetzalcoatl-first",
            "quetzalcoatl-second",
            "quetzalcoatl-closed",
            "xerxes",
            "zarathustra",
            &ada.username,
        ] {
            assert!(!found(gone), "{gone} is in {name}");
        }
    }
    assert!(kept > 0, "what was not erased is in the views: the search works");
}
