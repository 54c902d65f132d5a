//! Failed sign-ins: who has to wait, and for how long (ADR 0014).
//!
//! An attempt comes from a device that has signed in to the account before, which shows so by a token, or else from an
//! address. Each pair of name and source has its own count, and no attempt waits for more than its own pair's failures call
//! for; those of strangers, to the same name from elsewhere, only make them weigh more. So nobody is refused because of
//! what others did, but at an address that has failed with many names, and from which they have never signed in.
//!
//! What failed is told to the log in steps, each a quarter of what is there: what strangers can make the log hold grows
//! with the logarithm of what they try. In between it is remembered here, for a bounded number of counts. A name that
//! nobody has is treated like any other.

use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use quick_cache::{UnitWeighter, unsync::Cache};
use secrecy::SecretString;
use tidings_domain::{
    SessionId, StreamId, Timestamp, UserId,
    attempts::{Attempts, AttemptsCommand, AttemptsRefusal},
};
use tokio::sync::{Mutex as Turn, MutexGuard, Semaphore, SemaphorePermit};

use crate::{Commands, Context, Error, Refusal};

/// Failures of one pair of name and source that cost nothing.
const FREE: u32 = 10;
/// Failures from one address, with whatever names, that cost nothing.
const FREE_OF_ADDRESS: u32 = 50;
/// So many failures of strangers weigh as much as one of one's own.
const STRANGERS_WEIGH: u32 = 10;
/// The first step that is told to the log.
const FIRST_STEP: u32 = 5;
/// How many counts are remembered between two steps.
const MOST_REMEMBERED: u64 = 20_000;
/// How many there are on a quiet day: what the memory's own books are sized for.
const LIKELY_REMEMBERED: usize = 128;
/// How many attempts may wait for others of the same pair.
const MOST_WAITING: usize = 1_024;

/// Where an attempt comes from.
#[derive(Debug, Clone, Default)]
pub struct Whence {
    /// The address, or the network that counts as one. None where nothing is limited.
    pub address: Option<IpAddr>,
    /// What [`Commands::device_token`] gave the device the last time it signed in.
    pub device: Option<SecretString>,
}

/// The name of a count.
type Count = [u8; 32];

/// What failed since the last step.
#[derive(Debug, Clone, Copy, Default)]
struct Lately {
    more: u32,
    at: Timestamp,
}

pub(crate) struct Guard {
    lately: Mutex<Cache<Count, Lately>>,
    turns: Turns,
    /// Of attempts within attempts: whoever has a turn of the others may wait for one of these, and never the other way.
    inner_turns: Turns,
    waiting: Semaphore,
}

type Turns = [Turn<()>; 256];

impl Default for Guard {
    fn default() -> Self {
        Self {
            lately: Mutex::new(Cache::with_weighter(LIKELY_REMEMBERED, MOST_REMEMBERED, UnitWeighter)),
            turns: std::array::from_fn(|_| Turn::new(())),
            inner_turns: std::array::from_fn(|_| Turn::new(())),
            waiting: Semaphore::new(MOST_WAITING),
        }
    }
}

impl Guard {
    /// Attempts of one pair come one after the other: each sees what became of the one before. Those of some other pairs wait
    /// with them.
    async fn turn<'a>(
        &'a self,
        turns: &'a Turns,
        pair: &Count,
    ) -> Result<(MutexGuard<'a, ()>, SemaphorePermit<'a>), Error> {
        let waiting = self.waiting.try_acquire().map_err(|_| Error::HashingBusy)?;
        Ok((turns[usize::from(pair[0])].lock().await, waiting))
    }

    fn lately(&self, count: &Count) -> Lately {
        self.lately.lock().unwrap_or_else(PoisonError::into_inner).get(count).copied().unwrap_or_default()
    }

    /// Counts one more; all that was counted since the last step, if it is time for the next. `logged` are in the log.
    fn one_more(&self, count: Count, logged: u32, at: Timestamp) -> Option<u32> {
        let mut all = self.lately.lock().unwrap_or_else(PoisonError::into_inner);
        let more = all.get(&count).map_or(0, |lately| lately.more) + 1;
        let step = if logged < FIRST_STEP { FIRST_STEP - logged } else { logged / 4 };
        if more >= step {
            all.remove(&count);
            return Some(more);
        }
        all.insert(count, Lately { more, at });
        None
    }

    fn forget(&self, count: &Count) {
        self.lately.lock().unwrap_or_else(PoisonError::into_inner).remove(count);
    }
}

/// An attempt that may be made. Whoever begins one says how it ended; one that is dropped counts as not made.
pub(crate) struct Attempt<'a> {
    commands: &'a Commands,
    pair: Count,
    /// To the name, and from the address, where those count.
    beside: Vec<Count>,
    known: bool,
    /// Whether a success has been noted, and no failure since.
    noted: bool,
    context: Context,
    _turn: (MutexGuard<'a, ()>, SemaphorePermit<'a>),
}

