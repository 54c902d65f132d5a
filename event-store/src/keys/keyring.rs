//! Hands out keys, remembers those in use, destroys those that must be forgotten.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    convert::Infallible,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use quick_cache::{
    DefaultHashBuilder, OptionsBuilder, UnitWeighter,
    sync::{Cache, DefaultLifecycle},
};
use tidings_domain::KeyId;
use zeroize::Zeroizing;

use crate::{Connections, Seldom, port::Position};

use super::{
    BLOCK_KEYS, InstallationSecret, KeyBlocks, KeyError, WrappedBlock,
    blocks::{KEY_BYTES, Keys, Wrapper},
};

/// Blocks made at a time: 4,096 keys in one durable step.
const BLOCKS_AT_A_TIME: usize = 64;
/// When fewer keys than this wait to be used, more are made in the background.
const LOW_WATER: usize = 2_048;
/// Unwrapped blocks kept in memory: 2,048 of 2 KiB.
const CACHED_BLOCKS: usize = 2_048;

/// What is known of a key without asking the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// The key.
    Key(Zeroizing<[u8; 32]>),
    /// It was destroyed: what it sealed is unreadable for ever.
    Destroyed,
    /// Its block is not in memory: [`Keyring::load`] it.
    NotLoaded,
}

/// The keys of the installation. Cheap to clone.
#[derive(Clone)]
pub struct Keyring(Arc<Inner>);

struct Inner {
    store: Box<dyn KeyBlocks>,
    wrapper: Wrapper,
    /// A block is inserted by a loader only if absent and by a destroyer always, so a slow loader never brings a destroyed
    /// key back.
    cache: Cache<u64, Arc<Keys>>,
    unused: Mutex<VecDeque<KeyId>>,
    filling: tokio::sync::Mutex<()>,
    fill_scheduled: AtomicBool,
}

/// Keys that were brought into memory together, and stay there while this is kept.
pub struct LoadedKeys(HashMap<u64, Arc<Keys>>);

impl LoadedKeys {
    /// The key, if it is one of these.
    pub fn lookup(&self, key: KeyId) -> Lookup {
        self.0.get(&(key.0 / BLOCK_KEYS)).map_or(Lookup::NotLoaded, |keys| of_block(keys, key))
    }
}

/// Half of it is for blocks that are new to it: those made ahead stay until they are used, and a replay of the log leaves
/// alone what is used again and again.
fn cache() -> Cache<u64, Arc<Keys>> {
    let options = OptionsBuilder::new()
        .estimated_items_capacity(CACHED_BLOCKS)
        .weight_capacity(CACHED_BLOCKS as u64)
        .hot_allocation(0.5)
        .build()
        .expect("both capacities are given");
    Cache::with_options(options, UnitWeighter, DefaultHashBuilder::default(), DefaultLifecycle::default())
}

fn of_block(keys: &Keys, key: KeyId) -> Lookup {
    let start = usize::try_from(key.0 % BLOCK_KEYS).unwrap_or_default() * KEY_BYTES;
    let bytes = keys.get(start..).and_then(|rest| rest.first_chunk::<KEY_BYTES>());
    match bytes {
        Some(bytes) if bytes.iter().any(|byte| *byte != 0) => Lookup::Key(Zeroizing::new(*bytes)),
        Some(_) | None => Lookup::Destroyed,
    }
}

impl Keyring {
    /// A keyring over a store of blocks that were wrapped under this secret.
    pub fn new(store: impl KeyBlocks, secret: &InstallationSecret) -> Self {
        Self(Arc::new(Inner {
            store: Box::new(store),
            wrapper: Wrapper::new(&secret.derive("tidings 2026 key blocks")),
            cache: cache(),
            unused: Mutex::default(),
            filling: tokio::sync::Mutex::default(),
            fill_scheduled: AtomicBool::new(false),
        }))
    }

    /// A key that has never sealed anything and is durable already. Nobody else gets it.
    pub async fn take(&self) -> Result<KeyId, KeyError> {
        loop {
            if let Some(key) = self.pop() {
                return Ok(key);
            }
            let _turn = self.0.filling.lock().await;
            // another task may have filled it while this one waited for its turn
            if self.unused().is_empty() {
                self.fill().await?;
            }
        }
    }

    fn unused(&self) -> std::sync::MutexGuard<'_, VecDeque<KeyId>> {
        self.0.unused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pop(&self) -> Option<KeyId> {
        let (key, left) = {
            let mut unused = self.unused();
            (unused.pop_front(), unused.len())
        };
        if key.is_some() && left < LOW_WATER && !self.0.fill_scheduled.swap(true, Ordering::AcqRel) {
            let keyring = self.clone();
            tokio::spawn(async move {
                let turn = keyring.0.filling.lock().await;
                if let Err(error) = keyring.fill().await {
                    static SAID: Seldom = Seldom::new();
                    if let Some(left_out) = SAID.due() {
                        tracing::error!(%error, left_out, "no keys could be made ahead");
                    }
                }
                drop(turn);
                keyring.0.fill_scheduled.store(false, Ordering::Release);
            });
        }
        key
    }

