//! Live push: thousands of connections that nothing happens on, and some on which much does.
//!
//! Everything comes over loopback: 5,000 idle streams of a few people, 50 people who listen to one group, and 1,000 messages
//! a second into it, each of which all 50 must see, once and in order. A message carries the moment it was due at: what its sender
//! waited for counts too.

use super::progress;
use super::stream::{PATIENCE, Stream, field, said};
use crate::error::BenchError;
use crate::load::{Connection, get, post};
use crate::options::Options;
use crate::process::Server;
use crate::report::{Check, LiveFigures};
use crate::target::{Client, Place, program};
use hdrhistogram::Histogram;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::time::{sleep, sleep_until, timeout};

const IDLE: usize = 5_000;
/// Who the idle connections belong to.
const IDLE_PEOPLE: usize = 20;
const LISTENERS: usize = 50;
const SENDERS: usize = 10;
const RATE: u32 = 1_000;
/// Descriptors beside those of the idle connections.
const SPARE: u64 = 1_000;
const PASSWORD: &str = "correct horse battery staple";

/// Measures on a server of its own.
pub(crate) async fn measure(
    options: &Options,
    place: &Place,
    checks: &mut Vec<Check>,
) -> Result<LiveFigures, BenchError> {
    allow_descriptors(IDLE as u64 + SPARE)?;
    let dir = place.dir.join("live");
    let mut command = program(place, &dir);
    command.arg("serve").env("TIDINGS_MAX_CONNECTIONS", (IDLE + 1_000).to_string());
    let server = Server::start(command, &dir.with_extension("log")).await?;
    let mut client = Client::open(server.address).await?;
    progress("live: registering people")?;
    let mut tokens = Vec::new();
    let mut ids = Vec::new();
    for number in 0..IDLE_PEOPLE + LISTENERS {
        let body = json!({"username": format!("live{number:03}"), "password": PASSWORD});
        ids.push(client.ask(&post("/v1/users", None, &body)).await?.text("id")?);
        tokens.push(client.ask(&post("/v1/sessions", None, &body)).await?.text("access_token")?);
    }
    let (idle, listening) = tokens.split_at(IDLE_PEOPLE);
    let members: Vec<&String> = ids[IDLE_PEOPLE + 1..].iter().collect();
    let body = json!({"kind": "group", "name": "live", "members": members});
    let group = client.ask(&post("/v1/conversations", Some(&listening[0]), &body)).await?.text("id")?;
    server.rest().await?;
    let alone = server.usage()?.resident_bytes;

    progress(&format!("live: opening {IDLE} idle connections"))?;
    let mut open = Vec::with_capacity(IDLE);
    for number in 0..IDLE {
        open.push(Stream::open(server.address, &get("/v1/live", &idle[number % IDLE_PEOPLE])).await?);
    }
    server.rest().await?;
    let with_idle = server.usage()?.resident_bytes;

    let seconds = options.seconds.max(1);
    progress(&format!("live: {RATE} messages a second to {LISTENERS} listeners for {seconds} s"))?;
    let total = RATE * u32::from(seconds);
    let begun = Instant::now();
    let mut listeners = Vec::new();
    for token in listening {
        let stream = Stream::open(server.address, &get("/v1/live", token)).await?;
        listeners.push(tokio::spawn(listen(server.address, token.clone(), stream, total, begun)));
    }
    let used = server.usage()?.cpu_seconds;
    let started = Instant::now();
    let senders: Vec<_> = (0..SENDERS)
        .map(|nth| tokio::spawn(send(server.address, listening[0].clone(), group.clone(), nth, total, begun)))
        .collect();
    for sender in senders {
        sender.await.map_err(broken)??;
    }
    let sending = started.elapsed();
    let mut seen = Histogram::<u64>::new(3).map_err(|error| BenchError::Check(error.to_string()))?;
    let mut resumed = 0;
    for listener in listeners {
        let (latency, again) = timeout(PATIENCE, listener)
            .await
            .map_err(|_| BenchError::Check("live: not everything was seen in a minute".into()))?
            .map_err(broken)??;
        seen.add(latency).map_err(|error| BenchError::Check(error.to_string()))?;
        resumed += again;
    }
    let after = server.usage()?;
    // the idle ones are still open, and heard nothing but that they are
    let mut alive = 0;
    for stream in &mut open {
        alive += usize::from(stream.is_open());
    }
    let pushes = u64::from(total) * LISTENERS as u64;
    if seen.len() != pushes || alive != IDLE {
        return Err(BenchError::Check(format!("live: {} of {pushes} pushes seen, {alive} idle open", seen.len())));
    }
    checks.push(Check {
        what: format!("live: {pushes} pushes seen, each once and in order; {alive} idle connections open"),
    });
    drop(open);
    server.stop().await?;
    Ok(LiveFigures {
        idle: IDLE,
        listeners: LISTENERS,
        sent: u64::from(total),
        sent_per_second: f64::from(total) / sending.as_secs_f64(),
        resumed,
        seen_p50_ms: super::http::latency(&seen, 0.5),
        seen_p99_ms: super::http::latency(&seen, 0.99),
        seen_max_ms: super::http::latency(&seen, 1.0),
        cpu_seconds: after.cpu_seconds - used,
        resident_alone: alone,
        resident_with_idle: with_idle,
        resident_after: after.resident_bytes,
        peak: after.peak_bytes,
    })
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn broken(error: tokio::task::JoinError) -> BenchError {
    BenchError::Check(error.to_string())
}

/// For this process, and for the server, which inherits it.
fn allow_descriptors(wanted: u64) -> Result<(), BenchError> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    if maximum.is_some_and(|maximum| maximum < wanted) {
        return Err(BenchError::Check(format!(
            "live: {wanted} open files are needed, and the system allows {maximum:?}"
        )));
    }
    setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }).map_err(std::io::Error::from)?;
    Ok(())
}