impl Attempt<'_> {
    /// Whether the device, or the address, is one that has signed in to this name before.
    pub(crate) const fn is_known(&self) -> bool {
        self.known
    }

    pub(crate) async fn failed(&self) -> Result<(), Error> {
        for count in [self.pair].iter().chain(&self.beside) {
            self.commands.note_failure(*count, &self.context).await?;
        }
        Ok(())
    }

    pub(crate) async fn succeeded(&self) -> Result<(), Error> {
        if self.noted {
            return Ok(());
        }
        self.commands.0.guard.forget(&self.pair);
        let command = AttemptsCommand::Succeed { at: self.context.now };
        self.commands.0.attempts.execute(StreamId::Attempts(self.pair), &command, &self.context).await.map(drop)
    }
}

impl Commands {
    /// Begins an attempt to sign in to a name that this account has, if any; an error when it comes too early. None where
    /// nothing is limited.
    pub(crate) async fn attempt(
        &self,
        name: &str,
        holder: Option<UserId>,
        from: &Whence,
        context: &Context,
    ) -> Result<Option<Attempt<'_>>, Error> {
        let Some(address) = from.address.map(address_bytes) else { return Ok(None) };
        let blinding = &self.0.blinding;
        let device = holder.zip(from.device.as_ref()).and_then(|(user, token)| blinding.device(user, token));
        let name = name.as_bytes();
        let (pair, beside) = if let Some(session) = &device {
            (blinding.count("device", &[name, session.as_bytes()]), vec![])
        } else {
            let beside = vec![blinding.count("name", &[name]), blinding.count("address", &[&address])];
            (blinding.count("pair", &[name, &address]), beside)
        };
        let turn = self.0.guard.turn(&self.0.guard.turns, &pair).await?;
        let now = context.now;
        let own = self.failures_of(&pair).await?;
        let known = device.is_some() || own.known;
        let beside = if known { vec![] } else { beside };
        let (mut extra, mut wait) = (0, 0);
        if let [of_name, of_address] = beside.as_slice() {
            let of_name = self.failures_of(of_name).await?.failures(now);
            extra = of_name.saturating_sub(own.failures(now)) / STRANGERS_WEIGH;
            wait = self.failures_of(of_address).await?.wait(FREE_OF_ADDRESS, 0, now);
        }
        let wait = wait.max(own.wait(FREE, extra, now));
        if wait > 0 {
            return Err(Error::TooManyAttempts { millis: wait });
        }
        let context = Context { actor: None, ..context.without_key() };
        let noted = own.known && own.failures(now) == 0;
        Ok(Some(Attempt { commands: self, pair, beside, known, noted, context, _turn: turn }))
    }

    /// Begins an attempt that is counted for an account rather than for a source.
    pub(crate) async fn attempt_at(&self, sort: &str, of: &[u8; 16], context: &Context) -> Result<Attempt<'_>, Error> {
        let pair = self.0.blinding.count(sort, &[of]);
        let turn = self.0.guard.turn(&self.0.guard.inner_turns, &pair).await?;
        let wait = self.failures_of(&pair).await?.wait(FREE, 0, context.now);
        if wait > 0 {
            return Err(Error::TooManyAttempts { millis: wait });
        }
        let context = Context { actor: None, ..context.without_key() };
        Ok(Attempt { commands: self, pair, beside: vec![], known: false, noted: false, context, _turn: turn })
    }

    /// What a device shows the next time so that it is known, whatever its address.
    pub fn device_token(&self, user: UserId, session: SessionId) -> SecretString {
        self.0.blinding.device_token(user, session)
    }

    /// What has failed, as far as it is in the log or was seen here.
    async fn failures_of(&self, count: &Count) -> Result<Attempts, Error> {
        let logged = self.0.attempts.peek(StreamId::Attempts(*count), |state| *state).await?;
        let lately = self.0.guard.lately(count);
        Ok(if lately.more == 0 { logged } else { logged.with(lately.more, lately.at) })
    }

    async fn note_failure(&self, count: Count, context: &Context) -> Result<(), Error> {
        let stream = StreamId::Attempts(count);
        let logged = self.0.attempts.peek(stream, |state| state.failures(context.now)).await?;
        if let Some(more) = self.0.guard.one_more(count, logged, context.now) {
            self.0.attempts.execute(stream, &AttemptsCommand::Fail { more, at: context.now }, context).await?;
        }
        Ok(())
    }
}

fn address_bytes(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

impl From<AttemptsRefusal> for Refusal {
    fn from(refusal: AttemptsRefusal) -> Self {
        match refusal {}
    }
}
