//! Nobody gets more of the server than their share.

use serde_json::json;
use tidings_tests::app::{PASSWORD, Person, Raw, Setup, TestApp};

fn limited(rate: u32, burst: u32, more: &[(&'static str, &str)]) -> TestApp {
    let mut env = vec![("TIDINGS_RATE_LIMIT", rate.to_string()), ("TIDINGS_RATE_BURST", burst.to_string())];
    env.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
    TestApp::with(Setup { env, ..Setup::default() })
}

/// Asks until it is refused; how often it was not, and the refusal.
async fn until_refused(person: &Person) -> (u32, tidings_tests::app::Answer) {
    for passed in 0..2_000 {
        let answer = person.get("/v1/unread").await;
        if answer.status != 200 {
            return (passed, answer.problem(429, "too-many-requests"));
        }
    }
    panic!("nothing was ever refused");
}

#[tokio::test]
async fn a_burst_passes_then_429_says_when_to_come_back_and_others_are_not_touched() {
    let app = limited(1, 200, &[]);
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let first = ada.get("/v1/unread").await.expect(200);
    assert_eq!(first.header("ratelimit-policy"), Some("\"caller\";q=200;w=200"));
    assert_eq!(first.header("ratelimit"), Some("\"caller\";r=199;t=1"));
    let (passed, refused) = until_refused(&ada).await;
    assert!(passed >= 199, "the burst passes: {passed}");
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert!(refused.header("ratelimit").is_some_and(|left| left.starts_with("\"caller\";r=0;t=")), "{refused:?}");
    // somebody else at the same address is not touched, another session of the same user is
    bob.get("/v1/unread").await.expect(200);
    let again = ada.again().await;
    assert_eq!(until_refused(&again).await.1.status, 429);
    // health and metrics are for those who watch
    for _ in 0..100 {
        let health = app.get("/health/ready").await.expect(200);
        assert_eq!(health.header("ratelimit"), None);
    }
    app.get("/metrics").await.expect(200);
    // it passes again; how soon does not matter
    let mut answer = ada.get("/v1/unread").await;
    while answer.status == 429 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        answer = ada.get("/v1/unread").await;
    }
    answer.expect(200);
}

#[tokio::test]
async fn sign_in_registration_and_refresh_share_a_stricter_budget_of_the_address() {
    let app = limited(1, 200, &[]);
    let wrong = json!({"username": "nobody-at-all", "password": PASSWORD});
    let first = app.post("/v1/sessions", wrong.clone()).await.expect(401);
    assert_eq!(first.header("ratelimit-policy"), Some("\"sign-in\";q=10;w=200"));
    let mut statuses = vec![];
    for _ in 0..20 {
        statuses.push(app.post("/v1/sessions", wrong.clone()).await.status);
    }
    assert!(statuses[..9].iter().all(|status| *status == 401), "{statuses:?}");
    assert!(statuses.contains(&429), "{statuses:?}");
    for (path, body) in [
        ("/v1/users", json!({"username": "late-comer", "password": PASSWORD})),
        ("/v1/sessions/refresh", json!({"refresh_token": "x"})),
    ] {
        // one comes back every twenty seconds, which may be just now
        let mut refused = false;
        for _ in 0..3 {
            refused |= app.post(path, body.clone()).await.status == 429;
        }
        assert!(refused, "{path}");
    }
    // everything else at this address goes on
    app.get("/v1/unread").await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_made_up_token_is_limited_by_address() {
    let app = limited(1, 30, &[]);
    let mut statuses = vec![];
    for number in 0..60 {
        statuses.push(app.get("/v1/unread").token(&format!("made.up.{number}")).await.status);
    }
    assert!(statuses[..30].iter().all(|status| *status == 401), "{statuses:?}");
    assert!(statuses[30..].contains(&429), "{statuses:?}");
}

/// The status and the rest of the answer to somebody who says so about where they come from.
async fn from(app: &TestApp, header: &str) -> String {
    let mut raw = Raw::to(app).await;
    raw.write(format!("GET /v1/unread HTTP/1.1\r\nhost: x\r\n{header}\r\nconnection: close\r\n\r\n")).await;
    raw.rest().await
}

#[tokio::test]
async fn what_a_trusted_proxy_says_about_addresses_is_believed_and_nobody_else() {
    let app = limited(1, 20, &[("TIDINGS_TRUSTED_PROXIES", "127.0.0.0/8")]);
    // every address has a budget of its own, also through a chain of proxies
    for address in 1..=60 {
        let answer = from(&app, &format!("x-forwarded-for: 192.0.2.{address}, 127.0.0.9")).await;
        assert!(answer.starts_with("HTTP/1.1 401") && answer.contains("r=19;"), "{answer}");
    }
    // a network of 64 bits is one, and what a client puts before its proxy's word does not count
    for number in 1..=20 {
        let header = format!("forwarded: for=198.51.100.{number}, for=\"[2001:db8::{number:x}]:4711\"");
        assert!(from(&app, &header).await.starts_with("HTTP/1.1 401"));
    }
    assert!(from(&app, "forwarded: for=\"[2001:db8::ffff]\"").await.contains("\"caller\";r="));
    let direct = limited(1, 20, &[]);
    let mut refused = false;
    for number in 1..=60 {
        refused |= from(&direct, &format!("x-forwarded-for: 192.0.2.{number}")).await.starts_with("HTTP/1.1 429");
    }
    assert!(refused, "without the setting nobody is believed");
}
