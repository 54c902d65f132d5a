//! Follows the log into the notary's tree, and signs it: off the path of every request, some events at a time.
//!
//! Where it is follows from what it has kept: it begins after the last entry of the newest signed tree, having looked whether
//! the log still has that entry. What it keeps can be lost; then it is made again from the log, and is the same.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tidings_event_store::{EventStore, Filter, InstallationSecret, Position, RecordedEvent, StoreError};
use tidings_notary::{Ledger, Signer, key::BadSeed, tiles::Broken};
use tokio::{
    sync::watch,
    task::spawn_blocking,
    time::{Instant, sleep, sleep_until},
};

use crate::notary::{Notary, Progress, Signed, entry};

/// Events read at once: no more than an embedded log is read for without others noticing.
const PAGE: usize = 1_000;
/// How long events are left to gather before they are read.
const GATHER: Duration = Duration::from_millis(100);
/// How often a head is signed, unless somebody waits for one.
const SIGN_EVERY: Duration = Duration::from_secs(1);
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why the process does not go on.
#[derive(Debug, thiserror::Error)]
enum Stopped {
    /// The log cannot be read at present.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is kept, or the log, is not what it was.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// The last event that was signed is not in the log any more.
    #[error("the log has not what was signed at position {0}: it was cut off or rewritten")]
    NotThere(u64),
    /// The work was cut off.
    #[error("the notary's work was cut off: {0}")]
    Cut(String),
    /// The log has ended.
    #[error("the event store has stopped")]
    Ended,
}

impl Stopped {
    /// Whether it may go better the next time.
    const fn is_passing(&self) -> bool {
        match self {
            Self::Store(_) | Self::Cut(_) | Self::Broken(Broken::Io(_)) => true,
            Self::NotThere(_) | Self::Ended | Self::Broken(Broken::Checkpoint(..) | Broken::Rewritten { .. }) => false,
        }
    }
}

/// The process, before it runs.
pub struct Notarizing {
    store: Arc<dyn EventStore>,
    notary: Notary,
    /// Kept to make the signer anew, which cannot be cloned.
    seed: zeroize::Zeroizing<[u8; 32]>,
    newest: watch::Sender<Option<String>>,
}

/// The notary's key is one of what the installation's secret gives: nodes of one installation have the same.
pub const KEY: &str = "tidings 2026 notary's Ed25519 key";

impl Notarizing {
    /// The process of this node, and what others ask.
    pub fn new(
        store: Arc<dyn EventStore>,
        secret: &InstallationSecret,
        data_dir: &std::path::Path,
    ) -> Result<(Self, Notary), BadSeed> {
        let seed = secret.derive(KEY);
        let notary = Notary::new(data_dir, &Signer::from_seed(&seed)?);
        Ok((Self { store, notary: notary.clone(), seed, newest: watch::Sender::default() }, notary))
    }

    /// The newest signed head, to be published elsewhere.
    pub fn newest(&self) -> watch::Receiver<Option<String>> {
        self.newest.subscribe()
    }

    /// Follows the log for ever.
    pub async fn run(self) {
        loop {
            match self.follow().await {
                Ok(()) | Err(Stopped::Ended) => return,
                Err(error) if error.is_passing() => {
                    tracing::warn!(%error, "the notary does not go on; trying again");
                    sleep(RETRY_AFTER).await;
                }
                Err(error) => {
                    tracing::error!(%error, "the notary signs no more");
                    metrics::gauge!("tidings_notary_refused").set(1);
                    return self.notary.refuse();
                }
            }
        }
    }

