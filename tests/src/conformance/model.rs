//! Any sequence of appends against a model that is easy to believe.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use proptest::{
    collection::vec,
    option,
    prelude::*,
    test_runner::{Config, TestRunner},
};
use tidings_domain::StreamName;
use tidings_event_store::{AppendError, CommandId, CommandKey, EventStore, Filter, NewEvent, StreamAppend};
use tokio::{runtime::Handle, task};
use uuid::Uuid;

use super::{Backend, append_to, command, event, event_of, head, log, stream, whole};

/// An append as it is drawn: to one of a few streams, at the right version or beside it, events some of which begin one
/// of a few commands.
#[derive(Debug, Clone)]
struct Draw {
    stream: usize,
    beside: i8,
    commands: Vec<Option<usize>>,
}

const STREAMS: usize = 4;
const COMMANDS: usize = 6;

fn draws() -> impl Strategy<Value = Vec<Vec<Draw>>> {
    let beside = prop_oneof![8 => Just(0_i8), 1 => -2_i8..=2];
    let draw = (0..STREAMS, beside, vec(option::weighted(0.2, 0..COMMANDS), 0..5))
        .prop_map(|(stream, beside, commands)| Draw { stream, beside, commands });
    vec(vec(draw, 1..12), 1..6)
}

/// The log as it ought to be.
struct Model {
    streams: Vec<StreamName>,
    commands: Vec<CommandKey>,
    versions: HashMap<StreamName, u64>,
    carried_out: HashMap<CommandId, (StreamName, u64)>,
    log: Vec<(StreamName, u64, Uuid)>,
}

impl Model {
    fn new() -> Self {
        Self {
            streams: ["user", "user", "conversation", "session"].map(stream).into(),
            commands: (0..COMMANDS).map(|_| command()).collect(),
            versions: HashMap::new(),
            carried_out: HashMap::new(),
            log: Vec::new(),
        }
    }

    fn version(&self, stream: &StreamName) -> u64 {
        self.versions.get(stream).copied().unwrap_or(0)
    }

    /// The append that is drawn, as things are now.
    fn append(&self, draw: &Draw) -> StreamAppend {
        let stream = &self.streams[draw.stream];
        let expected = self.version(stream).saturating_add_signed(draw.beside.into());
        let begun = |command: &Option<usize>| command.map_or_else(event, |n| event_of(self.commands[n]));
        append_to(stream, expected, draw.commands.iter().map(begun).collect())
    }

    /// The first command of an append that was carried out before, or twice in it.
    fn repeated(&self, events: &[NewEvent]) -> Option<CommandId> {
        let mut here = HashSet::new();
        let mut ids = events.iter().filter_map(|event| event.command.map(|command| command.id));
        ids.find(|id| self.carried_out.contains_key(id) || !here.insert(*id))
    }

    /// What may be answered. Where two things are wrong, either may be told.
    fn judge(&mut self, append: &StreamAppend) -> Vec<Result<u64, AppendError>> {
        let actual = self.version(&append.stream);
        let mut wrong = Vec::new();
        if append.expected_version != actual {
            wrong.push(Err(AppendError::WrongExpectedVersion { actual }));
        }
        wrong.extend(self.repeated(&append.events).map(|id| Err(AppendError::DuplicateCommand(id))));
        if wrong.is_empty() { vec![Ok(self.write(append))] } else { wrong }
    }

    fn write(&mut self, append: &StreamAppend) -> u64 {
        let mut version = append.expected_version;
        for event in &append.events {
            version += 1;
            self.log.push((append.stream.clone(), version, event.id));
            if let Some(command) = event.command {
                self.carried_out.insert(command.id, (append.stream.clone(), version));
            }
        }
        if version > 0 {
            self.versions.insert(append.stream.clone(), version);
        }
        version
    }
}

/// Outcomes, log, streams and commands are the model's, batch after batch.
pub async fn any_sequence_of_appends_ends_as_the_model_says<B: Backend>() {
    let backend = B::fresh().await;
    let store = backend.store();
    let mut runner = TestRunner::new(Config { cases: 64, failure_persistence: None, ..Config::default() });
    let outcome = task::block_in_place(|| {
        runner.run(&draws(), |batches| {
            Handle::current().block_on(check::<B>(&store, &batches));
            Ok(())
        })
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

async fn check<B: Backend>(store: &Arc<dyn EventStore>, batches: &[Vec<Draw>]) {
    let start = head(&**store).await;
    let mut model = Model::new();
    for batch in batches {
        let mut appends = Vec::new();
        let mut possible = Vec::new();
        for draw in batch {
            let append = model.append(draw);
            possible.push(model.judge(&append));
            appends.push(append);
        }
        for (outcome, possible) in store.append(appends).await.into_iter().zip(possible) {
            let outcome = outcome.map(|appended| appended.version);
            assert!(possible.contains(&outcome), "{outcome:?} is none of {possible:?}");
        }
    }
    let read = log(&**store, start, &Filter::All, 10).await;
    let mut read: Vec<_> = read.iter().map(|event| (event.stream.clone(), event.version, event.id)).collect();
    if !B::ORDERS_ACROSS_STREAMS {
        // stable: within a stream the order stays as it was read
        read.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        model.log.sort_by(|(a, ..), (b, ..)| a.cmp(b));
    }
    assert_eq!(read, model.log);
    for stream in &model.streams {
        assert_eq!(whole(&**store, stream).await.len() as u64, model.version(stream));
    }
    let ids: Vec<_> = model.commands.iter().map(|command| command.id).collect();
    let found = store.find_commands(&ids).await.expect("the store answers");
    for (id, found) in ids.iter().zip(found) {
        let found = found.map(|record| (record.stream, record.version));
        assert_eq!(found.as_ref(), model.carried_out.get(id));
    }
}
