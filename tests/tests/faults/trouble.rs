//! What the stories about bad disks share: people who talk, refusals, and what must hold after.

use std::time::{Duration, Instant};

use serde_json::json;
use tidings_tests::app::{Answer, PASSWORD, Person, TestApp};

/// How long a server may take to go on after a fault is over before the test fails. Never decides anything else.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Talk {
    pub(crate) app: TestApp,
    sender: Person,
    /// Writes nothing while there is trouble.
    reader: Person,
    auditor: Person,
    group: String,
    /// What was acknowledged, oldest first.
    acknowledged: Vec<String>,
    tried: usize,
    /// Of the last acknowledged message.
    position: u64,
}

impl Talk {
    pub(crate) async fn begin(app: TestApp) -> Self {
        let (sender, reader) = (app.person("sender").await, app.person("reader").await);
        let auditor = app.person("auditor").await;
        app.tool_done(&["grant", &auditor.username, "auditor"]);
        let group = sender.group("trouble", &[&reader]).await;
        let mut talk = Self { app, sender, reader, auditor, group, acknowledged: vec![], tried: 0, position: 0 };
        for _ in 0..5 {
            talk.send().await.expect(201);
        }
        talk
    }

    /// One more message, under a key of its own; large, so that a little room is soon used up.
    pub(crate) async fn send(&mut self) -> Answer {
        self.tried += 1;
        let text = format!("{} {}", self.tried, "x".repeat(30_000));
        let path = format!("/v1/conversations/{}/messages", self.group);
        let answer = self.sender.post(path, json!({"body": text})).key(&self.tried.to_string()).await;
        if answer.status == 201 {
            self.acknowledged.push(text);
            self.position = answer.position();
        }
        answer
    }

    /// Sends until it is refused.
    pub(crate) async fn send_until_refused(&mut self) {
        for _ in 0..3_000 {
            let answer = self.send().await;
            if answer.status != 201 {
                return refused(answer);
            }
        }
        panic!("nothing was refused: there was no trouble");
    }

    /// What is large is refused as long as the trouble lasts, and what was acknowledged can be read.
    pub(crate) async fn expect_trouble(&mut self) {
        for _ in 0..5 {
            refused(self.send().await);
        }
        // the views cannot be written either: what they had reached is shown to who asks for no more
        let here = format!("/v1/conversations/{}/messages?limit=100", self.group);
        let seen = self.reader.get(here).header("tidings-min-position", 0).await.expect(200);
        assert!(!seen.items().is_empty(), "what was shown before is shown still");
        assert!(seen.items().len() <= self.acknowledged.len(), "nothing is shown that was refused");
        for message in seen.items() {
            let body = message["body"].as_str().expect("a body");
            assert!(self.acknowledged.iter().any(|text| text == body));
        }
        self.reader.get("/v1/users/me").header("tidings-min-position", 0).await.expect(200);
        self.app.get("/health/live").await.expect(200);
    }

    /// Not even what is small is taken.
    pub(crate) async fn expect_nothing_is_written(&self) {
        let here = format!("/v1/conversations/{}", self.group);
        let registration = json!({"username": "too-late", "password": "a good password"});
        refused(self.app.post("/v1/users", registration).await);
        refused(self.sender.patch(&*here, json!({"name": "other"})).await);
        refused(self.reader.patch(format!("{here}/settings"), json!({"muted": true})).await);
        let session = json!({"username": self.reader.username, "password": PASSWORD});
        refused(self.app.post("/v1/sessions", session).await);
        // what cannot be noted is not shown
        for path in
            ["/events".to_owned(), format!("/conversations/{}", self.group), format!("/users/{}", self.reader.id)]
        {
            refused(self.auditor.get(format!("/v1/audit{path}")).await);
        }
        let shown = self.reader.get(&*here).await.expect(200);
        assert_eq!((&shown["name"], &shown["muted"]), (&json!("trouble"), &json!(false)));
    }

    /// The trouble is over: it goes on by itself, and nothing that was acknowledged is lost.
    pub(crate) async fn expect_recovery(&mut self) {
        let begun = Instant::now();
        loop {
            let answer = self.send().await;
            if answer.status == 201 {
                break;
            }
            refused(answer);
            again_soon(begun).await;
        }
        for _ in 0..20 {
            self.send().await.expect(201);
        }
        self.expect_all().await;
        self.app.get("/health/ready").await.expect(200);
        self.app.tool_done(&["replay", "--verify"]);
        self.app.stop().await;
    }

    /// The same, and the files serve another process.
    pub(crate) async fn expect_recovery_and_restart(&mut self) {
        self.expect_recovery().await;
        self.app.restart();
        self.expect_all().await;
        self.send().await.expect(201);
        self.app.stop().await;
    }

    async fn expect_all(&self) {
        // the views may need a moment to notice that they can go on
        let begun = Instant::now();
        loop {
            let seen = self.reader.get("/v1/unread").header("tidings-min-position", self.position).await;
            if seen.status == 200 {
                break;
            }
            seen.problem(503, "not-yet-visible");
            again_soon(begun).await;
        }
        let seen = self.reader.messages(&self.group).await;
        let bodies: Vec<_> = seen.iter().rev().map(|message| message["body"].as_str().expect("a body")).collect();
        assert!(
            bodies == self.acknowledged,
            "{} are there, {} were acknowledged",
            bodies.len(),
            self.acknowledged.len()
        );
        assert_eq!(self.reader.unread(&self.group).await, bodies.len() as u64);
    }
}

async fn again_soon(begun: Instant) {
    assert!(begun.elapsed() < PATIENCE, "it does not go on");
    tokio::time::sleep(Duration::from_millis(100)).await;
}

/// A problem that says when to try again, and no internals.
#[track_caller]
fn refused(answer: Answer) {
    let answer = answer.expect(503);
    let text = answer.text.to_lowercase();
    for internal in ["sqlite", ".db", "disk i/o", "os error", "database"] {
        assert!(!text.contains(internal), "internals: {text}");
    }
}
