//! How long it takes from the program's start until it serves, and what memory it holds at rest.

use super::progress;
use super::sides::Left;
use crate::error::BenchError;
use crate::load::{Connection, Timer, get};
use crate::options::Options;
use crate::process::Server;
use crate::report::{Start, Started};
use crate::target::{Place, Target};
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};
use tokio::process::Command;

/// How often is asked whether it serves: what a start is measured to.
const LOOK_EVERY: Duration = Duration::from_micros(200);
const PATIENCE: Duration = Duration::from_mins(1);

/// Starts both sides in turns, over nothing and over what they left.
pub(super) async fn measure<A: Target, B: Target>(
    options: &Options,
    place: &Place,
    a: &Left,
    b: &Left,
) -> Result<Vec<Start>, BenchError> {
    let mut empty = Start::empty();
    let mut full = Start::full(place.scale, a.events, b.events);
    for run in 1..=options.runs {
        progress(&format!("start, empty and with the log of this run: run {run} of {}", options.runs))?;
        empty.a.push(from_nothing::<A>(place, "a").await?);
        empty.b.push(from_nothing::<B>(place, "b").await?);
        full.a.push(start(place, |address| A::serve(place, &a.dir, address), Some(&a.read)).await?);
        full.b.push(start(place, |address| B::serve(place, &b.dir, address), Some(&b.read)).await?);
    }
    Ok(if place.scale == 1 { vec![empty, full] } else { vec![full] })
}

async fn from_nothing<T: Target>(place: &Place, side: &str) -> Result<Started, BenchError> {
    let dir = place.dir.join(format!("start-{side}"));
    let started = start(place, |address| T::serve(place, &dir, address), None).await?;
    std::fs::remove_dir_all(&dir)?;
    Ok(started)
}

/// Starts a server, asks it until it is ready and then for a page, waits until it rests, and ends it.
pub(crate) async fn start(
    place: &Place,
    serve: impl FnOnce(SocketAddr) -> Command,
    read: Option<&[u8]>,
) -> Result<Started, BenchError> {
    // nobody else takes it in the moment between: ports are given out in turn
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let begun = Instant::now();
    let server = Server::start_at(serve(address), address, &place.dir.join("start.log"))?;
    let mut connection = connect(address, begun).await?;
    answered(&mut connection, &get("/health/ready", ""), begun).await?;
    let ready = begun.elapsed();
    let read = match read {
        Some(read) => {
            answered(&mut connection, read, begun).await?;
            Some(begun.elapsed())
        }
        None => None,
    };
    server.rest().await?;
    let usage = server.usage()?;
    server.stop().await?;
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    Ok(Started {
        ready_ms: milliseconds(ready),
        read_ms: read.map(milliseconds),
        resident_bytes: usage.resident_bytes,
        cpu_ms: usage.cpu_seconds * 1e3,
    })
}

async fn connect(address: SocketAddr, begun: Instant) -> Result<Connection, BenchError> {
    let timer = Timer::new()?;
    loop {
        match Connection::open(address).await {
            Ok(connection) => return Ok(connection),
            Err(_) if begun.elapsed() < PATIENCE => timer.until(Instant::now() + LOOK_EVERY).await?,
            Err(error) => return Err(error),
        }
    }
}

async fn answered(connection: &mut Connection, request: &[u8], begun: Instant) -> Result<(), BenchError> {
    let timer = Timer::new()?;
    loop {
        let answer = connection.exchange(request).await?;
        match answer.status {
            200 => return Ok(()),
            503 if begun.elapsed() < PATIENCE => timer.until(Instant::now() + LOOK_EVERY).await?,
            _ => return Err(answer.unexpected(request)),
        }
    }
}
