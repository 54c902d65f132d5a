//! What every event store must do, whatever it is made of. A backend says how it is started ([`Backend`]) and gets one
//! test for each law from [`event_store_conformance!`](crate::event_store_conformance).
#![expect(clippy::missing_panics_doc, reason = "a law that is broken panics: that is how a test fails")]

pub mod appending;
pub mod commands;
pub mod concurrency;
pub mod model;
pub mod reading;
pub mod reopening;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tidings_domain::StreamName;
use tidings_event_store::{
    AppendError, Appended, CommandId, CommandKey, EventStore, Filter, Fingerprint, NewEvent, Position, RecordedEvent,
    StreamAppend,
};
use uuid::Uuid;

/// How a backend is started for a test.
#[async_trait]
pub trait Backend: Send + Sync + Sized + 'static {
    /// Whether what one task appends to several streams stands in the log in the order in which it was submitted. Where
    /// not, only each stream keeps that order.
    const ORDERS_ACROSS_STREAMS: bool = true;

    /// A log that nobody else writes to. It may hold events already.
    async fn fresh() -> Self;

    /// The store. Not to be held over [`Backend::reopen`].
    fn store(&self) -> Arc<dyn EventStore>;

    /// Stops the store and starts it again on the same log.
    async fn reopen(&mut self);

    /// Another store on the same log, as another node has it; the same one where only one process may open the log.
    async fn another_node(&self) -> Arc<dyn EventStore>;
}

/// Makes a test of every law for a [`Backend`].
#[macro_export]
macro_rules! event_store_conformance {
    ($backend:ty) => {
        $crate::event_store_conformance! { $backend:
            appending::what_was_appended_reads_back_exactly,
            appending::versions_count_from_one_and_positions_grow,
            appending::another_expected_version_is_refused_with_the_actual_one,
            appending::a_conflict_does_not_hurt_its_neighbours,
            appending::appends_submitted_one_after_the_other_build_on_each_other,
            appending::a_barrier_is_answered_after_what_was_before_it,
            appending::a_barrier_checks_the_version,
            appending::an_append_whose_ticket_is_dropped_still_happens,
            commands::a_command_is_carried_out_once,
            commands::a_command_is_carried_out_once_even_in_one_batch,
            commands::one_repeated_command_refuses_the_whole_append,
            commands::a_refused_append_leaves_its_command_free,
            commands::commands_are_found_where_they_stand,
            concurrency::no_reader_misses_anything_or_sees_it_twice,
            concurrency::those_who_compete_for_a_stream_all_get_their_turn,
            concurrency::the_head_is_never_ahead_of_what_can_be_read,
            model::any_sequence_of_appends_ends_as_the_model_says,
            reading::pages_of_any_size_cover_the_log_exactly_once,
            reading::a_filter_shows_its_categories_and_says_how_far_it_looked,
            reading::some_streams_are_read_together_in_the_order_of_the_log,
            reading::a_stream_is_read_after_a_version_and_up_to_a_limit,
            reading::beyond_the_head_there_is_nothing,
            reading::the_head_wakes_who_watches_it,
            reading::a_snapshot_gives_way_to_a_newer_one_or_another_format,
            reopening::the_log_is_the_same_after_reopening,
            reopening::commands_and_snapshots_survive_reopening,
            reopening::appending_goes_on_where_it_was_after_reopening,
        }
    };
    ($backend:ty: $($group:ident::$law:ident,)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $law() {
            $crate::conformance::$group::$law::<$backend>().await;
        }
    )*};
}

/// A stream that no other test has.
pub fn stream(category: &str) -> StreamName {
    StreamName::stored(format!("{category}-{}", Uuid::new_v4()))
}

/// An event with content of its own.
pub fn event() -> NewEvent {
    let id = Uuid::new_v4();
    NewEvent {
        id,
        name: "message_sent",
        data: Bytes::from(format!(r#"{{"of":"{id}"}}"#)),
        metadata: Bytes::from_static(br#"{"v":1}"#),
        command: None,
    }
}

/// So many of them.
pub fn events(count: usize) -> Vec<NewEvent> {
    (0..count).map(|_| event()).collect()
}

/// A command that no other test has.
pub fn command() -> CommandKey {
    CommandKey { id: CommandId(Uuid::new_v4().into_bytes()), fingerprint: Fingerprint(Uuid::new_v4().into_bytes()) }
}

/// The first event of a command.
pub fn event_of(command: CommandKey) -> NewEvent {
    NewEvent { command: Some(command), ..event() }
}

/// An append.
pub fn append_to(stream: &StreamName, expected_version: u64, events: Vec<NewEvent>) -> StreamAppend {
    StreamAppend { stream: stream.clone(), expected_version, events }
}

/// Appends to one stream and waits for the outcome.
pub async fn append(
    store: &dyn EventStore,
    stream: &StreamName,
    expected_version: u64,
    events: Vec<NewEvent>,
) -> Result<Appended, AppendError> {
    store.append(vec![append_to(stream, expected_version, events)]).await.remove(0)
}

/// Where the log ends now.
pub async fn head(store: &dyn EventStore) -> Position {
    store.head().await.expect("the store answers")
}

/// All of a stream.
pub async fn whole(store: &dyn EventStore, stream: &StreamName) -> Vec<Arc<RecordedEvent>> {
    store.read_stream(stream, 0, usize::MAX).await.expect("the store answers")
}

/// The log after a position, to its end, in pages.
pub async fn log(store: &dyn EventStore, mut after: Position, filter: &Filter, page: usize) -> Vec<Arc<RecordedEvent>> {
    let mut read = Vec::new();
    loop {
        let page = store.read_all(after, filter, page).await.expect("the store answers");
        if page.scanned_to == after {
            return read;
        }
        after = page.scanned_to;
        read.extend(page.events);
    }
}

/// Fails unless these events are those ones, whole and in the same order.
pub fn assert_recorded(read: &[Arc<RecordedEvent>], stream: &StreamName, first_version: u64, appended: &[NewEvent]) {
    assert_eq!(read.len(), appended.len());
    for ((read, appended), version) in read.iter().zip(appended).zip(first_version..) {
        assert_eq!(read.stream, *stream);
        assert_eq!(read.version, version);
        assert_eq!(read.id, appended.id);
        assert_eq!(&*read.name, appended.name);
        assert_eq!(read.data, appended.data);
        assert_eq!(read.metadata, appended.metadata);
    }
}

/// Numbers that look random and are the same in every run.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Dice that fall as the seed says.
    pub const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// From 1 to so many.
    pub const fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % sides + 1
    }
}
