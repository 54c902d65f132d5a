//! Drives a server with a number of connections and measures rate and latency.

use super::timer::Timer;
use super::{Connection, Script};
use crate::error::BenchError;
use hdrhistogram::Histogram;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// When each connection asks.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// As soon as the last answer is there: measures the rate.
    Closed,
    /// At times fixed beforehand, over all connections so many a second: measures latency without coordinated omission.
    Fixed(f64),
}

/// How much is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Extent {
    /// For a time, of which the first part is not measured.
    Time { warm_up: Duration, measured: Duration },
    /// Each connection's script so many times.
    Rounds(usize),
}

#[derive(Clone, Debug)]
pub(crate) struct Load {
    /// Where to: connections are spread over them in turn.
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) script: Arc<Script>,
    pub(crate) pace: Pace,
    pub(crate) extent: Extent,
    /// Set by whoever wants it to end before.
    pub(crate) stop: Arc<AtomicBool>,
}

/// What one run showed. Any answer but a 2xx ends a run with an error.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// All requests answered, those of the warm-up and of the end too.
    pub(crate) answered: u64,
    /// Requests answered in the measured time, a second.
    pub(crate) rate: f64,
    /// Nanoseconds from the request to its answer, in the measured time.
    pub(crate) latency: Histogram<u64>,
}

struct Tally {
    answered: u64,
    latency: Histogram<u64>,
    /// When a connection had nothing more to send, before the time was over.
    ran_out: Option<Instant>,
}

/// The plan of one connection.
struct Lane {
    connection: Connection,
    load: Load,
    number: usize,
    begin: Instant,
    timer: Timer,
    /// How late the last waking was. What was due after it counts that much later, until the connection is free again.
    late: Duration,
    tally: Arc<Mutex<Tally>>,
}

/// Counts nanoseconds, up to a minute, in three digits.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(100, 60_000_000_000, 3).expect("bounds in order, three digits")
}

/// Runs the load to its end.
pub(crate) async fn drive(load: &Load) -> Result<Outcome, BenchError> {
    let tally = Arc::new(Mutex::new(Tally { answered: 0, latency: histogram(), ran_out: None }));
    let mut connections = Vec::with_capacity(load.script.connections());
    for address in load.addresses.iter().cycle().take(load.script.connections()) {
        connections.push(Connection::open(*address).await?);
    }
    let begin = Instant::now();
    let mut lanes = JoinSet::new();
    for (number, connection) in connections.into_iter().enumerate() {
        let (load, timer, tally) = (load.clone(), Timer::new()?, Arc::clone(&tally));
        lanes.spawn(Lane { connection, load, number, begin, timer, late: Duration::ZERO, tally }.run());
    }
    while let Some(done) = lanes.join_next().await {
        done.map_err(std::io::Error::other)??;
    }
    let tally =
        Arc::into_inner(tally).expect("all lanes have ended").into_inner().unwrap_or_else(PoisonError::into_inner);
    let measured = match load.extent {
        Extent::Time { warm_up, measured } => match tally.ran_out {
            None => measured,
            Some(end) => end
                .checked_duration_since(begin + warm_up)
                .filter(|measured| !measured.is_zero())
                .ok_or_else(|| BenchError::Check("the requests made beforehand did not outlast the warm-up".into()))?,
        },
        Extent::Rounds(_) => begin.elapsed(),
    };
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 requests")]
    let rate = tally.latency.len() as f64 / measured.as_secs_f64();
    Ok(Outcome { answered: tally.answered, rate, latency: tally.latency })
}

impl Lane {
    async fn run(mut self) -> Result<(), BenchError> {
        let script = Arc::clone(&self.load.script);
        let (from, until, rounds) = match self.load.extent {
            Extent::Time { warm_up, measured } => (self.begin + warm_up, Some(self.begin + warm_up + measured), None),
            Extent::Rounds(rounds) => (self.begin, None, Some(rounds)),
        };
        for (asked, request) in script.of(self.number, rounds).enumerate() {
            let start = self.wait_for_turn(asked).await?;
            if until.is_some_and(|until| start >= until) || self.load.stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            let answer = self.connection.exchange(request).await?;
            if !answer.is_success() {
                return Err(answer.unexpected(request));
            }
            let end = Instant::now();
            let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
            tally.answered += 1;
            if end >= from && until.is_none_or(|until| end < until || matches!(self.load.pace, Pace::Fixed(_))) {
                tally.latency.saturating_record(u64::try_from((end - start).as_nanos()).unwrap_or(u64::MAX));
            }
        }
        if until.is_some() {
            // with one connection less it would be another load
            self.load.stop.store(true, Ordering::Relaxed);
            let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
            tally.ran_out.get_or_insert_with(Instant::now);
        }
        Ok(())
    }

    /// Waits until the next request may go; answers the time from which its latency counts.
    ///
    /// At a fixed rate that is the time it was due, however long the answer before it kept its connection busy: a stalled
    /// server is charged with every request it kept waiting. It is not charged with the lateness of the generator's timer.
    async fn wait_for_turn(&mut self, asked: usize) -> Result<Instant, BenchError> {
        let Pace::Fixed(rate) = self.load.pace else { return Ok(Instant::now()) };
        let turn = asked * self.load.script.connections() + self.number;
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52 requests")]
        let due = self.begin + Duration::from_secs_f64(turn as f64 / rate);
        if Instant::now() < due {
            self.timer.until(due).await?;
            self.late = due.elapsed();
        }
        Ok((due + self.late).min(Instant::now()))
    }
}
