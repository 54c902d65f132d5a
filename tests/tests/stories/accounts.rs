//! Registration, the profile, and what is unique.

use serde_json::json;
use tidings_tests::app::{PASSWORD, TestApp};

#[tokio::test]
async fn a_new_account_has_what_it_was_made_of() {
    let app = TestApp::shared();
    let username = app.fresh_name("ada");
    let email = format!("{username}@example.org");
    let body = json!({
        "username": username.to_uppercase(), "password": PASSWORD, "email": email, "phone_number": "+1 (415) 555-2671",
        "first_name": "Ada", "last_name": "Lovelace",
    });
    let made = app.post("/v1/users", body).await.expect(201);
    assert_eq!(made.header("location"), Some(format!("/v1/users/{}", made.text_of("id")).as_str()));
    assert!(made.position() > 0);
    assert_eq!(made["username"], username, "folded to lower case");

    let ada = app.sign_in(&username, PASSWORD).await;
    let me = ada.get("/v1/users/me").await.expect(200);
    assert_eq!((&me["id"], &me["email"]), (&made["id"], &json!(email)));
    assert_eq!(me["phone_number"], "+14155552671", "kept as E.164");
    assert_eq!((&me["first_name"], &me["last_name"]), (&json!("Ada"), &json!("Lovelace")));
    assert_eq!((&me["mfa_enabled"], &me["roles"]), (&json!(false), &json!([])));
    for time in ["created_at", "modified_at"] {
        let time = me.text_of(time);
        assert!(time.len() == 24 && time.ends_with('Z') && time.as_bytes()[19] == b'.', "milliseconds in UTC: {time}");
    }
}

#[tokio::test]
async fn others_see_a_profile_without_addresses() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    ada.patch("/v1/users/me", json!({"email": format!("{}@example.org", ada.username)})).await.expect(200);
    for path in [format!("/v1/users/{}", ada.id), format!("/v1/users/{}", ada.username)] {
        let seen = bob.get(path).await.expect(200);
        assert_eq!(seen["id"], ada.id);
        let mut members: Vec<_> = seen.json.as_object().unwrap().keys().map(String::as_str).collect();
        members.sort_unstable();
        assert_eq!(members, ["created_at", "first_name", "id", "last_name", "username"]);
    }
    bob.get("/v1/users/nobody-by-this-name").await.expect(404);
    bob.get("/v1/users/018f0000-0000-7000-8000-000000000000").await.expect(404);
    bob.get("/v1/users/x").await.expect(404);
}

#[tokio::test]
async fn a_username_an_email_and_a_number_are_given_once() {
    let app = TestApp::shared();
    let name = app.fresh_name("eve");
    let first = json!({
        "username": name, "password": PASSWORD, "email": format!("{name}@example.org"), "phone_number": "+442079460958",
    });
    app.post("/v1/users", first).await.expect(201);
    let other = app.fresh_name("mallory");
    for (clash, at) in [
        (json!({"username": name.to_uppercase()}), "/username"),
        (json!({"email": format!("{}@EXAMPLE.org", name.to_uppercase())}), "/email"),
        (json!({"phone_number": "+44 20 7946 0958"}), "/phone_number"),
    ] {
        let mut body = json!({"username": other, "password": PASSWORD});
        body.as_object_mut().unwrap().extend(clash.as_object().unwrap().clone());
        let refused = app.post("/v1/users", body).await.problem(409, "taken");
        assert_eq!(refused.pointers(), [at], "{}", refused.text);
    }
    // what a refused registration had claimed already is free again
    app.post("/v1/users", json!({"username": other, "password": PASSWORD})).await.expect(201);
}

#[tokio::test]
async fn of_many_who_want_one_name_at_once_exactly_one_gets_it() {
    let app = TestApp::shared();
    let name = app.fresh_name("popular");
    let tries = (0..8).map(|_| async { app.post("/v1/users", json!({"username": name, "password": PASSWORD})).await });
    let answers = futures::future::join_all(tries).await;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409]);
}

#[tokio::test]
async fn a_registration_that_breaks_rules_names_every_member() {
    let app = TestApp::shared();
    let body = json!({
        "username": "a b", "password": "short", "email": "nowhere", "phone_number": "0123456", "first_name": "a\nb",
        "last_name": "x".repeat(101),
    });
    let wrong = ["/username", "/password", "/email", "/phone_number", "/first_name", "/last_name"];
    app.post("/v1/users", body).await.names(422, &wrong);
    let long = json!({"username": app.fresh_name("long"), "password": "x".repeat(129)});
    app.post("/v1/users", long).await.names(422, &["/password"]);
    for username in ["me", "ab", &"x".repeat(33), "ädä", "a/b"] {
        app.post("/v1/users", json!({"username": username, "password": PASSWORD})).await.names(422, &["/username"]);
    }
}

#[tokio::test]
async fn a_profile_changes_and_gives_back_what_it_no_longer_uses() {
    let app = TestApp::shared();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let (old, new) = (format!("old-{}@example.org", ada.username), format!("new-{}@example.org", ada.username));
    ada.patch("/v1/users/me", json!({"email": old, "first_name": "Ada"})).await.expect(200);
    let changed = ada.patch("/v1/users/me", json!({"email": new})).await.expect(200);
    assert_eq!((&changed["email"], &changed["first_name"]), (&json!(new), &json!("Ada")), "the rest stays");
    assert!(changed.position() > 0);
    bob.patch("/v1/users/me", json!({"email": new})).await.problem(409, "taken").names(409, &["/email"]);
    bob.patch("/v1/users/me", json!({"email": old})).await.expect(200);
    let cleared = ada.patch("/v1/users/me", json!({"email": null, "first_name": null})).await.expect(200);
    assert!(cleared["email"].is_null() && cleared["first_name"].is_null(), "{}", cleared.text);
    // the same again changes nothing, so nothing is appended
    let same = ada.patch("/v1/users/me", json!({"email": null})).await.expect(200);
    assert_eq!(same.header("tidings-position"), None, "{same:?}");
    ada.patch("/v1/users/me", json!({"phone_number": "12"})).await.names(422, &["/phone_number"]);
    ada.patch("/v1/users/me", json!({"username": "other-name"})).await.names(400, &["/username"]);
}

#[tokio::test]
async fn people_are_found_by_the_beginning_of_their_names_and_listed_in_pages() {
    let app = TestApp::start();
    let mut names = vec![];
    let ada = app.person("searcher").await;
    for at in 0..7 {
        let name = app.fresh_name("findme");
        let body = json!({"username": name, "password": PASSWORD, "first_name": format!("Quillon{at}")});
        app.post("/v1/users", body).await.expect(201);
        names.push(name);
    }
    let usernames = |pages: Vec<Vec<serde_json::Value>>| {
        let mut found: Vec<_> =
            pages.concat().iter().map(|user| user["username"].as_str().unwrap().to_owned()).collect();
        found.sort_unstable();
        found
    };
    let pages = ada.pages("/v1/users?query=findme", 3).await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 1]);
    names.sort_unstable();
    assert_eq!(usernames(pages), names);
    assert_eq!(usernames(ada.pages("/v1/users?query=FINDME", 100).await), names, "without case");
    assert_eq!(usernames(ada.pages("/v1/users?query=quillon3", 100).await).len(), 1, "by first name");
    assert!(ada.all("/v1/users?query=zzz-nobody").await.is_empty());
    assert_eq!(ada.all("/v1/users").await.len(), 8);
    for item in ada.all("/v1/users?query=findme").await {
        assert!(item.get("email").is_none() && item.get("phone_number").is_none(), "{item}");
    }
}
