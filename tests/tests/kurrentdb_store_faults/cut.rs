//! The server is killed under its writers and comes back, again and again.

use std::{collections::HashMap, sync::Arc};

use tidings_domain::StreamName;
use tidings_event_store::{AppendError, CommandKey, EventStore, Filter, KurrentEventStore, Position};
use tidings_tests::{
    conformance::{append, command, event, event_of, log, stream},
    stand_in::StandIn,
};
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use super::node;

const ROUNDS: usize = 4;
const WRITERS: usize = 8;
const ANSWERS_IN_A_ROUND: usize = 150;

/// What a writer was told: its stream, the id of each event in order, and the commands.
struct Told {
    stream: StreamName,
    ids: Vec<Uuid>,
    commands: Vec<(CommandKey, u64)>,
}

/// Appends under keys as a careful client does: when it does not know what became of an append, it looks the command up
/// and sends it again if it is not there.
async fn write(
    store: Arc<KurrentEventStore>,
    over: watch::Receiver<bool>,
    answered: mpsc::UnboundedSender<()>,
) -> Told {
    let mut told = Told { stream: stream("conversation"), ids: Vec::new(), commands: Vec::new() };
    while !*over.borrow() {
        let key = command();
        let events = vec![event_of(key), event()];
        let version = told.ids.len() as u64;
        loop {
            match append(&*store, &told.stream, version, events.clone()).await {
                Ok(appended) => {
                    assert_eq!(appended.version, version + 2);
                    break;
                }
                Err(AppendError::DuplicateCommand(id)) => {
                    assert_eq!(id, key.id, "it was appended after all");
                    break;
                }
                Err(AppendError::Store(_)) => {}
                Err(error @ AppendError::WrongExpectedVersion { .. }) => {
                    let found = loop {
                        if let Ok(mut found) = store.find_commands(&[key.id]).await {
                            break found.remove(0);
                        }
                    };
                    assert!(found.is_some_and(|found| found.version == version + 1), "nobody else writes: {error}");
                    break;
                }
            }
        }
        told.ids.extend(events.iter().map(|event| event.id));
        told.commands.push((key, version + 1));
        // the test counts as long as it runs
        answered.send(()).ok();
    }
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_acknowledged_is_lost_and_nothing_is_there_twice() {
    let server = StandIn::start();
    let nodes = [node(&server, "one.db").await, node(&server, "two.db").await];
    let (end, over) = watch::channel(false);
    let (answered, mut answers) = mpsc::unbounded_channel();
    let writers: Vec<_> =
        (0..WRITERS).map(|n| tokio::spawn(write(nodes[n % 2].clone(), over.clone(), answered.clone()))).collect();
    for _ in 0..ROUNDS {
        for _ in 0..ANSWERS_IN_A_ROUND {
            answers.recv().await.expect("the writers go on");
        }
        server.kill();
        server.start_again();
    }
    // after the last cut they go on, too
    while answers.try_recv().is_ok() {}
    for _ in 0..ANSWERS_IN_A_ROUND {
        answers.recv().await.expect("the writers go on");
    }
    end.send_replace(true);
    let mut told = Vec::new();
    for writer in writers {
        told.push(writer.await.expect("the writer ends well"));
    }
    assert_whole(&nodes, &told).await;
}

async fn assert_whole(nodes: &[Arc<KurrentEventStore>], told: &[Told]) {
    for node in nodes {
        let mut there: HashMap<StreamName, Vec<Uuid>> = HashMap::new();
        let events = log(&**node, Position::START, &Filter::All, 1_000).await;
        assert!(events.is_sorted_by(|a, b| a.position < b.position));
        for event in events {
            there.entry(event.stream.clone()).or_default().push(event.id);
        }
        for told in told {
            assert!(there[&told.stream] == told.ids, "{} differs from what was acknowledged", told.stream);
            let ids: Vec<_> = told.commands.iter().map(|(key, _)| key.id).collect();
            let found = node.find_commands(&ids).await.expect("the server is there");
            let versions: Vec<_> = found.into_iter().flatten().map(|record| record.version).collect();
            assert_eq!(versions, told.commands.iter().map(|(_, version)| *version).collect::<Vec<_>>());
        }
        // the head has moved on with them
        let head = node.head().await.expect("the server is there");
        node.watch_head().wait_for(|at| *at >= head).await.expect("the store is there");
    }
}
