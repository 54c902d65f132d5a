//! Drives a server with a number of connections and measures rate and latency.

use super::{Connection, Script};
use crate::error::BenchError;
use hdrhistogram::Histogram;
use std::net::SocketAddr;
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
    pub(crate) address: SocketAddr,
    pub(crate) script: Arc<Script>,
    pub(crate) pace: Pace,
    pub(crate) extent: Extent,
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
}

/// The plan of one connection.
struct Lane {
    connection: Connection,
    load: Load,
    number: usize,
    begin: Instant,
    tally: Arc<Mutex<Tally>>,
}

/// Runs the load to its end.
pub(crate) async fn drive(load: &Load) -> Result<Outcome, BenchError> {
    let latency = Histogram::new_with_bounds(100, 60_000_000_000, 3).expect("bounds in order, three digits");
    let tally = Arc::new(Mutex::new(Tally { answered: 0, latency }));
    let mut connections = Vec::with_capacity(load.script.len());
    for _ in 0..load.script.len() {
        connections.push(Connection::open(load.address).await?);
    }
    let begin = Instant::now();
    let mut lanes = JoinSet::new();
    for (number, connection) in connections.into_iter().enumerate() {
        lanes.spawn(Lane { connection, load: load.clone(), number, begin, tally: Arc::clone(&tally) }.run());
    }
    while let Some(done) = lanes.join_next().await {
        done.map_err(std::io::Error::other)??;
    }
    let tally =
        Arc::into_inner(tally).expect("all lanes have ended").into_inner().unwrap_or_else(PoisonError::into_inner);
    let measured = match load.extent {
        Extent::Time { measured, .. } => measured,
        Extent::Rounds(_) => begin.elapsed(),
    };
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 requests")]
    let rate = tally.latency.len() as f64 / measured.as_secs_f64();
    Ok(Outcome { answered: tally.answered, rate, latency: tally.latency })
}

impl Lane {
    async fn run(mut self) -> Result<(), BenchError> {
        let script = Arc::clone(&self.load.script);
        let script = &script[self.number];
        let (from, until, most) = match self.load.extent {
            Extent::Time { warm_up, measured } => {
                (self.begin + warm_up, Some(self.begin + warm_up + measured), usize::MAX)
            }
            Extent::Rounds(rounds) => (self.begin, None, rounds * script.len()),
        };
        for (asked, request) in script.iter().cycle().take(most).enumerate() {
            let start = self.wait_for_turn(asked).await;
            if until.is_some_and(|until| start >= until) {
                break;
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
        Ok(())
    }

    /// The time from which the latency of the next request counts.
    ///
    /// At a fixed rate that is the time it was due, however long the answer before it kept its connection busy: a stalled
    /// server is charged with every request it kept waiting. A connection that was free counts from its waking, for the
    /// timer's lateness (up to a millisecond) is not the server's.
    async fn wait_for_turn(&self, asked: usize) -> Instant {
        let Pace::Fixed(rate) = self.load.pace else { return Instant::now() };
        let turn = asked * self.load.script.len() + self.number;
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52 requests")]
        let due = self.begin + Duration::from_secs_f64(turn as f64 / rate);
        if Instant::now() >= due {
            return due;
        }
        tokio::time::sleep_until(due.into()).await;
        Instant::now()
    }
}
