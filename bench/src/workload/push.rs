//! Live push: from the moment a message is due to be sent until all who listen to its conversation have it.
//!
//! One sender at a slow, fixed rate, by itself and beside closed-loop senders into other conversations. A message carries its number,
//! by which listeners know when it was due: what kept it from being sent in time counts too, but for the generator's own timer.

use super::http::{Side, WARM_UP, latency};
use super::progress;
use super::stream::{PATIENCE, Stream, said};
use crate::error::BenchError;
use crate::load::{Connection, Extent, Load, Outcome, Pace, Timer, drive, histogram};
use crate::options::Options;
use crate::report::{Push, Pushed};
use crate::target::{Audience, Target, Work, dataset};
use hdrhistogram::Histogram;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Messages a second.
const RATE: f64 = 200.0;
/// Connections that take turns at sending them: one that waits for its answer keeps no other back.
const SENDERS: usize = 4;
/// The least that a measurement takes: a thousand messages, so that ten are above the p99.
const SECONDS: u16 = 5;
/// Closed-loop senders beside them.
const BESIDE: [usize; 2] = [0, 64];

/// Measures both sides in turns.
pub(super) async fn measure<A: Target, B: Target>(
    options: &Options,
    a: &mut Side<A>,
    b: &mut Side<B>,
) -> Result<Vec<Push>, BenchError> {
    let seconds = if options.quick { options.seconds } else { options.seconds.max(SECONDS) };
    let mut pushes = Vec::new();
    for beside in BESIDE {
        let mut push = Push::beside(beside);
        for run in 1..=options.runs {
            progress(&format!("push, beside {beside} senders: run {run} of {}", options.runs))?;
            push.a.push(once(a, beside, seconds).await?);
            push.b.push(once(b, beside, seconds).await?);
        }
        pushes.push(push);
    }
    Ok(pushes)
}

/// What listeners and senders share.
struct Seen {
    begin: Instant,
    /// Nanoseconds after the beginning from which each message counts.
    from: Vec<AtomicU64>,
    /// How many have seen each.
    by: Vec<AtomicUsize>,
    listeners: usize,
    latency: Mutex<Histogram<u64>>,
}

async fn once<T: Target>(side: &mut Side<T>, beside: usize, seconds: u16) -> Result<Pushed, BenchError> {
    let Audience { listen, send } = side.target.audience().await?;
    let address = side.target.addresses()[0];
    let script = Arc::new(dataset::script(&mut side.target, Work::Send, beside, 0).await?);
    side.target.rest().await?;
    let stop: Arc<AtomicBool> = Arc::default();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some thousands")]
    let messages = (f64::from(seconds) * RATE) as usize;
    let before = side.target.usage()?;
    let load = Load {
        addresses: vec![address],
        script,
        pace: Pace::Closed,
        extent: Extent::Time {
            warm_up: Duration::ZERO,
            measured: WARM_UP + Duration::from_secs(seconds.into()) + PATIENCE,
        },
        stop: Arc::clone(&stop),
    };
    let (load, pushed) = tokio::join!(drive(&load), push(address, &listen, &send, messages, &stop));
    let (Outcome { answered, .. }, (latency_of_all, sending)) = (load?, pushed?);
    side.acknowledged.messages += answered + messages as u64;
    side.target.caught_up().await?;
    side.target.rest().await?;
    let after = side.target.usage()?;
    let milliseconds = |quantile| latency(&latency_of_all, quantile);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 requests")]
    let sends = (answered + messages as u64) as f64;
    Ok(Pushed {
        messages: messages as u64,
        listeners: listen.len(),
        p50_ms: milliseconds(0.5),
        p99_ms: milliseconds(0.99),
        max_ms: milliseconds(1.0),
        sent_per_second: sends / sending.as_secs_f64(),
        cpu_us_each: (after.cpu_seconds - before.cpu_seconds) * 1e6 / sends,
        peak_bytes: after.peak_bytes,
    })
}

/// Sends the messages and waits until every listener has every one of them, once and in order; then stops the load beside it.
async fn push(
    address: SocketAddr,
    listen: &[Vec<u8>],
    send: &[u8],
    messages: usize,
    stop: &AtomicBool,
) -> Result<(Histogram<u64>, Duration), BenchError> {
    let pushed = listened(address, listen, send, messages).await;
    // also where it failed, or the load would go on
    stop.store(true, Ordering::Relaxed);
    pushed
}

async fn listened(
    address: SocketAddr,
    listen: &[Vec<u8>],
    send: &[u8],
    messages: usize,
) -> Result<(Histogram<u64>, Duration), BenchError> {
    let mut streams = Vec::with_capacity(listen.len());
    for request in listen {
        streams.push(Stream::open(address, request).await?);
    }
    let seen = Arc::new(Seen {
        begin: Instant::now() + WARM_UP,
        from: (0..messages).map(|_| AtomicU64::new(0)).collect(),
        by: (0..messages).map(|_| AtomicUsize::new(0)).collect(),
        listeners: listen.len(),
        latency: Mutex::new(histogram()),
    });
    let mut tasks = JoinSet::new();
    for stream in streams {
        tasks.spawn(listen_to_all(stream, Arc::clone(&seen)));
    }
    for nth in 0..SENDERS {
        tasks.spawn(send_in_time(address, send.to_vec(), nth, Arc::clone(&seen)));
    }
    let begun = Instant::now();
    let every = async {
        while let Some(done) = tasks.join_next().await {
            done.map_err(std::io::Error::other)??;
        }
        Ok::<_, BenchError>(())
    };
    let limit = PATIENCE + seen.begin.duration_since(begun);
    timeout(limit, every).await.map_err(|_| BenchError::Check("push: not all was seen in a minute".into()))??;
    let latency = seen.latency.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok((latency, begun.elapsed()))
}

async fn listen_to_all(mut stream: Stream, seen: Arc<Seen>) -> Result<(), BenchError> {
    let mut next = 0;
    while next < seen.by.len() {
        let event = stream.next().await?.ok_or(BenchError::Protocol("a live stream ended"))?;
        let Some(number) = said(&event).and_then(|body| body.parse::<usize>().ok()) else { continue };
        let Some(by) = seen.by.get(number) else { continue };
        // connections take turns, so the log may have another order than the numbers; each comes once
        next += 1;
        if by.fetch_add(1, Ordering::Relaxed) + 1 == seen.listeners {
            let from = seen.begin + Duration::from_nanos(seen.from[number].load(Ordering::Relaxed));
            let took = u64::try_from(from.elapsed().as_nanos()).unwrap_or(u64::MAX);
            seen.latency.lock().unwrap_or_else(PoisonError::into_inner).saturating_record(took);
        }
    }
    Ok(())
}

/// Every so manieth message, each at its time.
async fn send_in_time(address: SocketAddr, send: Vec<u8>, nth: usize, seen: Arc<Seen>) -> Result<(), BenchError> {
    let (mut connection, timer) = (Connection::open(address).await?, Timer::new()?);
    let mut late = Duration::ZERO;
    for number in (nth..seen.from.len()).step_by(SENDERS) {
        #[expect(clippy::cast_precision_loss, reason = "some thousands")]
        let due = seen.begin + Duration::from_secs_f64(number as f64 / RATE);
        if Instant::now() < due {
            timer.until(due).await?;
            late = due.elapsed();
        }
        let from = (due + late).min(Instant::now()) - seen.begin;
        seen.from[number].store(u64::try_from(from.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        let request = Audience::saying(&send, number);
        let answer = connection.exchange(&request).await?;
        if !answer.is_success() {
            return Err(answer.unexpected(&request));
        }
    }
    Ok(())
}
