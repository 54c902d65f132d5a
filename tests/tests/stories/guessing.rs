//! Guessing passwords: who has to wait, and who never does.

use serde_json::json;
use tidings_tests::app::{Answer, PASSWORD, Setup, TestApp};

/// Where somebody sits who guesses.
const STRANGER: &str = "198.51.100.7";
/// Where Ada has signed in before.
const HOME: &str = "203.0.113.5";
/// Failures that cost nothing.
const FREE: usize = 10;

fn behind_a_proxy() -> TestApp {
    let env = vec![("TIDINGS_TRUSTED_PROXIES", "127.0.0.0/8".to_owned())];
    TestApp::with(Setup { env, ..Setup::default() })
}

async fn try_in(app: &TestApp, username: &str, password: &str, from: &str, cookie: Option<&str>) -> Answer {
    let body = json!({"username": username, "password": password});
    let mut call = app.post("/v1/sessions", body).header("x-forwarded-for", from);
    if let Some(cookie) = cookie {
        call = call.header("cookie", cookie);
    }
    call.await
}

/// Fails until it has to wait.
async fn guess(app: &TestApp, username: &str, from: &str) -> Answer {
    for _ in 0..FREE {
        try_in(app, username, "not the password", from, None).await.problem(401, "wrong-credentials");
    }
    try_in(app, username, PASSWORD, from, None).await.problem(429, "too-many-attempts")
}

#[tokio::test]
async fn a_stranger_waits_and_the_account_s_owner_does_not() {
    let app = behind_a_proxy();
    let ada = app.fresh_name("ada");
    app.post("/v1/users", json!({"username": ada, "password": PASSWORD})).await.expect(201);
    let home = try_in(&app, &ada, PASSWORD, HOME, None).await.expect(201);
    let cookies: Vec<_> = home.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok()).collect();
    let [_, device] = cookies[..] else { panic!("two cookies: {cookies:?}") };
    for wanted in ["tidings_device=", "HttpOnly", "Secure", "SameSite=Strict", "Path=/v1/sessions"] {
        assert!(device.contains(wanted), "{wanted}: {device}");
    }
    let device = device.split(';').next().expect("name and value");

    let refused = guess(&app, &ada, STRANGER).await;
    let seconds: u64 = refused.header("retry-after").and_then(|text| text.parse().ok()).expect("seconds");
    assert!((1..=61).contains(&seconds), "{seconds}");
    // at home, anywhere else for the first time, and with the known device beside the stranger
    try_in(&app, &ada, PASSWORD, HOME, None).await.expect(201);
    try_in(&app, &ada, PASSWORD, "192.0.2.99", None).await.expect(201);
    try_in(&app, &ada, PASSWORD, STRANGER, Some(device)).await.expect(201);
    for made_up in ["tidings_device=x", "tidings_device=00000000-0000-4000-8000-000000000000.00"] {
        try_in(&app, &ada, PASSWORD, STRANGER, Some(made_up)).await.problem(429, "too-many-attempts");
    }
    // the stranger's other sessions and other people at that address go on
    let bob = app.fresh_name("bob");
    app.post("/v1/users", json!({"username": bob, "password": PASSWORD})).await.expect(201);
    try_in(&app, &bob, PASSWORD, STRANGER, None).await.expect(201);
}

#[tokio::test]
async fn a_name_that_nobody_has_waits_like_any_other_and_a_restart_forgives_nothing() {
    let app = behind_a_proxy();
    let ada = app.fresh_name("ada");
    app.post("/v1/users", json!({"username": ada, "password": PASSWORD})).await.expect(201);
    let known = guess(&app, &ada, STRANGER).await;
    let unknown = guess(&app, "nobody-at-all", STRANGER).await;
    let impossible = guess(&app, "no such name!", STRANGER).await;
    for other in [&unknown, &impossible] {
        assert_eq!((&other["type"], &other["title"]), (&known["type"], &known["title"]));
    }
    app.stop().await;
    app.restart();
    for name in [&ada, "nobody-at-all", "no such name!"] {
        try_in(&app, name, PASSWORD, STRANGER, None).await.problem(429, "too-many-attempts");
    }
    let log = app.tool_done(&["events"]);
    assert!(log.contains("sign_ins_failed") && !log.contains("198.51.100") && !log.contains("nobody-at-all"));
}
