//! What the stories about bad disks share: people who talk, refusals, and what must hold after.

use std::time::{Duration, Instant};

use serde_json::json;
use tidings_tests::app::{Answer, Person, TestApp};

/// How long a server may take to go on after a fault is over before the test fails. Never decides anything else.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Talk {
    pub(crate) app: TestApp,
    sender: Person,
    /// Writes nothing while there is trouble.
    reader: Person,
    group: String,
    /// What was acknowledged, oldest first.
    acknowledged: Vec<String>,
    tried: usize,
}

impl Talk {
    pub(crate) async fn begin(app: TestApp) -> Self {
        let (sender, reader) = (app.person("sender").await, app.person("reader").await);
        let group = sender.group("trouble", &[&reader]).await;
        let mut talk = Self { app, sender, reader, group, acknowledged: vec![], tried: 0 };
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

    /// Everything that writes is refused as long as the trouble lasts, and what was acknowledged can be read.
    pub(crate) async fn expect_trouble(&mut self) {
        for _ in 0..5 {
            refused(self.send().await);
        }
        let registration = json!({"username": "too-late", "password": "a good password"});
        refused(self.app.post("/v1/users", registration).await);
        refused(self.sender.patch(format!("/v1/conversations/{}", self.group), json!({"name": "other"})).await);
        let seen = self.reader.messages(&self.group).await;
        assert!(seen.len() <= self.acknowledged.len(), "nothing is shown that was refused");
        for message in seen {
            let body = message["body"].as_str().expect("a body");
            assert!(self.acknowledged.iter().any(|text| text == body));
        }
        self.reader.get("/v1/users/me").await.expect(200);
        self.app.get("/health/live").await.expect(200);
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
            assert!(begun.elapsed() < PATIENCE, "it does not go on");
            tokio::time::sleep(Duration::from_millis(100)).await;
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

/// A problem that says when to try again, and no internals.
#[track_caller]
fn refused(answer: Answer) {
    let answer = answer.expect(503);
    let text = answer.text.to_lowercase();
    for internal in ["sqlite", ".db", "disk i/o", "os error", "database"] {
        assert!(!text.contains(internal), "internals: {text}");
    }
}
