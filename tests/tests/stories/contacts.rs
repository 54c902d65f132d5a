//! Contacts: asked, accepted, ended; shown to the two alone.

use reqwest::Method;
use serde_json::{Value, json};
use tidings_tests::app::{PASSWORD, Person, TestApp};

fn contact(other: &Person) -> String {
    format!("/v1/contacts/{}", other.username)
}

/// The ids of those in a state, newest first.
async fn listed(person: &Person, state: &str) -> Vec<String> {
    let items = person.all(&format!("/v1/contacts?state={state}")).await;
    assert!(items.iter().all(|item| item["state"] == state), "{items:?}");
    items.iter().map(|item| item["user"]["id"].as_str().expect("an id").to_owned()).collect()
}

async fn befriend(one: &Person, other: &Person) {
    one.put(contact(other), None).await.expect(200);
    other.put(contact(one), None).await.expect(200);
}

#[tokio::test]
async fn two_people_ask_agree_and_part() {
    let app = TestApp::start();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let asked = ada.put(contact(&bob), None).await.expect(200);
    assert!(asked.position() > 0);
    assert_eq!((&asked["state"], &asked["user"]["username"]), (&json!("outgoing"), &json!(bob.username)));
    assert!(asked["user"]["email"].is_null() && asked["since"].is_string());
    assert_eq!(listed(&ada, "outgoing").await, [&*bob.id]);
    assert_eq!(listed(&bob, "incoming").await, [&*ada.id]);
    // asking again changes nothing
    let again = ada.put(contact(&bob), None).await.expect(200);
    assert_eq!((again.header("tidings-position"), &again["since"]), (None, &asked["since"]));

    let agreed = bob.put(format!("/v1/contacts/{}", ada.id), None).await.expect(200);
    assert_eq!(agreed["state"], "accepted");
    for (person, other) in [(&ada, &bob), (&bob, &ada)] {
        assert_eq!(listed(person, "accepted").await, [&*other.id]);
        assert_eq!(person.all("/v1/contacts").await, person.all("/v1/contacts?state=accepted").await);
        assert!(listed(person, "incoming").await.is_empty() && listed(person, "outgoing").await.is_empty());
    }
    ada.delete(contact(&bob)).await.expect(204);
    for person in [&ada, &bob] {
        assert!(listed(person, "accepted").await.is_empty());
    }
    // what is not there is ended already
    let nothing = ada.delete(contact(&bob)).await.expect(204);
    assert_eq!(nothing.header("tidings-position"), None);
    befriend(&bob, &ada).await;
    app.tool_done(&["replay", "--verify"]);
}

#[tokio::test]
async fn a_request_is_withdrawn_or_declined() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    for who_ends in [&ada, &bob] {
        let other = if who_ends.id == ada.id { &bob } else { &ada };
        ada.put(contact(&bob), None).await.expect(200);
        who_ends.delete(contact(other)).await.expect(204);
        assert!(listed(&ada, "outgoing").await.is_empty() && listed(&bob, "incoming").await.is_empty());
    }
}

#[tokio::test]
async fn who_ask_each_other_at_once_are_contacts() {
    let app = TestApp::shared();
    for _ in 0..5 {
        let (ada, bob) = (app.person("ada").await, app.person("bob").await);
        let (one, other) =
            tokio::join!(async { ada.put(contact(&bob), None).await }, async { bob.put(contact(&ada), None).await });
        one.expect(200);
        other.expect(200);
        assert_eq!(listed(&ada, "accepted").await, [&*bob.id]);
        assert_eq!(listed(&bob, "accepted").await, [&*ada.id]);
    }
}

#[tokio::test]
async fn lists_go_page_by_page_while_others_come() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    let mut asked = vec![];
    for _ in 0..7 {
        let other = app.person("crowd").await;
        ada.put(contact(&other), None).await.expect(200);
        asked.insert(0, other.id);
    }
    let (first, next) = ada.page("/v1/contacts?state=outgoing", 3, None).await;
    let late = app.person("late").await;
    ada.put(contact(&late), None).await.expect(200);
    let (second, next) = ada.page("/v1/contacts?state=outgoing", 3, next.as_deref()).await;
    let (third, next) = ada.page("/v1/contacts?state=outgoing", 3, next.as_deref()).await;
    assert_eq!(next, None);
    let pages: Vec<&Value> = first.iter().chain(&second).chain(&third).map(|item| &item["user"]["id"]).collect();
    assert_eq!(pages, asked.iter().collect::<Vec<_>>());
    // a cursor of one list is none of another
    let (_, next) = ada.page("/v1/contacts?state=outgoing", 3, None).await;
    let elsewhere = format!("/v1/contacts?state=incoming&cursor={}", next.expect("there is more"));
    ada.get(elsewhere).await.names(400, &["/cursor"]);
}