    async fn fill(&self) -> Result<(), KeyError> {
        let fresh = (0..BLOCKS_AT_A_TIME).map(|_| Wrapper::fresh_keys()).collect::<Result<Vec<_>, _>>()?;
        let numbers = {
            let next = Mutex::new(fresh.iter());
            let wrap = |block| -> Result<WrappedBlock, KeyError> {
                let keys = next.lock().unwrap_or_else(PoisonError::into_inner).next();
                keys.map_or(Err(KeyError::Damaged(block)), |keys| self.0.wrapper.wrap(block, keys))
            };
            self.0.store.add(BLOCKS_AT_A_TIME, &wrap).await?
        };
        for (block, keys) in numbers.into_iter().zip(fresh) {
            self.0.cache.insert(block, Arc::new(keys));
            self.unused().extend((0..BLOCK_KEYS).map(|slot| KeyId(block * BLOCK_KEYS + slot)));
        }
        Ok(())
    }

    /// The key, if its block is in memory.
    pub fn lookup(&self, key: KeyId) -> Lookup {
        self.0.cache.get(&(key.0 / BLOCK_KEYS)).map_or(Lookup::NotLoaded, |keys| of_block(&keys, key))
    }

    /// Brings the blocks of these keys into memory, and holds them there as long as what it returns is kept: a batch may
    /// have more of them than the cache. A key whose block does not exist is an error: the key store is older than the log.
    pub async fn load(&self, keys: impl IntoIterator<Item = KeyId>) -> Result<LoadedKeys, KeyError> {
        let mut blocks: Vec<u64> = keys.into_iter().map(|key| key.0 / BLOCK_KEYS).collect();
        blocks.sort_unstable();
        blocks.dedup();
        let mut loaded = HashMap::with_capacity(blocks.len());
        blocks.retain(|block| match self.0.cache.get(block) {
            Some(keys) => loaded.insert(*block, keys).is_some(),
            None => true,
        });
        if blocks.is_empty() {
            return Ok(LoadedKeys(loaded));
        }
        for (block, wrapped) in blocks.iter().zip(self.0.store.load(&blocks).await?) {
            let wrapped = wrapped.ok_or(KeyError::Damaged(*block))?;
            let keys = self.0.wrapper.unwrap(*block, &wrapped)?;
            let Ok(keys) = self.0.cache.get_or_insert_with(block, || Ok::<_, Infallible>(Arc::new(keys)));
            loaded.insert(*block, keys);
        }
        Ok(LoadedKeys(loaded))
    }

    /// Destroys keys durably: what they sealed is unreadable from here on, everywhere. Destroying one again does nothing.
    pub async fn destroy(&self, keys: &[KeyId]) -> Result<(), KeyError> {
        let mut slots: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for key in keys {
            let slot = usize::try_from(key.0 % BLOCK_KEYS).unwrap_or_default();
            slots.entry(key.0 / BLOCK_KEYS).or_default().push(slot);
        }
        for (block, slots) in slots {
            while !self.destroy_in(block, &slots).await? {}
        }
        Ok(())
    }

    async fn destroy_in(&self, block: u64, slots: &[usize]) -> Result<bool, KeyError> {
        let Some(Some(old)) = self.0.store.load(&[block]).await?.pop() else {
            return Err(KeyError::Damaged(block));
        };
        let mut keys = self.0.wrapper.unwrap(block, &old)?;
        let before = keys.clone();
        for slot in slots {
            keys[slot * KEY_BYTES..(slot + 1) * KEY_BYTES].fill(0);
        }
        if *keys != *before && !self.0.store.replace(block, &old, self.0.wrapper.wrap(block, &keys)?).await? {
            return Ok(false);
        }
        self.0.cache.insert(block, Arc::new(keys));
        Ok(true)
    }

    /// How many keys wait to be used.
    pub fn ready(&self) -> usize {
        self.unused().len()
    }

    /// What is connected to the key store, for those who watch.
    pub fn connections(&self) -> Vec<Connections> {
        self.0.store.connections()
    }

    /// Up to where in the log the keys of what was erased are destroyed.
    pub async fn erased_to(&self) -> Result<Position, KeyError> {
        self.0.store.erased_to().await.map(Position::new)
    }

    /// Says that the keys of everything erased up to here are destroyed.
    pub async fn set_erased_to(&self, position: Position) -> Result<(), KeyError> {
        self.0.store.set_erased_to(position.get()).await
    }

    /// Blocks of keys as they are stored, for a backup.
    pub async fn blocks(&self, after: u64, limit: usize) -> Result<Vec<(u64, WrappedBlock)>, KeyError> {
        self.0.store.list(after, limit).await
    }

    /// Stores blocks of a backup, which must have been wrapped under the same secret.
    pub async fn put_back(&self, blocks: Vec<(u64, WrappedBlock)>) -> Result<(), KeyError> {
        for (number, wrapped) in &blocks {
            // the secret of a backup is checked by nothing else
            self.0.wrapper.unwrap(*number, wrapped).map_err(|_| KeyError::WrongSecret)?;
        }
        self.0.store.put_back(blocks).await
    }

    /// Forgets what is in memory of these keys, because another node destroyed them.
    pub fn forget(&self, keys: &[KeyId]) {
        for key in keys {
            self.0.cache.remove(&(key.0 / BLOCK_KEYS));
        }
    }
}