    async fn follow(&self) -> Result<(), Stopped> {
        metrics::gauge!("tidings_notary_refused").set(0);
        let signer = Signer::from_seed(&self.seed).map_err(|error| Stopped::Cut(error.to_string()))?;
        let tiles = self.notary.tiles().clone();
        let ledger = spawn_blocking(move || Ledger::open(tiles, signer)).await;
        let ledger = ledger.map_err(|error| Stopped::Cut(error.to_string()))??;
        self.find_last(&ledger).await?;
        let at = Position::new(ledger.last_position());
        let mut work = Work { by: self, ledger: Arc::new(Mutex::new(ledger)), at };
        work.tell().await?;
        let (mut head, mut due) = (self.store.watch_head(), None);
        loop {
            let at = work.at;
            let wanted = tokio::select! {
                () = self.notary.demanded() => true,
                () = until(due) => true,
                moved = async { head.wait_for(|head| *head > at).await.is_ok() } => {
                    if !moved {
                        return Err(Stopped::Ended);
                    }
                    tokio::select! {
                        () = self.notary.demanded() => true,
                        () = sleep(GATHER) => due.is_some_and(|due| due <= Instant::now()),
                    }
                }
            };
            work.read().await?;
            if wanted {
                work.sign().await?;
                due = None;
            } else {
                due = due.or_else(|| Some(Instant::now() + SIGN_EVERY));
            }
        }
    }

    /// Looks whether the log still has the last entry: one that was cut off or rewritten at its end is not gone on from.
    async fn find_last(&self, ledger: &Ledger) -> Result<(), Stopped> {
        let size = ledger.edge().size();
        let Some(leaf) = ledger.last_leaf().map_err(Broken::from)? else { return Ok(()) };
        let before = match size {
            0 | 1 => 0,
            _ => ledger.tiles().positions(size - 2, 1).map_err(Broken::from)?.first().copied().unwrap_or(0),
        };
        let page = self.store.read_all(Position::new(before), &Filter::All, 1).await?;
        let found = page.events.first().is_some_and(|event| entry(event).leaf_hash() == leaf);
        if found { Ok(()) } else { Err(Stopped::NotThere(ledger.last_position())) }
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

struct Work<'a> {
    by: &'a Notarizing,
    ledger: Arc<Mutex<Ledger>>,
    at: Position,
}

impl Work<'_> {
    /// Hashing and writing, beside the threads that requests run on.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Ledger) -> Result<T, Broken> + Send + 'static,
    ) -> Result<T, Stopped> {
        let ledger = Arc::clone(&self.ledger);
        let done = spawn_blocking(move || work(&mut ledger.lock().unwrap_or_else(PoisonError::into_inner)));
        Ok(done.await.map_err(|error| Stopped::Cut(error.to_string()))??)
    }

    /// Comes to the present end of the log.
    async fn read(&mut self) -> Result<(), Stopped> {
        loop {
            let page = self.by.store.read_all(self.at, &Filter::All, PAGE).await?;
            if page.scanned_to <= self.at {
                return Ok(());
            }
            self.with(move |ledger| {
                let leaf = |event: &Arc<RecordedEvent>| {
                    let entry = entry(event);
                    (entry.position, entry.leaf_hash())
                };
                ledger.append(&page.events.iter().map(leaf).collect::<Vec<_>>())
            })
            .await?;
            self.at = page.scanned_to;
        }
    }

    async fn sign(&self) -> Result<(), Stopped> {
        if let Some(checkpoint) = self.with(Ledger::sign).await? {
            self.by.newest.send_replace(Some(checkpoint.note));
        }
        self.tell().await
    }

    async fn tell(&self) -> Result<(), Stopped> {
        let signed = self.with(|ledger| {
            let whole = ledger.signed().filter(|signed| signed.head.size == ledger.edge().size());
            Ok(whole.map(|signed| Signed { checkpoint: signed.clone(), edge: ledger.edge().clone() }))
        });
        let signed = signed.await?.map(Arc::new);
        let size = signed.as_ref().map_or(0, |signed| signed.checkpoint.head.size);
        let lag = self.by.store.watch_head().borrow().get().saturating_sub(self.at.get());
        metrics::gauge!("tidings_notary_signed_entries").set(float(size));
        metrics::gauge!("tidings_notary_lag_positions").set(float(lag));
        self.by.notary.tell(Progress { signed, position: self.at, refused: false });
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "a measurement")]
const fn float(count: u64) -> f64 {
    count as f64
}
