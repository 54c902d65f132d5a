//! Killed under load, again and again.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tidings_tests::app::{Call, Person, TestApp, seqs};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::timeout,
};

const ROUNDS: u64 = 5;
const WRITERS: usize = 8;

/// The server as its clients know it.
#[derive(Clone)]
struct World {
    /// Counts the starts.
    starts: watch::Receiver<u64>,
    over: Arc<AtomicBool>,
    acknowledged: mpsc::UnboundedSender<()>,
}

impl World {
    /// Asks until there is an answer: with the same key, so that it happens once.
    async fn until_answered(&mut self, call: impl Fn() -> Call) -> Value {
        loop {
            let start = *self.starts.borrow();
            match call().attempt().await {
                Ok(answer) if answer.status < 300 => {
                    // the test counts as long as it runs
                    self.acknowledged.send(()).ok();
                    return answer.json;
                }
                Ok(answer) => {
                    answer.expect(503);
                }
                // It was killed: it comes back soon. Or the connection was an old one: then the wait is in vain, and short.
                Err(_) => {
                    timeout(Duration::from_millis(300), self.starts.wait_for(|now| *now > start)).await.ok();
                }
            }
        }
    }
}

/// Sends one text after the other; what was acknowledged, with its place.
fn write(mut world: World, person: Person, group: String, writer: usize) -> JoinHandle<BTreeMap<u64, String>> {
    tokio::spawn(async move {
        let mut acknowledged = BTreeMap::new();
        let path = format!("/v1/conversations/{group}/messages");
        for at in 0.. {
            if world.over.load(Ordering::Relaxed) {
                break;
            }
            let text = format!("{writer}/{at}");
            let sent = world.until_answered(|| person.post(&*path, json!({"body": text})).key(&text)).await;
            assert_eq!(sent["body"], text, "the answer is to this request");
            acknowledged.insert(sent["seq"].as_u64().expect("a message"), text);
        }
        acknowledged
    })
}

/// Reads what is there, again and again; the place up to which that was acknowledged.
fn read(mut world: World, person: Person, group: String) -> JoinHandle<u64> {
    tokio::spawn(async move {
        let here = format!("/v1/conversations/{group}");
        let mut mark = 0;
        while !world.over.load(Ordering::Relaxed) {
            let page = world.until_answered(|| person.get(format!("{here}/messages?limit=1"))).await;
            let Some(newest) = page["items"].get(0) else { continue };
            mark = newest["seq"].as_u64().expect("a message");
            let key = format!("read-{mark}");
            let body = json!({"up_to": newest["id"]});
            world.until_answered(|| person.put(format!("{here}/read"), body.clone()).key(&key)).await;
        }
        mark
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_every_kill_what_was_acknowledged_is_there_once_and_nothing_twice() {
    let app = TestApp::start();
    let people = futures::future::join_all((0..5).map(|_| app.person("survivor"))).await;
    let (reader, writers) = people.split_first().expect("five");
    let group = reader.group("survivors", &writers.iter().collect::<Vec<_>>()).await;
    let (start, starts) = watch::channel(0);
    let (acknowledged, mut answers) = mpsc::unbounded_channel();
    let world = World { starts, over: Arc::default(), acknowledged };
    let sending: Vec<_> = (0..WRITERS)
        .map(|writer| write(world.clone(), writers[writer % writers.len()].clone(), group.clone(), writer))
        .collect();
    let reading = read(world.clone(), reader.clone(), group.clone());
    for round in 1..=ROUNDS {
        // never at the same point of a round
        for _ in 0..60 + 37 * round {
            answers.recv().await.expect("clients go on");
        }
        app.kill();
        app.restart();
        start.send_replace(round);
    }
    for _ in 0..60 {
        answers.recv().await.expect("clients go on after the last kill");
    }
    world.over.store(true, Ordering::Relaxed);
    let mut sent = BTreeMap::new();
    for sender in sending {
        for (seq, text) in sender.await.expect("no writer panics") {
            assert_eq!(sent.insert(seq, text), None, "two messages at one place");
        }
    }
    let mark = reading.await.expect("the reader does not panic");
    check(&app, &people, &group, &sent, mark).await;
}

/// Every writer asked until it was answered, so what is there is exactly what was acknowledged.
async fn check(app: &TestApp, people: &[Person], group: &str, sent: &BTreeMap<u64, String>, mark: u64) {
    let messages = people[0].messages(group).await;
    let count = messages.len() as u64;
    assert_eq!(seqs(&messages), (1..=count).rev().collect::<Vec<_>>(), "no gaps");
    let there: BTreeMap<_, _> = messages
        .iter()
        .map(|message| (message["seq"].as_u64().expect("a number"), message["body"].as_str().unwrap_or("").to_owned()))
        .collect();
    assert_eq!(there, *sent);
    assert_eq!(people[0].unread(group).await, count - mark);
    for person in &people[1..] {
        let own = messages.iter().find(|message| message["sender"]["id"] == person.id);
        let last = own.map_or(0, |message| message["seq"].as_u64().expect("a number"));
        assert_eq!(person.unread(group).await, count - last, "sending reads up to there");
    }
    app.tool_done(&["replay", "--verify"]);
    app.stop().await;
    app.tool_done(&["replay", "--verify"]);
}