#[tokio::test]
async fn a_closed_account_vanishes_from_the_lists() {
    let app = TestApp::shared();
    let (ada, bob, eve) = (app.person("ada").await, app.person("bob").await, app.person("eve").await);
    befriend(&ada, &bob).await;
    eve.put(contact(&ada), None).await.expect(200);
    for person in [&bob, &eve] {
        person.call(Method::DELETE, "/v1/users/me").json(json!({"password": PASSWORD})).await.expect(204);
    }
    assert!(listed(&ada, "accepted").await.is_empty() && listed(&ada, "incoming").await.is_empty());
    for person in [&bob, &eve] {
        ada.put(contact(person), None).await.problem(404, "no-such-user");
        ada.delete(format!("/v1/contacts/{}", person.id)).await.problem(404, "no-such-user");
    }
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    for me in ["me", &ada.id, &ada.username] {
        ada.put(format!("/v1/contacts/{me}"), None).await.names(422, &["/user"]);
        ada.delete(format!("/v1/contacts/{me}")).await.names(422, &["/user"]);
    }
    for nobody in ["nobody-like-this", "00000000-0000-4000-8000-000000000000", "x"] {
        ada.put(format!("/v1/contacts/{nobody}"), None).await.problem(404, "no-such-user");
    }
    ada.get("/v1/contacts?state=enemies").await.names(400, &["/state"]);
    ada.get("/v1/contacts?state=").await.names(400, &["/state"]);
    ada.get("/v1/contacts?limit=0").await.names(400, &["/limit"]);
    ada.get("/v1/contacts?cursor=x").await.names(400, &["/cursor"]);
    app.get("/v1/contacts").await.expect(401);
    app.call(Method::PUT, contact(&ada)).await.expect(401);
}

#[tokio::test]
async fn the_same_key_asks_once() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let first = ada.put(contact(&bob), None).key("k").await.expect(200);
    bob.delete(contact(&ada)).await.expect(204);
    let again = ada.put(contact(&bob), None).key("k").await.expect(200);
    assert_eq!((again.header("idempotency-replayed"), &again.json), (Some("true"), &first.json));
    assert!(listed(&bob, "incoming").await.is_empty(), "declined is declined");
    ada.delete(contact(&bob)).key("k").await.problem(422, "idempotency-key-reused");
}

#[tokio::test]
async fn both_are_told_live_and_nobody_else() {
    let app = TestApp::shared();
    let (ada, bob, eve) = (app.person("ada").await, app.person("bob").await, app.person("eve").await);
    let (mut of_ada, mut of_bob, mut of_eve) = (ada.live().await, bob.live().await, eve.live().await);
    let states = [
        (ada.put(contact(&bob), None), json!("outgoing"), json!("incoming")),
        (bob.put(contact(&ada), None), json!("accepted"), json!("accepted")),
        (bob.delete(contact(&ada)), json!(null), json!(null)),
    ];
    let mut last = 0;
    for (call, for_ada, for_bob) in states {
        last = call.await.position();
        for (live, other, state) in [(&mut of_ada, &bob, for_ada), (&mut of_bob, &ada, for_bob)] {
            let told = live.until(|event| event.event == "contact").await.pop().unwrap();
            assert_eq!((told.position(), &told.data["state"]), (last, &state));
            assert_eq!(told.data["user"]["id"], other.id);
        }
    }
    eve.put(contact(&ada), None).await.expect(200);
    let only = of_eve.expect("contact").await;
    assert_eq!((&only.data["user"]["id"], only.position() > last), (&json!(ada.id), true));
    // the same again from the log, as it is now
    let replayed = bob.live_after(0).await.until(|event| event.id == Some(last.to_string())).await;
    assert!(replayed.iter().all(|event| event.event == "contact" && event.data["state"].is_null()), "{replayed:?}");
    assert_eq!(replayed.len(), 3);
}
