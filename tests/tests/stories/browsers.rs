//! What browsers need to be told, and what is compressed.

use reqwest::Method;
use tidings_tests::app::{Raw, Setup, TestApp};

#[tokio::test]
async fn pages_of_other_origins_may_ask_only_when_they_are_named() {
    let env = vec![("TIDINGS_CORS_ORIGINS", "https://chat.example, http://localhost:3000".to_owned())];
    let app = TestApp::with(Setup { env, ..Setup::default() });
    let preflight = |app: &TestApp, origin: &str| {
        app.call(Method::OPTIONS, "/v1/messages")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,content-type,idempotency-key")
    };
    let answer = preflight(&app, "https://chat.example").await.expect(200);
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://chat.example"));
    assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
    assert!(answer.header("access-control-allow-headers").is_some_and(|names| names.contains("idempotency-key")));
    assert!(answer.header("access-control-allow-methods").is_some_and(|methods| methods.contains("PATCH")));
    // also where the answer is a problem: pages must see why
    let refused = app.get("/v1/unread").header("origin", "http://localhost:3000").await.problem(401, "unauthenticated");
    assert_eq!(refused.header("access-control-allow-origin"), Some("http://localhost:3000"));
    assert!(refused.header("access-control-expose-headers").is_some_and(|names| names.contains("retry-after")));
    for origin in ["https://evil.example", "null", "https://chat.example.evil.example"] {
        assert_eq!(preflight(&app, origin).await.header("access-control-allow-origin"), None, "{origin}");
    }
    let alone = TestApp::shared();
    let answer = preflight(&alone, "https://chat.example").await.problem(405, "method-not-allowed");
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn long_answers_are_compressed_for_those_who_can_read_it_and_short_ones_and_streams_are_not() {
    let app = TestApp::shared();
    let ada = app.person("ada").await;
    for (accepted, used) in [("gzip", "gzip"), ("br", "br"), ("gzip, br", "br")] {
        let mut raw = Raw::to(&app).await;
        let head = format!(
            "GET /openapi.json HTTP/1.1\r\nhost: x\r\naccept-encoding: {accepted}\r\nconnection: close\r\n\r\n"
        );
        raw.write(head).await;
        let answer = raw.rest().await;
        assert!(answer.contains(&format!("content-encoding: {used}")), "{accepted}: {answer:.600}");
    }
    let plain = app.get("/openapi.json").await.expect(200);
    assert_eq!((plain.header("content-encoding"), plain["openapi"].is_string()), (None, true));
    let short = app.get("/health/live").header("accept-encoding", "gzip").await.expect(200);
    assert_eq!(short.header("content-encoding"), None);
    let mut raw = Raw::to(&app).await;
    let token = &ada.access_token;
    raw.write(format!(
        "GET /v1/live HTTP/1.1\r\nhost: x\r\naccept-encoding: gzip\r\nauthorization: Bearer {token}\r\n\r\n"
    ))
    .await;
    let stream = raw.until("\r\n\r\n").await;
    assert!(stream.contains("text/event-stream") && !stream.contains("content-encoding"), "{stream}");
}

#[tokio::test]
async fn the_reference_may_load_only_what_is_its_own() {
    let app = TestApp::shared();
    for page in ["/docs/", "/docs/swagger-ui.css"] {
        let answer = app.get(page).await.expect(200);
        let policy = answer.header("content-security-policy").unwrap_or_default();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{page}: {policy}");
        assert!(!answer.text.contains("<script>"), "{page} holds a script of its own");
    }
}
