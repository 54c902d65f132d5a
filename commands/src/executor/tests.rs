//! What only shows with a decider made for it, or with a cache too small.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidings_domain::{
    Decider, LoginKind, StreamId, Timestamp, UserId,
    login::{LoginClaimed, LoginEvent, LoginReleased},
    request::RequestRefusal,
};
use tidings_event_store::{Codec, InstallationSecret, Keyring, SqliteEventStore, SqliteKeyBlocks};
use tokio::task::JoinSet;

use super::{Executor, Shared, behind::Behind};
use crate::Context;

/// Counts, and breaks when told to, in the middle of folding.
struct Counter;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Count(u64);

#[derive(Clone, Copy)]
enum Do {
    Add,
    Break,
    Nothing,
}

impl Decider for Counter {
    type Command = Do;
    type Event = LoginEvent;
    type State = Count;
    type Refusal = RequestRefusal;

    fn name(_command: &Do) -> &'static str {
        "count"
    }

    fn decide(_: &Count, command: &Do) -> Result<Vec<LoginEvent>, RequestRefusal> {
        let (user, at) = (UserId::new(uuid::Uuid::nil()), Timestamp::default());
        Ok(match command {
            Do::Add => vec![LoginClaimed { user, at }.into()],
            Do::Break => vec![LoginClaimed { user, at }.into(), LoginReleased { user, at }.into()],
            Do::Nothing => vec![],
        })
    }

    fn evolve(state: &mut Count, event: &LoginEvent) {
        state.0 += 1;
        assert!(matches!(event, LoginEvent::Claimed(_)), "told to break");
    }
}

fn stream(nth: u8) -> StreamId {
    StreamId::Login(LoginKind::Username, [nth; 32])
}

fn shared(directory: &tempfile::TempDir) -> Arc<Shared> {
    let secret = InstallationSecret::from_bytes([7; 32]);
    let store = SqliteEventStore::open(&directory.path().join("events.db"), Timestamp::default).unwrap();
    let blocks = SqliteKeyBlocks::open(&directory.path().join("keys.db"), &secret).unwrap();
    Arc::new(Shared::new(Arc::new(store), Codec::new(Keyring::new(blocks, &secret)), &secret))
}

async fn run(executor: &Executor<Counter>, nth: u8, command: Do) -> u64 {
    let outcome = executor.execute(stream(nth), &command, &Context::default()).await.unwrap();
    outcome.value.last().map_or(0, |(version, _)| *version)
}

async fn count(executor: &Executor<Counter>, nth: u8) -> u64 {
    executor.peek(stream(nth), |count| count.0).await.unwrap()
}

