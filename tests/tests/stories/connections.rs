//! Connections: slow clients, large heads, too many of them.

use hyper_util::rt::{TokioExecutor, TokioIo};
use tidings_tests::app::{Raw, Setup, TestApp};
use tokio::net::TcpStream;

fn app(name: &'static str, value: &str) -> TestApp {
    TestApp::with(Setup { env: vec![(name, value.to_owned())], ..Setup::default() })
}

#[tokio::test]
async fn a_client_that_does_not_finish_its_request_is_hung_up_on() {
    let app = app("TIDINGS_CLIENT_TIMEOUT", "1");
    for begun in ["", "P", "GET /health/live HTTP/1.1\r\nhost: x\r\nx-slow: 1"] {
        let mut raw = Raw::to(&app).await;
        raw.write(begun).await;
        let said = raw.rest().await;
        assert!(!said.contains("200 OK"), "{said}");
    }
    // between requests too, after an answer
    let mut raw = Raw::to(&app).await;
    raw.write("GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(raw.rest().await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_body_that_does_not_come_is_408_and_a_live_stream_stays_open() {
    let app = app("TIDINGS_CLIENT_TIMEOUT", "1");
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let mut live = bob.live().await;
    let head = "POST /v1/sessions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n";
    let mut raw = Raw::to(&app).await;
    raw.write(format!("{head}{{\"username\":")).await;
    let answer = raw.rest().await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("/problems/too-slow"), "{answer}");
    // the stream has been open, and silent, for longer than clients may be
    let group = ada.group("tea", &[&bob]).await;
    ada.send(&group, "still there?").await;
    live.until_body("still there?").await;
}

#[tokio::test]
async fn a_flood_of_headers_is_431() {
    let app = TestApp::shared();
    let many = "x-again: 1\r\n".repeat(200);
    let large = format!("x-large: {}\r\n", "x".repeat(200_000));
    for headers in [many, large] {
        let mut raw = Raw::to(&app).await;
        raw.write(format!("GET /health/live HTTP/1.1\r\nhost: x\r\n{headers}\r\n")).await;
        let answer = raw.rest().await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
    app.get("/health/live").header("x-some", "x".repeat(8_000)).await.expect(200);
}

#[tokio::test]
async fn connections_beyond_the_limit_are_sent_away_until_there_is_room() {
    let app = app("TIDINGS_MAX_CONNECTIONS", "4");
    let request = "GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut held = vec![];
    // whoever asked whether the server is ready may still be there
    while held.len() < 4 {
        let mut raw = Raw::to(&app).await;
        raw.write(request).await;
        if raw.until("\r\n\r\n").await.starts_with("HTTP/1.1 200") {
            held.push(raw);
        }
    }
    for _ in 0..50 {
        let said = Raw::to(&app).await.rest().await;
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 503"), "{said}");
    }
    // those who are there are served, and who leaves makes room
    held[0].write(request).await;
    assert!(held[0].until("\r\n\r\n").await.contains("HTTP/1.1 200"));
    drop(held);
    let mut served = false;
    while !served {
        let mut raw = Raw::to(&app).await;
        raw.write("GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        served = raw.rest().await.starts_with("HTTP/1.1 200");
    }
}

#[tokio::test]
async fn a_head_that_is_a_little_too_large_is_a_problem_that_says_so() {
    let app = TestApp::shared();
    let many = (0..80).fold(app.get("/health/live"), |call, nth| call.header(&format!("x-{nth}"), nth));
    let refused = many.await.problem(431, "head-too-large");
    assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("64")), "{}", refused.text);
    app.get("/v1/unread").header("x-large", "x".repeat(40_000)).await.problem(431, "head-too-large");
    let many = (0..50).fold(app.get("/health/live"), |call, nth| call.header(&format!("x-{nth}"), nth));
    many.await.expect(200);
}

#[tokio::test]
async fn http_2_is_spoken_without_tls_to_those_who_know_it_and_floods_of_headers_are_refused_there_too() {
    let app = TestApp::shared();
    let io = TokioIo::new(TcpStream::connect(app.address()).await.unwrap());
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    let connection = tokio::spawn(connection);
    for (headers, status) in [(5, 200), (200, 431), (5, 200)] {
        let request = hyper::Request::get(format!("http://{}/health/live", app.address()));
        let request = (0..headers).fold(request, |request, nth| request.header(format!("x-{nth}"), nth));
        let answer = sender.send_request(request.body(String::new()).unwrap()).await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.version()), (status, hyper::Version::HTTP_2), "{headers}");
    }
    drop(sender);
    connection.await.unwrap().unwrap();
}
