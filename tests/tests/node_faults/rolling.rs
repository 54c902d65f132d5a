//! One node after the other is restarted behind a load balancer, and nobody notices.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::Value;
use tidings_tests::{
    app::{Person, TestApp, seqs},
    front::Front,
    postgres::Cluster,
};
use tokio::{
    sync::Mutex,
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::{
    load::{Bears, Load},
    node_with,
    talked::is_ready,
};

/// How often the balancer asks the nodes whether they are ready.
const ASKS_EVERY: Duration = Duration::from_millis(50);
/// How long nodes go on once they are told to stop: many times as long as that.
const DRAIN_SECONDS: &str = "2";
/// How long anything else may take before the test fails. Never decides anything else.
const PATIENCE: Duration = Duration::from_secs(30);

/// What every load balancer does: those that are ready get the connections. A node that is slow to answer stays where it was.
fn balance(front: Arc<Front>, nodes: Vec<TestApp>) -> JoinHandle<()> {
    let ready = Mutex::new(BTreeSet::new());
    tokio::spawn(async move {
        let asked = nodes.iter().map(|node| {
            let (front, ready) = (&front, &ready);
            async move {
                loop {
                    let answer = node.get("/health/ready").attempt().await;
                    let mut ready = ready.lock().await;
                    if answer.is_ok_and(|answer| answer.status == 200) {
                        ready.insert(node.port());
                    } else {
                        ready.remove(&node.port());
                    }
                    front.lead_to(&ready.iter().copied().collect::<Vec<_>>());
                    drop(ready);
                    sleep(ASKS_EVERY).await;
                }
            }
        });
        futures::future::join_all(asked).await;
    })
}

/// Listens from the beginning, again whenever the stream ends, until a message with this text.
async fn listen(person: Person, last: &'static str) -> Vec<Value> {
    let (mut seen, mut at): (Vec<Value>, _) = (vec![], "0".to_owned());
    loop {
        let mut live = person.live_since(&at).await;
        while let Some(event) = live.next_or_end().await {
            at = event.id.unwrap_or(at);
            if event.event == "message" {
                seen.push(event.data);
                if seen.last().is_some_and(|message| message["body"] == last) {
                    return seen;
                }
            }
        }
    }
}

async fn is_led_to(front: &Front, node: &TestApp) {
    let led = async {
        while !front.targets().contains(&node.port()) {
            sleep(ASKS_EVERY).await;
        }
    };
    timeout(PATIENCE, led).await.expect("the balancer finds it ready");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rolling_restart_behind_a_balancer_fails_not_one_request() {
    const LAST: &str = "all are back";
    let database = Cluster::shared().create_database();
    let url = database.url();
    let start = || node_with(&url, &url, &[], vec![("TIDINGS_DRAIN_SECONDS", DRAIN_SECONDS.to_owned())]);
    let nodes = [start(), start()];
    let front = Arc::new(Front::start().await);
    let balancing = balance(Arc::clone(&front), nodes.to_vec());
    for node in &nodes {
        is_led_to(&front, node).await;
    }
    // people see one address only
    let entrance = nodes[0].behind(front.port());
    let load = Load::on(std::slice::from_ref(&entrance), Bears::Nothing).await;
    // with connections of their own: nobody else's are at hand when a stream ends
    let listener = load.reader().at(&nodes[0].behind(front.port()));
    let listening = tokio::spawn(listen(listener, LAST));
    for node in &nodes {
        load.go_on(100).await;
        node.stop().await;
        load.go_on(100).await;
        node.restart();
        is_ready(node).await;
        is_led_to(&front, node).await;
    }
    load.go_on(100).await;
    let mut talked = load.end().await;
    talked.say(&entrance, LAST).await;
    let heard = timeout(PATIENCE, listening).await.expect("the last one comes").expect("it does not panic");
    assert_eq!(seqs(&heard), talked.sent.keys().copied().collect::<Vec<_>>(), "heard once each, in their order");
    balancing.abort();
    talked.check(&nodes).await;
}
