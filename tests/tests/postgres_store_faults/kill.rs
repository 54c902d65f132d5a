//! The server is lost under load.

use std::sync::Arc;

use tidings_event_store::{EventStore, PostgresEventStore};
use tidings_tests::postgres::Cluster;
use tokio::{sync::watch, task::JoinHandle};

use crate::{Acknowledged, append_at_last, assert_whole, follow, open, write};

const WRITERS: usize = 8;

struct Load {
    stop: watch::Sender<bool>,
    writers: Vec<JoinHandle<Vec<Acknowledged>>>,
}

impl Load {
    fn on(nodes: &[Arc<PostgresEventStore>]) -> Self {
        let (stop, stopped) = watch::channel(false);
        let writer = |n: usize| tokio::spawn(write(Arc::clone(&nodes[n % nodes.len()]), stopped.clone()));
        Self { stop, writers: (0..WRITERS).map(writer).collect() }
    }

    async fn stop(self) -> Vec<Acknowledged> {
        self.stop.send_replace(true);
        let mut acknowledged = vec![];
        for writer in self.writers {
            acknowledged.extend(writer.await.expect("the writer ends well"));
        }
        acknowledged
    }
}

/// Waits until so many more events are in the log.
async fn after(store: &PostgresEventStore, events: u64) {
    let mut head = store.watch_head();
    let until = head.borrow_and_update().get() + events;
    head.wait_for(|head| head.get() >= until).await.expect("the store is there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_acknowledged_is_lost_and_nothing_is_there_twice_when_the_server_is_killed() {
    let cluster = Cluster::start();
    let url = cluster.url("postgres");
    let nodes = [open(&url).await.expect("it opens"), open(&url).await.expect("it opens")];
    let (end, ended) = watch::channel(None);
    let readers: Vec<_> = nodes.iter().map(|node| tokio::spawn(follow(Arc::clone(node), ended.clone()))).collect();
    let load = Load::on(&nodes);
    for _ in 0..3 {
        after(&nodes[0], 2_000).await;
        cluster.kill();
        cluster.start_again();
        // without a restart of anything of ours
        append_at_last(&nodes[0]).await;
        append_at_last(&nodes[1]).await;
    }
    let acknowledged = load.stop().await;
    assert!(acknowledged.len() >= 3_000);
    let last = append_at_last(&nodes[0]).await;
    end.send_replace(Some(last));
    let events = assert_whole(&*nodes[1], &acknowledged).await;
    for reader in readers {
        let seen = reader.await.expect("the reader ends well");
        assert!(seen == events, "a reader saw {} of {} events", seen.len(), events.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_promoted_replica_has_all_that_was_acknowledged() {
    // an answer means here that the replica has it too
    let primary = Cluster::start();
    let replica = primary.replica();
    primary.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'");
    primary.sql("postgres", "SELECT pg_reload_conf()");
    let node = open(&primary.url("postgres")).await.expect("it opens");
    let load = Load::on(std::slice::from_ref(&node));
    after(&node, 2_000).await;
    primary.kill();
    let acknowledged = load.stop().await;
    replica.promote();
    let node = open(&replica.url("postgres")).await.expect("it opens");
    append_at_last(&node).await;
    assert_whole(&*node, &acknowledged).await;
}
