//! People who write and read through several nodes while something happens to them.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tidings_tests::app::{Answer, Call, Person, TestApp, seq};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::talked::Talked;

const WRITERS: usize = 8;
/// How long clients may take to go on before the test fails. Never decides anything else.
const PATIENCE: Duration = Duration::from_secs(40);
/// How long a client waits before it asks again: one that asks without end only keeps the server from coming back.
const AGAIN_AFTER: Duration = Duration::from_millis(20);

/// What clients bear, and ask again after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bears {
    /// Every request is answered, and well; readers may be told that the views are not there yet.
    Nothing,
    /// Every request is answered; perhaps with 503.
    Refusals,
    /// There may be no answer: then the next node is asked.
    LostNodes,
}

/// What clients have met with so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Progress {
    acknowledged: u64,
    pub(crate) refused: u64,
    pub(crate) unanswered: u64,
}

/// What one client knows.
#[derive(Clone)]
struct Client {
    nodes: Arc<[TestApp]>,
    /// The one it asks.
    at: usize,
    bears: Bears,
    progress: Arc<watch::Sender<Progress>>,
    over: Arc<AtomicBool>,
}

impl Client {
    /// Asks until it is done: with the same key, so that it happens once.
    async fn until_done(&mut self, call: impl Fn(&TestApp) -> Call) -> Answer {
        loop {
            match call(&self.nodes[self.at % self.nodes.len()]).attempt().await {
                Ok(answer) if answer.status < 300 => {
                    self.progress.send_modify(|progress| progress.acknowledged += 1);
                    return answer;
                }
                // a reader who is ahead of the views is told to come again
                Ok(answer) if answer.is_not_yet_visible() => {
                    self.progress.send_modify(|progress| progress.refused += 1);
                }
                Ok(answer) => {
                    assert!(self.bears != Bears::Nothing, "a request failed: {answer:?}");
                    answer.expect(503);
                    self.progress.send_modify(|progress| progress.refused += 1);
                }
                Err(error) => {
                    assert!(self.bears == Bears::LostNodes, "no answer: {error:?}");
                    self.progress.send_modify(|progress| progress.unanswered += 1);
                    self.at += 1;
                }
            }
            sleep(AGAIN_AFTER).await;
        }
    }

    fn goes_on(&self) -> bool {
        !self.over.load(Ordering::Relaxed)
    }
}

/// What a writer was told: texts by their place, and the position of the last.
#[derive(Default)]
struct Written {
    texts: BTreeMap<u64, String>,
    position: u64,
}

/// Sends one text after the other.
async fn write(mut client: Client, person: Person, group: String, writer: usize) -> Written {
    let mut written = Written::default();
    let path = format!("/v1/conversations/{group}/messages");
    for at in 0.. {
        if !client.goes_on() {
            break;
        }
        let text = format!("{writer}/{at}");
        let send = |node: &TestApp| person.at(node).post(&*path, json!({"body": text})).key(&text);
        let sent = client.until_done(send).await;
        assert_eq!(sent["body"], text, "the answer is to this request");
        written.position = written.position.max(sent.position());
        written.texts.insert(seq(&sent.json), text);
    }
    written
}

/// Reads what is there, again and again, and never less than it was told of, whichever node it asks; the place up to
/// which that was acknowledged, and the position of the last mark.
async fn read(mut client: Client, person: Person, group: String, mut position: u64) -> (u64, u64) {
    let here = format!("/v1/conversations/{group}");
    let (mut mark, path) = (0, format!("{here}/messages?limit=1"));
    while client.goes_on() {
        let newest = |node: &TestApp| person.at(node).get(&*path).header("tidings-min-position", position);
        let page = client.until_done(newest).await;
        let Some(newest) = page.items().first().filter(|newest| seq(newest) > mark) else { continue };
        let key = format!("read-{}", seq(newest));
        let up_to = json!({"up_to": newest["id"]});
        let put = |node: &TestApp| person.at(node).put(format!("{here}/read"), up_to.clone()).key(&key);
        let marked = client.until_done(put).await;
        position = marked.header("tidings-position").and_then(|text| text.parse().ok()).unwrap_or(position);
        mark = seq(newest);
    }
    (mark, position)
}

