//! Sign-in, refresh tokens, sign-out, passwords.

use serde_json::json;
use tidings_tests::app::{Answer, PASSWORD, Person, TestApp};

async fn refresh(app: &TestApp, token: &str) -> Answer {
    app.post("/v1/sessions/refresh", json!({"refresh_token": token})).await
}

async fn is_in(person: &Person) -> bool {
    let answer = person.get("/v1/users/me").await;
    match answer.status {
        200 => true,
        401 => {
            answer.expect(401);
            false
        }
        _ => panic!("{answer:?}"),
    }
}

#[tokio::test]
async fn signing_in_gives_a_pair_of_tokens_and_a_cookie_that_scripts_cannot_read() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    let body = json!({"username": ada.username.to_uppercase(), "password": PASSWORD, "device_name": "laptop"});
    let session = app.post("/v1/sessions", body).await.expect(201);
    assert!(session.position() > 0);
    let cookie = session.header("set-cookie").unwrap();
    let mut parts = cookie.split("; ");
    assert_eq!(parts.next(), Some(format!("tidings_refresh={}", session.text_of("refresh_token")).as_str()));
    let attributes: Vec<_> = parts.map(str::to_ascii_lowercase).collect();
    for wanted in ["httponly", "secure", "samesite=strict", "path=/v1/sessions"] {
        assert!(attributes.iter().any(|attribute| attribute == wanted), "{wanted}: {cookie}");
    }
    assert!(!session.text.contains(PASSWORD));
    let listed = ada.all("/v1/sessions").await;
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().any(|entry| entry["device_name"] == "laptop"), "{listed:?}");
    assert!(!format!("{listed:?}").contains("token"), "tokens are shown once: {listed:?}");
}

#[tokio::test]
async fn an_email_address_serves_for_signing_in_too() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    let email = format!("{}@example.org", ada.username);
    ada.patch("/v1/users/me", json!({"email": email})).await.expect(200);
    let body = json!({"email": email.to_uppercase(), "password": PASSWORD});
    assert_eq!(app.post("/v1/sessions", body).await.expect(201)["user"]["id"], ada.id);
    app.post("/v1/sessions", json!({"password": PASSWORD})).await.expect(400);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_get_the_same_answer() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    let try_in = |username: String, password: &'static str| {
        app.post("/v1/sessions", json!({"username": username, "password": password}))
    };
    let wrong = try_in(ada.username.clone(), "not the password").await.problem(401, "wrong-credentials");
    let unknown = try_in("nobody-at-all".to_owned(), "not the password").await.expect(401);
    let impossible = try_in("no such name!".to_owned(), "x").await.expect(401);
    assert_eq!((&wrong.json, &wrong.json), (&unknown.json, &impossible.json));
    assert_eq!(wrong.header("set-cookie"), None);
}

#[tokio::test]
async fn a_refresh_token_serves_once_and_a_used_one_ends_the_session() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    let second = ada.refreshed().await;
    assert_eq!(second.session, ada.session);
    assert_ne!(second.refresh_token, ada.refresh_token);
    assert!(is_in(&second).await && is_in(&ada).await, "an access token lives on until it expires");
    let third = second.refreshed().await;
    refresh(&app, &ada.refresh_token).await.problem(401, "session-ended");
    assert!(!is_in(&third).await, "whoever shows a used token may have stolen it: the session is over");
    refresh(&app, &third.refresh_token).await.expect(401);
    for forged in ["", "x", "a.b.c", &format!("{}x", third.refresh_token)] {
        refresh(&app, forged).await.expect(401);
    }
}

#[tokio::test]
async fn the_cookie_refreshes_as_well_as_the_body() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    let by_cookie = app
        .call(reqwest::Method::POST, "/v1/sessions/refresh")
        .header("cookie", format!("theme=dark; tidings_refresh={}", ada.refresh_token))
        .await
        .expect(200);
    assert_eq!(by_cookie["session_id"], ada.session);
    assert!(by_cookie.header("set-cookie").unwrap().starts_with("tidings_refresh="));
    app.call(reqwest::Method::POST, "/v1/sessions/refresh").await.expect(401);
}

#[tokio::test]
async fn of_two_who_show_one_refresh_token_at_once_only_one_goes_on() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    let (one, other) = tokio::join!(refresh(&app, &ada.refresh_token), refresh(&app, &ada.refresh_token));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401], "{one:?} {other:?}");
    assert!(!is_in(&ada).await, "and the second showing ended the session");
}

#[tokio::test]
async fn signing_out_stops_the_access_token_at_once() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    let (phone, laptop) = (ada.again().await, ada.again().await);
    phone.delete("/v1/sessions/current").await.expect(204);
    assert!(!is_in(&phone).await && is_in(&laptop).await);
    refresh(&app, &phone.refresh_token).await.expect(401);
    ada.delete(format!("/v1/sessions/{}", laptop.session)).await.expect(204);
    assert!(!is_in(&laptop).await && is_in(&ada).await);
    assert_eq!(ada.all("/v1/sessions").await.len(), 1);

    let bob = app.person("bob").await;
    bob.delete(format!("/v1/sessions/{}", ada.session)).await.expect(404);
    assert!(is_in(&ada).await);
    bob.delete("/v1/sessions/nonsense").await.expect(404);
}

#[tokio::test]
async fn a_new_password_ends_all_other_sessions() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    let other = ada.again().await;
    let change = |password: &str, current: &str| json!({"password": password, "current_password": current});
    let wrong = ada.patch("/v1/users/me", change("a new password", "a wrong guess")).await;
    wrong.problem(403, "wrong-password");
    ada.patch("/v1/users/me", change("short", PASSWORD)).await.names(422, &["/password"]);
    assert!(is_in(&other).await, "nothing happened yet");
    ada.patch("/v1/users/me", change("a new password", PASSWORD)).await.expect(200);
    assert!(is_in(&ada).await && !is_in(&other).await);
    refresh(&app, &other.refresh_token).await.expect(401);
    assert!(is_in(&ada.refreshed().await).await);
    let old = json!({"username": ada.username, "password": PASSWORD});
    app.post("/v1/sessions", old).await.expect(401);
    app.sign_in(&ada.username, "a new password").await;
}

#[tokio::test]
async fn without_good_credentials_nothing_is_told() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    let group = ada.group("quiet", &[]).await;
    for path in ["/v1/users/me", "/v1/conversations", &format!("/v1/conversations/{group}"), "/v1/unread", "/v1/live"] {
        app.get(path).await.problem(401, "unauthenticated");
        app.get(path).token("nonsense").await.problem(401, "unauthenticated");
        let (head, signature) = ada.access_token.rsplit_once('.').unwrap();
        let turned: String = signature.chars().rev().collect();
        app.get(path).token(&format!("{head}.{turned}")).await.problem(401, "unauthenticated");
        app.get(path).header("authorization", format!("Basic {}", ada.access_token)).await.expect(401);
    }
    app.post(format!("/v1/conversations/{group}/messages"), json!({"body": "hi"})).await.expect(401);
}