#[tokio::test]
async fn a_panic_while_folding_leaves_no_half_folded_state() {
    let directory = tempfile::tempdir().unwrap();
    let executor = Arc::new(Executor::<Counter>::new(shared(&directory), 100));
    assert_eq!(run(&executor, 1, Do::Add).await, 1);
    // one waits for the store while another breaks behind it
    let (add, broken) = (executor.clone(), executor.clone());
    let add = tokio::spawn(async move { run(&add, 1, Do::Add).await });
    let broken = tokio::spawn(async move { run(&broken, 1, Do::Break).await });
    assert!(broken.await.unwrap_err().is_panic());
    assert_eq!(add.await.unwrap(), 2);
    assert_eq!(count(&executor, 1).await, 2);
    assert_eq!(run(&executor, 1, Do::Add).await, 3);
    assert_eq!(run(&executor, 1, Do::Nothing).await, 0);
    assert_eq!(count(&executor, 1).await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn states_thrown_out_of_memory_at_any_moment_change_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let shared = shared(&directory);
    let executor = Arc::new(Executor::<Counter>::new(shared.clone(), 1));
    let mut tasks = JoinSet::new();
    for task in 0..8_u8 {
        let executor = executor.clone();
        tasks.spawn(async move {
            let mut versions = Vec::new();
            for nth in 0..50_u8 {
                let which = (task + nth) % 5;
                versions.push((which, run(&executor, which, Do::Add).await));
                if nth % 7 == 0 {
                    executor.entries.remove(&stream(which));
                }
            }
            versions
        });
    }
    let mut versions = tasks.join_all().await.concat();
    versions.sort_unstable();
    let expected: Vec<(u8, u64)> = (0..5).flat_map(|which| (1..=80).map(move |version| (which, version))).collect();
    assert_eq!(versions, expected);
    for nth in 0..5 {
        assert_eq!(count(&executor, nth).await, 80);
        assert_eq!(shared.load::<Counter>(&stream(nth).name()).await.unwrap(), (Count(80), 80));
    }
}

#[tokio::test]
async fn a_state_that_grows_is_weighed_again() {
    let directory = tempfile::tempdir().unwrap();
    let weigh = |count: &Count| usize::try_from(5 * count.0).unwrap();
    let executor = Executor::<Counter>::weighed(shared(&directory), 1_280, weigh);
    for nth in 0..64 {
        for _ in 0..9 {
            run(&executor, nth, Do::Add).await;
        }
    }
    // each weighed next to nothing when it came in, and weighs 35 or so now: they cannot all be there
    assert!(executor.entries.iter().all(|(_, held)| held.weight() >= 20));
    assert!(executor.entries.weight() <= 1_280);
    assert!((1..=1_280 / 20).contains(&executor.entries.len()));
}

#[tokio::test]
async fn only_what_is_behind_the_log_is_dropped_when_it_moves_on() {
    let directory = tempfile::tempdir().unwrap();
    let shared = shared(&directory);
    let (here, there) = (Executor::<Counter>::new(shared.clone(), 10), Executor::<Counter>::new(shared.clone(), 10));
    run(&here, 1, Do::Add).await;
    assert_eq!(count(&there, 1).await, 1);
    run(&here, 1, Do::Add).await;
    assert_eq!(count(&there, 1).await, 1);
    for recorded in shared.store().read_stream(&stream(1).name(), 0, 10).await.unwrap() {
        here.observe(stream(1), &recorded);
        there.observe(stream(1), &recorded);
    }
    let is_loaded =
        |executor: &Executor<Counter>| executor.entries.get(&stream(1)).is_some_and(|held| held.entry.is_loaded());
    assert_eq!((is_loaded(&here), is_loaded(&there)), (true, false));
    assert_eq!(count(&there, 1).await, 2);
}

#[tokio::test]
async fn a_state_goes_on_from_where_it_was_with_what_was_heard_or_with_what_the_log_has() {
    let directory = tempfile::tempdir().unwrap();
    let shared = shared(&directory);
    let executor = Executor::<Counter>::new(shared.clone(), 10);
    for _ in 0..30 {
        run(&executor, 1, Do::Add).await;
    }
    let name = stream(1).name();
    let log = shared.store().read_stream(&name, 0, 100).await.unwrap();
    // a state that no log has led to shows whether it was gone on from
    let base = || Behind::<Counter>::overtaken(Count(1_002), 2);
    let hears = async |from: usize, to: usize| {
        let mut behind = base();
        log[from..to].iter().for_each(|recorded| behind.hear(recorded));
        shared.catch_up(&name, behind).await.unwrap()
    };
    assert_eq!(hears(2, 5).await, (Count(1_005), 5), "only what was heard");
    assert_eq!(hears(0, 5).await, (Count(1_005), 5), "what it holds already is left out");
    assert_eq!(hears(3, 5).await, (Count(1_030), 30), "after a gap the log is asked");
    assert_eq!(hears(2, 30).await, (Count(1_030), 30), "and where there is too much to keep");
    let refused = |version| Behind::<Counter>::refused(Count(1_000 + version), version);
    assert_eq!(shared.catch_up(&name, refused(29)).await.unwrap(), (Count(1_030), 30));
    assert_eq!(shared.catch_up(&name, refused(30)).await.unwrap(), (Count(30), 30), "of another log");
}
