//! A small installation without a server: events are decided and appended here, views follow, questions are asked.
#![expect(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test file is a crate of its own that shares this module and uses what it needs; in a test an unwrap says enough"
)]

mod acting;
pub mod backing;
pub mod memory;
pub mod model;

use std::{collections::HashMap, sync::Arc, time::Duration};

use memory::MemoryStore;
use tidings_domain::{
    ConversationId, KeyId, MessageId, StreamId, Timestamp, UserId,
    conversation::ConversationState,
    message::{Message, Origin},
    reader::Reader,
};
use tidings_event_store::{Codec, Keyring, keys};
use tidings_projections::{
    Options, Projection, Queries, Views,
    model::{Message as Shown, MessageAnchor},
    runner::{Extent, Log, Pace, ViewsError},
};
use uuid::Uuid;

pub use backing::Backing;
use backing::Place;

/// Each test over each backend of views.
#[macro_export]
macro_rules! over_both {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                super::$test(super::Backing::Sqlite).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                super::$test(super::Backing::Postgres).await;
            })+
        }
    };
}

/// Runs a test that is not itself asynchronous, such as one case of a law.
pub fn to_its_end(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

pub struct World {
    pub memory: Arc<MemoryStore>,
    pub log: Log,
    /// Not the log's: that would know what it has sealed itself, and read nothing.
    pub sealing: Codec,
    pub directory: tempfile::TempDir,
    pub place: Place,
    pub views: Option<Views>,
    pub options: Options,
    person_keys: HashMap<UserId, KeyId>,
    versions: HashMap<StreamId, u64>,
    conversations: HashMap<ConversationId, ConversationState>,
    messages: HashMap<MessageId, Message>,
    origins: HashMap<MessageId, Origin>,
    readers: HashMap<(ConversationId, UserId), Reader>,
    next: u128,
    clock: i64,
}

/// Long enough for a machine that does much else; nothing waits for it but what has failed.
pub const PATIENCE: Duration = Duration::from_mins(1);

impl World {
    pub fn new(on: Backing) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let place = Place::new(on, directory.path());
        let secret = keys::InstallationSecret::from_bytes([7; 32]);
        let blocks = keys::SqliteKeyBlocks::open(&directory.path().join("keys.db"), &secret).unwrap();
        let memory = MemoryStore::new();
        let keyring = Keyring::new(blocks, &secret);
        let sealing = Codec::new(keyring.clone());
        let log = Log { store: memory.clone(), codec: Codec::new(keyring) };
        Self {
            memory,
            log,
            sealing,
            directory,
            place,
            views: None,
            options: Options {
                pace: Pace { page: 50, share: None },
                rebuild: Pace { page: 50, share: None },
                live_page: 7,
                late_page: 11,
                fold: true,
            },
            person_keys: HashMap::new(),
            versions: HashMap::new(),
            conversations: HashMap::new(),
            messages: HashMap::new(),
            origins: HashMap::new(),
            readers: HashMap::new(),
            next: 1,
            clock: 1_000,
        }
    }

    /// A world whose views follow.
    pub async fn following(on: Backing) -> Self {
        let mut world = Self::new(on);
        world.start().await;
        world
    }

    pub async fn start(&mut self) {
        let store = self.place.open().await;
        self.views = Some(Views::start(store, self.log.clone(), self.options).await.unwrap());
    }

    pub async fn stop(&mut self) {
        if let Some(views) = self.views.take() {
            views.stop().await;
        }
    }

    pub fn views(&self) -> &Views {
        self.views.as_ref().unwrap()
    }

    /// The questions, once the views know everything.
    pub async fn settled(&self) -> Arc<dyn Queries> {
        self.memory.announce();
        let reached = self.views().wait_for(self.memory.last(), PATIENCE).await;
        if let Err(not_yet) = reached {
            panic!("{not_yet}: {:?}", self.views().status().await);
        }
        let search = self.views().wait_for_view(Projection::Search, self.memory.last(), PATIENCE).await;
        if let Err(not_yet) = search {
            panic!("{not_yet}: {:?}", self.views().status().await);
        }
        self.views().queries()
    }

    pub fn now(&mut self) -> Timestamp {
        self.clock += 1;
        Timestamp::from_millis(self.clock)
    }

    pub fn uuid(&mut self) -> Uuid {
        self.next += 1;
        Uuid::from_u128(self.next << 64 | self.next)
    }

    pub async fn key(&self) -> KeyId {
        self.log.codec.keyring().take().await.unwrap()
    }

    pub fn file(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    /// All messages of a conversation that somebody sees, newest first.
    pub async fn all(&self, viewer: UserId, id: ConversationId, unread: Option<bool>) -> Vec<Shown> {
        let queries = self.settled().await;
        let (mut anchor, mut all) = (MessageAnchor::Newest, Vec::new());
        loop {
            let page = queries.messages(viewer, id, anchor, unread, 3).await.unwrap().unwrap();
            all.extend(page.items);
            match page.next {
                Some(next) => anchor = next,
                None => return all,
            }
        }
    }

    pub async fn assert_verified(&self) {
        self.settled().await;
        for projection in Projection::ALL {
            for extent in [Extent::all(10), Extent::sample(20, 10)] {
                let found = loop {
                    match self.views().verify(projection, extent, Pace::default()).await {
                        // a rebuild that is seen to serve already has its last words to say
                        Err(ViewsError::Busy(_)) => tokio::task::yield_now().await,
                        verified => break verified.unwrap(),
                    }
                };
                assert_eq!(found.differing, 0, "{found:?}");
            }
        }
    }
}
