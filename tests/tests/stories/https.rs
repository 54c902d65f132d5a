//! HTTPS by the server itself.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use hyper_util::rt::{TokioExecutor, TokioIo};
use tempfile::TempDir;
use tidings_tests::app::{Raw, Setup, TestApp, connect, make_certificate};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

const REQUEST: &str = "GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n";

/// How long something may take that needs a look at the files. Never decides anything else.
const PATIENCE: Duration = Duration::from_mins(1);

struct Https {
    app: TestApp,
    certificate: PathBuf,
    key: PathBuf,
    directory: TempDir,
}

fn https() -> Https {
    let directory = tempfile::tempdir().expect("there is a place for temporary files");
    let (certificate, key) = (directory.path().join("cert.pem"), directory.path().join("key.pem"));
    make_certificate(&certificate, &key);
    let path = |path: &Path| path.to_string_lossy().into_owned();
    let env = vec![("TIDINGS_TLS_CERT", path(&certificate)), ("TIDINGS_TLS_KEY", path(&key))];
    Https { app: TestApp::with(Setup { env, ..Setup::default() }), certificate, key, directory }
}

/// Waits for something that comes by itself.
async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < PATIENCE, "it never came: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn still_serves(connection: &mut Raw<TlsStream<TcpStream>>) {
    assert!(connection.write(REQUEST).await);
    assert!(connection.until("{\"status\":\"ok\"}").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn both_protocols_are_spoken_over_tls_and_browsers_are_told_to_stay_with_it() {
    let Https { app, certificate, directory: _directory, .. } = https();
    assert!(app.log()[0].contains("listening on https://127.0.0.1:"), "{:?}", app.log());
    let stream = connect(&app, &certificate, &["http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"http/1.1".as_slice()));
    let mut first = Raw::over(stream);
    first.write(REQUEST).await;
    let answer = first.until("{\"status\":\"ok\"}").await;
    assert!(answer.contains("strict-transport-security: max-age="), "{answer}");

    let stream = connect(&app, &certificate, &["h2", "http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    let io = TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = hyper::Request::get(format!("https://{}/health/ready", app.address())).body(String::new()).unwrap();
    let answer = sender.send_request(request).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (200, hyper::Version::HTTP_2));
    drop(sender);
    connection.await.unwrap().unwrap();

    // who speaks HTTP without TLS, or nothing, is no trouble; and the server ends in good order
    let mut plain = Raw::to(&app).await;
    plain.write(REQUEST).await;
    assert!(!plain.rest().await.contains("200 OK"));
    let _silent = Raw::to(&app).await;
    app.stop().await;
}

#[tokio::test]
async fn a_new_certificate_is_taken_without_a_restart_and_a_broken_one_is_not() {
    let Https { app, certificate, key, directory } = https();
    let open = connect(&app, &certificate, &[]).await.unwrap();
    let mut open = Raw::over(open);
    still_serves(&mut open).await;

    std::fs::write(&certificate, "this is no certificate").unwrap();
    let kept = || async { app.log().iter().any(|line| line.contains("the certificate stays as it was")) };
    until("a line in the log", kept).await;
    still_serves(&mut open).await;

    let aside = directory.path().join("aside.pem");
    make_certificate(&certificate, &key);
    std::fs::copy(&certificate, &aside).unwrap();
    until("the new certificate", || async { connect(&app, &aside, &[]).await.is_ok() }).await;
    still_serves(&mut open).await;
}

#[tokio::test]
async fn without_a_certificate_that_can_be_used_the_server_does_not_start() {
    let app = TestApp::embedded();
    app.stop().await;
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    make_certificate(&path("cert.pem"), &path("key.pem"));
    make_certificate(&path("other-cert.pem"), &path("other-key.pem"));
    std::fs::write(path("nonsense.pem"), "nonsense").unwrap();
    for (certificate, key, code, said) in [
        ("absent.pem", "key.pem", 1, "TIDINGS_TLS_CERT names"),
        ("cert.pem", "absent.pem", 1, "TIDINGS_TLS_KEY names"),
        ("nonsense.pem", "key.pem", 1, "TIDINGS_TLS_CERT names"),
        ("cert.pem", "nonsense.pem", 1, "TIDINGS_TLS_KEY names"),
        ("cert.pem", "other-key.pem", 1, "cannot be used together"),
        ("cert.pem", "", 2, "TIDINGS_TLS_CERT needs TIDINGS_TLS_KEY"),
        ("", "key.pem", 2, "TIDINGS_TLS_KEY needs TIDINGS_TLS_CERT"),
    ] {
        let mut serve = app.tool_command(&["serve"]);
        for (name, file) in [("TIDINGS_TLS_CERT", certificate), ("TIDINGS_TLS_KEY", key)] {
            if !file.is_empty() {
                serve.env(name, path(file));
            }
        }
        let output = serve.output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{certificate} {key}: {stderr}");
        let last = stderr.lines().last().unwrap_or_default();
        assert!(last.starts_with("tidings: ") && last.contains(said), "{certificate} {key}: {stderr}");
    }
}