/// Eight who write and one who reads, until they are told to end.
pub(crate) struct Load {
    people: Vec<Person>,
    group: String,
    client: Client,
    writers: Vec<JoinHandle<Written>>,
    reader: JoinHandle<(u64, u64)>,
    sentinels: Written,
}

impl Load {
    /// Each asks one of these nodes as long as that answers.
    pub(crate) async fn on(nodes: &[TestApp], bears: Bears) -> Self {
        let people = futures::future::join_all((0..5).map(|_| nodes[0].person("somebody"))).await;
        let (reader, writers) = people.split_first().expect("five");
        let members: Vec<_> = writers.iter().map(|writer| &writer.id).collect();
        let body = json!({"kind": "group", "name": "everybody", "members": members});
        let made = reader.post("/v1/conversations", body).await.expect(201);
        let group = made.text_of("id");
        let progress = Arc::new(watch::channel(Progress::default()).0);
        let client = Client { nodes: nodes.into(), at: 0, bears, progress, over: Arc::default() };
        let at = |at: usize| Client { at, ..client.clone() };
        let sending = (0..WRITERS).map(|nth| {
            // each node has each writer's neighbour
            tokio::spawn(write(at(nth), writers[nth / 2].clone(), group.clone(), nth))
        });
        let writers = sending.collect();
        let reader = tokio::spawn(read(at(1), reader.clone(), group.clone(), made.position()));
        Self { group, client, writers, reader, people, sentinels: Written::default() }
    }

    /// Waits until so many more requests were answered well.
    pub(crate) async fn go_on(&self, answers: u64) {
        self.until(|then, now| now.acknowledged >= then.acknowledged + answers).await;
    }

    /// Waits until so many more requests were refused.
    pub(crate) async fn be_refused(&self, requests: u64) {
        self.until(|then, now| now.refused >= then.refused + requests).await;
    }

    async fn until(&self, reached: impl Fn(&Progress, &Progress) -> bool) {
        let mut progress = self.client.progress.subscribe();
        let then = *progress.borrow_and_update();
        let waited = timeout(PATIENCE, progress.wait_for(|now| reached(&then, now))).await;
        waited
            .unwrap_or_else(|_| panic!("clients do not go on from {then:?}: {:?}", self.progress()))
            .expect("it is ours");
    }

    /// The one who reads.
    pub(crate) fn reader(&self) -> &Person {
        &self.people[0]
    }

    /// What clients have met with so far.
    pub(crate) fn progress(&self) -> Progress {
        *self.client.progress.borrow()
    }

    /// What is sent through this node from now on is to be seen in its views, whoever folded them before.
    pub(crate) async fn expect_folding(&mut self, node: &TestApp) {
        let person = self.people[1].at(node);
        let text = format!("sentinel-{}", self.sentinels.texts.len());
        let mut client = Client { nodes: [node.clone()].into(), bears: Bears::Refusals, ..self.client.clone() };
        let path = format!("/v1/conversations/{}/messages", self.group);
        let sent = client.until_done(|_| person.post(&*path, json!({"body": text})).key(&text)).await;
        let position = sent.position();
        let seen = |_: &TestApp| person.get(format!("{path}?limit=1")).header("tidings-min-position", position);
        timeout(PATIENCE, client.until_done(seen)).await.expect("the views go on");
        self.sentinels.position = position;
        self.sentinels.texts.insert(seq(&sent.json), text);
    }

    /// Ends the load; what was acknowledged. Every request was made until it was.
    pub(crate) async fn end(self) -> Talked {
        let Self { people, group, client, writers, reader, sentinels } = self;
        client.over.store(true, Ordering::Relaxed);
        let (mut sent, mut position) = (sentinels.texts, sentinels.position);
        for writer in writers {
            let written = writer.await.expect("no writer panics");
            position = position.max(written.position);
            for (seq, text) in written.texts {
                assert_eq!(sent.insert(seq, text), None, "two messages at one place");
            }
        }
        let (mark, marked) = reader.await.expect("the reader does not panic");
        Talked { people, group, sent, mark, position: position.max(marked) }
    }
}

/// The text of each message by its place.
pub(crate) fn by_place(messages: &[Value]) -> BTreeMap<u64, String> {
    let text = |message: &Value| message["body"].as_str().unwrap_or_default().to_owned();
    messages.iter().map(|message| (seq(message), text(message))).collect()
}
