//! Certificates by ACME, from an authority that checks what one has to.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::json;
use tidings_tests::{
    app::{Raw, TestApp, connect_for},
    authority::Authority,
};

const DOMAIN: &str = "chat.example";

/// How long a certificate may take before the test fails. Never decides anything else.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server of the story's own, for the port is known before it runs.
struct Serving(Child);

impl Serving {
    fn start(app: &TestApp, authority: &Authority, trusted: &Path) -> Self {
        let mut serve: Command = app.tool_command(&["serve"]);
        serve
            .env("TIDINGS_ACME_DOMAINS", DOMAIN)
            .env("TIDINGS_ACME_CONTACT", "root@chat.example")
            .env("TIDINGS_ACME_DIRECTORY", authority.directory())
            .env("TIDINGS_ACME_CA", trusted)
            .stderr(Stdio::null());
        Self(serve.spawn().expect("the program is there"))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Asks over HTTPS until there is a certificate.
async fn asked(app: &TestApp, trusted: &Path) -> String {
    let begun = Instant::now();
    loop {
        if let Ok(stream) = connect_for(app, trusted, DOMAIN, &["http/1.1"]).await {
            let mut raw = Raw::over(stream);
            raw.write("GET /health/ready HTTP/1.1\r\nhost: chat.example\r\nconnection: close\r\n\r\n").await;
            return raw.rest().await;
        }
        assert!(begun.elapsed() < PATIENCE, "there never was a certificate");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_certificate_is_obtained_on_the_servers_own_port_and_kept_over_a_restart() {
    let app = TestApp::embedded();
    app.stop().await;
    let directory = tempfile::tempdir().unwrap();
    let trusted = directory.path().join("ca.pem");
    let authority = Authority::start(app.address().parse().unwrap(), &trusted).await;

    let serving = Serving::start(&app, &authority, &trusted);
    let answer = asked(&app, &trusted).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("strict-transport-security"), "{answer}");
    assert_eq!((authority.orders(), authority.contact()), (1, json!(["mailto:root@chat.example"])));
    // HTTP/2 is spoken too; and who only looks who answers is told nothing, now that nothing is to be proved
    let stream = connect_for(&app, &trusted, DOMAIN, &["h2"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    assert!(connect_for(&app, &trusted, DOMAIN, &["acme-tls/1"]).await.is_err());
    drop(serving);

    // account and certificate are in the data directory: nobody is asked again, and nobody else may read them
    let kept: Vec<_> = std::fs::read_dir(app.data_dir().join("acme")).unwrap().map(|file| file.unwrap()).collect();
    assert_eq!(kept.len(), 2);
    for file in kept {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{file:?}");
    }
    let _serving = Serving::start(&app, &authority, &trusted);
    assert!(asked(&app, &trusted).await.starts_with("HTTP/1.1 200"));
    assert_eq!(authority.orders(), 1);
}

#[tokio::test]
async fn settings_that_cannot_be_meant_end_the_start() {
    let app = TestApp::embedded();
    app.stop().await;
    for (name, value, code, said) in [
        ("TIDINGS_ACME_DOMAINS", "*.chat.example", 2, "TIDINGS_ACME_DOMAINS holds"),
        ("TIDINGS_ACME_CONTACT", "root@chat.example", 2, "TIDINGS_ACME_CONTACT does nothing without"),
        ("TIDINGS_ACME_CA", "/nowhere/ca.pem", 2, "TIDINGS_ACME_CA does nothing without"),
    ] {
        let output = app.tool_command(&["serve"]).env(name, value).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{name}: {stderr}");
        assert!(stderr.contains(said), "{name}: {stderr}");
    }
    let absent = [("TIDINGS_ACME_DOMAINS", DOMAIN), ("TIDINGS_ACME_CA", "/nowhere/ca.pem")];
    let output = app.tool_command(&["serve"]).envs(absent).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && stderr.contains("TIDINGS_ACME_CA names"), "{stderr}");
}