/// Listens until everything was seen, and goes on where it was when it is cut off. How long each message took from its
/// sender to here, and how often it was cut off.
async fn listen(
    address: SocketAddr,
    token: String,
    mut stream: Stream,
    total: u32,
    begun: Instant,
) -> Result<(Histogram<u64>, u64), BenchError> {
    let mut latency = Histogram::<u64>::new(3).map_err(|error| BenchError::Check(error.to_string()))?;
    let (mut last, mut resumed) = (0_u64, 0);
    while latency.len() < u64::from(total) {
        let Some(block) = stream.next().await? else {
            resumed += 1;
            stream = Stream::open(address, &get(&format!("/v1/live?after={last}"), &token)).await?;
            continue;
        };
        if field(&block, "event:") != Some("message") {
            continue;
        }
        let position: u64 = field(&block, "id:").and_then(|id| id.parse().ok()).unwrap_or(0);
        if position <= last {
            return Err(BenchError::Check(format!("live: {position} came after {last}")));
        }
        last = position;
        let sent = said(&block).and_then(|sent| sent.trim().parse().ok()).map(Duration::from_nanos);
        let sent = sent.ok_or(BenchError::Protocol("a message without its time"))?;
        let took = begun.elapsed().saturating_sub(sent).as_nanos();
        latency
            .record(u64::try_from(took).unwrap_or(u64::MAX))
            .map_err(|error| BenchError::Check(error.to_string()))?;
    }
    Ok((latency, resumed))
}

/// Sends its part of the messages, each when its time has come.
async fn send(
    address: SocketAddr,
    token: String,
    group: String,
    nth: usize,
    total: u32,
    begun: Instant,
) -> Result<(), BenchError> {
    let mut connection = Connection::open(address).await?;
    let path = format!("/v1/conversations/{group}/messages");
    let start = begun.elapsed();
    let senders = u32::try_from(SENDERS).unwrap_or(1);
    for number in (u32::try_from(nth).unwrap_or(0)..total).step_by(SENDERS) {
        let due = start + Duration::from_secs(1) * number / RATE;
        sleep_until((begun + due).into()).await;
        let body = json!({"body": due.as_nanos().to_string()});
        let request = post(&path, Some(&token), &body);
        let answer = connection.exchange(&request).await?;
        if !answer.is_success() {
            return Err(answer.unexpected(&request));
        }
    }
    // the others may still be at it
    sleep(Duration::from_millis(senders.into())).await;
    Ok(())
}
