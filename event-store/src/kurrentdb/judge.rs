//! Whether a command was carried out before, for ever and on any node, though KurrentDB keeps nothing unique.
//!
//! A command's events stand in one stream. Whoever appends it says which version the stream has; the server refuses when
//! that is wrong. So it is enough to know every command in the stream up to that version, and the node knows them when its
//! index has come so far: because it followed the log to there, or because it appended those events itself.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use quick_cache::sync::Cache;
use tidings_domain::StreamName;
use tokio::{sync::watch, time::timeout};

use super::{FOLLOWED_WITHIN, client::Client, index::Reader, stored::Stored};
use crate::port::{Appended, CommandId, CommandRecord, NewEvent, Position, StoreError, StreamAppend};

/// Streams whose indexed version is remembered.
const REMEMBERED_STREAMS: usize = 100_000;

#[derive(Debug)]
pub(super) struct Judge {
    client: Client,
    index: Reader,
    followed: watch::Receiver<Position>,
    /// What this node appended and the follower has not brought back yet.
    ahead: Mutex<HashMap<CommandId, Position>>,
    /// All commands of a stream up to this version are in the index or ahead of it.
    known: Cache<StreamName, u64>,
    /// Questions for the head that were asked so far.
    asked: AtomicU64,
    /// The newest answer, and how many questions were asked before it was fetched.
    answered: tokio::sync::Mutex<(u64, Position)>,
}

impl Judge {
    pub(super) fn new(client: Client, index: Reader, followed: watch::Receiver<Position>) -> Self {
        Self {
            client,
            index,
            followed,
            ahead: Mutex::default(),
            known: Cache::new(REMEMBERED_STREAMS),
            asked: AtomicU64::new(0),
            answered: tokio::sync::Mutex::new((0, Position::START)),
        }
    }

    fn ahead(&self) -> MutexGuard<'_, HashMap<CommandId, Position>> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The head as it was at some moment after the call. One question to the server serves all who wait for it.
    pub(super) async fn fresh_head(&self) -> Result<Position, StoreError> {
        let mine = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let mut answered = self.answered.lock().await;
        if answered.0 < mine {
            let covers = self.asked.load(Ordering::SeqCst);
            let head = self.client.head().await?;
            *answered = (covers, head.max(*self.followed.borrow()));
        }
        Ok(answered.1)
    }

    /// Waits until the index holds everything that is in the log now.
    async fn catch_up(&self) -> Result<(), StoreError> {
        let head = self.fresh_head().await?;
        let mut followed = self.followed.clone();
        let late = || StoreError::Unavailable("the commands in the log cannot be followed".to_owned());
        match timeout(FOLLOWED_WITHIN, followed.wait_for(|at| *at >= head)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(late()),
        }
    }

    /// Where these commands stand, if anybody carried them out before this was called.
    pub(super) async fn find(&self, ids: &[CommandId]) -> Result<Vec<Option<CommandRecord>>, StoreError> {
        self.catch_up().await?;
        self.index.find(ids)
    }

    /// Makes sure that every command in the stream up to the append's version is known.
    pub(super) async fn prepare(&self, append: &StreamAppend) -> Result<(), StoreError> {
        let version = append.expected_version;
        let keyed = append.events.iter().any(|event| event.command.is_some());
        if !keyed || version == 0 || self.known.get(&append.stream).is_some_and(|known| known >= version) {
            return Ok(());
        }
        self.catch_up().await
    }

    /// The first command of these events that was carried out before, or that is in them twice.
    pub(super) fn repeated(&self, events: &[NewEvent]) -> Result<Option<CommandId>, StoreError> {
        let ids: Vec<CommandId> = events.iter().filter_map(|event| Some(event.command?.id)).collect();
        if ids.is_empty() {
            return Ok(None);
        }
        // first what is ahead: what leaves it is in the index by then
        let ahead: Vec<bool> = {
            let ahead = self.ahead();
            ids.iter().map(|id| ahead.contains_key(id)).collect()
        };
        let indexed = self.index.find(&ids)?;
        let twice = |nth: usize| ids[..nth].contains(&ids[nth]);
        Ok((0..ids.len()).find(|&nth| ahead[nth] || indexed[nth].is_some() || twice(nth)).map(|nth| ids[nth]))
    }

    /// Notes what this node has appended.
    pub(super) fn appended(&self, append: &StreamAppend, appended: Appended) {
        let mut ahead = self.ahead();
        for key in append.events.iter().filter_map(|event| event.command) {
            ahead.insert(key.id, appended.position);
        }
        drop(ahead);
        let before = append.expected_version;
        if before == 0 || self.known.get(&append.stream).is_some_and(|known| known >= before) {
            self.know(&append.stream, appended.version);
        }
    }

    /// Notes what is in the index now. Every event of a stream comes, and in order.
    pub(super) fn indexed(&self, events: &[Stored]) {
        for Stored { event, .. } in events {
            self.know(&event.stream, event.version);
        }
        if let Some(last) = events.last() {
            self.ahead().retain(|_, position| *position > last.event.position);
        }
    }

    fn know(&self, stream: &StreamName, version: u64) {
        if self.known.get(stream).is_none_or(|known| known < version) {
            self.known.insert(stream.clone(), version);
        }
    }
}
