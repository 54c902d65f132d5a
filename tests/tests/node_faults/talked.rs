//! What must hold after it all.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::json;
use tidings_tests::app::{Person, TestApp, seqs};

use crate::load::by_place;

/// How long a node may take to go on after a fault is over before the test fails. Never decides anything else.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was acknowledged: every request was made until it was, so nothing else may be there.
pub(crate) struct Talked {
    /// One who read, and those who wrote.
    pub(crate) people: Vec<Person>,
    pub(crate) group: String,
    /// Texts by their place in the conversation.
    pub(crate) sent: BTreeMap<u64, String>,
    /// How far was read.
    pub(crate) mark: u64,
    /// Of the last of all that.
    pub(crate) position: u64,
}

impl Talked {
    /// Nothing acknowledged is lost and nothing is there twice, as each of these nodes shows it; its views equal a fresh
    /// replay; and each goes on.
    pub(crate) async fn check(mut self, nodes: &[TestApp]) {
        for node in nodes {
            is_ready(node).await;
            // each takes requests, with nobody having restarted it
            self.say(node, &format!("through {}", node.base())).await;
        }
        for node in nodes {
            self.check_at(node).await;
        }
    }

    /// One more message.
    pub(crate) async fn say(&mut self, node: &TestApp, text: &str) {
        let path = format!("/v1/conversations/{}/messages", self.group);
        let sent = self.people[2].at(node).post(path, json!({"body": text})).await.expect(201);
        self.position = sent.position();
        assert_eq!(self.sent.insert(sent.number("seq"), text.to_owned()), None, "two messages at one place");
    }

    async fn check_at(&self, node: &TestApp) {
        let reader = self.people[0].at(node);
        self.is_visible(&reader).await;
        let messages = reader.messages(&self.group).await;
        let count = messages.len() as u64;
        assert_eq!(seqs(&messages), (1..=count).rev().collect::<Vec<_>>(), "no gaps, nothing twice");
        let there = by_place(&messages);
        let lost: Vec<_> = self.sent.iter().filter(|(seq, text)| there.get(seq) != Some(text)).collect();
        assert!(lost.is_empty(), "acknowledged and not there: {lost:?}");
        assert_eq!(there.len(), self.sent.len(), "more is there than was acknowledged");
        assert_eq!(reader.unread(&self.group).await, count - self.mark);
        node.tool_done(&["replay", "--verify"]);
    }

    async fn is_visible(&self, reader: &Person) {
        let begun = Instant::now();
        loop {
            let seen = reader.get("/v1/unread").header("tidings-min-position", self.position).await;
            if seen.status == 200 {
                return;
            }
            seen.expect(503);
            assert!(begun.elapsed() < PATIENCE, "the views do not go on");
        }
    }
}

/// Waits until a node says that it is ready.
pub(crate) async fn is_ready(node: &TestApp) {
    let begun = Instant::now();
    while node.get("/health/ready").await.status != 200 {
        assert!(begun.elapsed() < PATIENCE, "{} is not ready again", node.base());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
