//! Rebuilds beside traffic: every view of a long log is built anew while 2,000 requests a second are answered.
//!
//! The requests are mixed, come at times fixed beforehand and count from then on. Each must be answered with a success: any other
//! answer ends the benchmark. The same traffic before the rebuilds is what theirs is compared with, and in the end all views are
//! compared with the log.

use super::http::{WARM_UP, latency};
use super::{offline, progress};
use crate::error::BenchError;
use crate::load::{Extent, Load, Outcome, Pace, drive, get, post};
use crate::options::Options;
use crate::process::finish;
use crate::report::{Check, RebuildFigures, Rebuilt, Traffic};
use crate::target::{Client, Place, Target as _, Tidings, Work, dataset, program, username};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Requests a second.
const RATE: f64 = 2_000.0;
const CONNECTIONS: usize = 64;
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// An access token lives five minutes, and is three minutes old at most when the traffic begins.
const LONGEST: Duration = Duration::from_secs(110);
const PROJECTIONS: [&str; 3] = ["conversations", "directory", "search"];

/// Measures on a server of its own.
pub(crate) async fn measure(
    options: &Options,
    place: &Place,
    checks: &mut Vec<Check>,
) -> Result<RebuildFigures, BenchError> {
    let dir = place.dir.join("rebuild");
    progress("rebuild: starting, and filling in the data set")?;
    let mut target = Tidings::start(place, &dir).await?;
    let mut grant = program(place, &dir);
    grant.args(["grant", &username(0), "operator"]);
    finish(grant, &place.dir.join("grant.log")).await?;
    fill(&mut target, options.events).await?;
    target.rest().await?;
    progress("rebuild: traffic alone")?;
    let seconds = Duration::from_secs(options.seconds.into());
    target.sign_in(dataset::USERS).await?;
    let before = traffic(&target, seconds, Arc::default()).await?;
    let mut figures = RebuildFigures {
        events: 0,
        rate: RATE,
        before: shown(&before),
        rebuilt: Vec::with_capacity(PROJECTIONS.len()),
    };
    for projection in PROJECTIONS {
        progress(&format!("rebuild: {projection} beside the traffic"))?;
        figures.rebuilt.push(rebuild(&mut target, projection).await?);
    }
    checks.push(Check {
        what: "rebuild: no request failed, before and beside the rebuilds; each new view served".into(),
    });
    figures.events = target.stop().await?.events;
    checks.push(offline::verify::<Tidings>(place, &dir).await?);
    Ok(figures)
}

/// Sends until the log has so many events.
async fn fill(target: &mut Tidings, events: u64) -> Result<(), BenchError> {
    let mut client = Client::open(target.addresses()[0]).await?;
    loop {
        target.sign_in(dataset::USERS).await?;
        let head = status(&mut client, target, PROJECTIONS[0]).await?["head"].as_u64().unwrap_or(0);
        progress(&format!("rebuild: {head} of {events} events"))?;
        if head >= events {
            return target.caught_up().await;
        }
        let script = Arc::new(dataset::script(target, Work::Send, dataset::USERS, 0).await?);
        let rounds = usize::try_from(events - head).unwrap_or(usize::MAX).div_ceil(script.requests()).min(50);
        let extent = Extent::Rounds(rounds);
        let load = Load { addresses: target.addresses(), script, pace: Pace::Closed, extent, stop: Arc::default() };
        drive(&load).await?;
    }
}

async fn rebuild(target: &mut Tidings, projection: &'static str) -> Result<Rebuilt, BenchError> {
    target.sign_in(dataset::USERS).await?;
    let mut client = Client::open(target.addresses()[0]).await?;
    let token = target.access_token(0).to_owned();
    let before = status(&mut client, target, projection).await?["generation"].as_u64();
    let stop = Arc::new(AtomicBool::new(false));
    let watch = async {
        sleep(WARM_UP).await;
        let begun = Instant::now();
        let path = format!("/v1/admin/projections/{projection}/rebuild");
        client.ask(&post(&path, Some(&token), &json!({}))).await?;
        while begun.elapsed() < LONGEST {
            sleep(LOOK_EVERY).await;
            let now = of(&client.ask(&get("/v1/admin/projections", &token)).await?.body, projection)?;
            if now["generation"].as_u64() > before {
                stop.store(true, Ordering::Relaxed);
                return Ok(begun.elapsed());
            }
            if !now["failure"].is_null() {
                return Err(BenchError::Check(format!("rebuild: {now}")));
            }
        }
        Err(BenchError::Check(format!("rebuild: {projection} took longer than {} s", LONGEST.as_secs())))
    };
    let beside = traffic(target, LONGEST, stop.clone());
    let (took, outcome) = tokio::try_join!(watch, beside)?;
    Ok(Rebuilt { projection, seconds: took.as_secs_f64(), traffic: shown(&outcome) })
}

/// The mixed traffic of users who have signed in, for a time or until it is stopped.
async fn traffic(target: &Tidings, measured: Duration, stop: Arc<AtomicBool>) -> Result<Outcome, BenchError> {
    let script = Arc::new(dataset::mixed(target, CONNECTIONS));
    let extent = Extent::Time { warm_up: WARM_UP, measured };
    drive(&Load { addresses: target.addresses(), script, pace: Pace::Fixed(RATE), extent, stop }).await
}

async fn status(client: &mut Client, target: &Tidings, projection: &str) -> Result<Value, BenchError> {
    of(&client.ask(&get("/v1/admin/projections", target.access_token(0))).await?.body, projection)
}

fn of(listed: &Value, projection: &str) -> Result<Value, BenchError> {
    let items = listed["items"].as_array().cloned().unwrap_or_default();
    let found = items.into_iter().find(|item| item["name"] == projection);
    found.ok_or_else(|| BenchError::Check(format!("{projection} is not listed: {listed}")))
}

fn shown(outcome: &Outcome) -> Traffic {
    let milliseconds = |quantile| latency(&outcome.latency, quantile);
    Traffic {
        requests: outcome.answered,
        p50_ms: milliseconds(0.5),
        p99_ms: milliseconds(0.99),
        p999_ms: milliseconds(0.999),
        max_ms: milliseconds(1.0),
    }
}
