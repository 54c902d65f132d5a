//! The reference: an ordinary table of messages, one INSERT for each, one transaction for each.

use super::server::Server;
use crate::error::BenchError;
use crate::load::histogram;
use crate::options::Options;
use crate::random::Random;
use crate::report::{Check, Measured, Run};
use crate::target::dataset::GROUPS;
use crate::workload::http::{WARM_UP, latency};
use hdrhistogram::Histogram;
use serde_json::json;
use sqlx::{Connection as _, Executor as _, PgConnection};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use uuid::Uuid;

const TABLE: &str = "CREATE TABLE messages (
    id uuid PRIMARY KEY,
    conversation integer NOT NULL,
    seq bigint NOT NULL,
    sender uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    body jsonb NOT NULL,
    UNIQUE (conversation, seq))";

const INSERT: &str =
    "INSERT INTO messages (id, conversation, seq, sender, body) VALUES ($1, $2, $3, $4, $5::text::jsonb)";

pub(crate) struct Inserts {
    url: String,
    measured: Duration,
    lanes: Vec<Lane>,
    /// The next `seq` of each conversation: known here, so that no row is read for it.
    next: Arc<Vec<AtomicI64>>,
    acknowledged: i64,
}

/// One connection and what it inserts.
struct Lane {
    connection: PgConnection,
    number: usize,
    next: Arc<Vec<AtomicI64>>,
}

struct Tally {
    answered: i64,
    latency: Histogram<u64>,
}

impl Inserts {
    /// Makes the table in a database of its own, and opens the connections.
    pub(crate) async fn prepare(server: &Server, options: &Options, connections: u16) -> Result<Self, BenchError> {
        server.cluster().sql("postgres", "CREATE DATABASE plain");
        let url = server.cluster().url("plain");
        PgConnection::connect(&url).await?.execute(TABLE).await?;
        let next: Arc<Vec<AtomicI64>> = Arc::new((0..GROUPS).map(|_| AtomicI64::new(1)).collect());
        let mut lanes = Vec::with_capacity(connections.into());
        for number in 0..usize::from(connections) {
            lanes.push(Lane { connection: PgConnection::connect(&url).await?, number, next: Arc::clone(&next) });
        }
        Ok(Self { url, measured: Duration::from_secs(options.seconds.into()), lanes, next, acknowledged: 0 })
    }

    /// Inserts at so many connections for the measured time.
    pub(crate) async fn run(
        &mut self,
        connections: u16,
        server: &Server,
        shown: &mut Measured,
    ) -> Result<(), BenchError> {
        let before = server.cpu_seconds()?;
        let from = Instant::now() + WARM_UP;
        let until = from + self.measured;
        let rest = self.lanes.split_off(connections.into());
        let mut running = JoinSet::new();
        for lane in self.lanes.drain(..) {
            running.spawn(lane.insert(from, until));
        }
        self.lanes = rest;
        let mut sum = Tally { answered: 0, latency: histogram() };
        while let Some(done) = running.join_next().await {
            let (lane, tally) = done.map_err(std::io::Error::other)??;
            self.lanes.push(lane);
            sum.answered += tally.answered;
            sum.latency.add(tally.latency).map_err(|error| BenchError::Check(error.to_string()))?;
        }
        self.acknowledged += sum.answered;
        let at = |quantile| Some(latency(&sum.latency, quantile));
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52 requests")]
        let measured = sum.latency.len() as f64;
        let run = Run {
            rate: measured / self.measured.as_secs_f64(),
            p50_ms: at(0.5),
            p99_ms: at(0.99),
            p999_ms: at(0.999),
            max_ms: at(1.0),
            requests: sum.answered.cast_unsigned(),
            ..Run::default()
        };
        shown.add(run, server.cpu_seconds()? - before);
        Ok(())
    }

    /// Every acknowledged row is there.
    pub(crate) async fn count(&self) -> Result<Check, BenchError> {
        let mut connection = PgConnection::connect(&self.url).await?;
        let found: i64 = sqlx::query_scalar("SELECT count(*) FROM messages").fetch_one(&mut connection).await?;
        let what = format!("{} rows acknowledged, {found} found", self.acknowledged);
        let given: i64 = self.next.iter().map(|next| next.load(Ordering::Relaxed) - 1).sum();
        let whole = found == self.acknowledged && given == found;
        if whole { Ok(Check { what }) } else { Err(BenchError::Check(what)) }
    }
}

impl Lane {
    async fn insert(mut self, from: Instant, until: Instant) -> Result<(Self, Tally), BenchError> {
        let mut random = Random::new(500 + self.number as u64);
        let sender = Uuid::from_u128(self.number as u128);
        let body = json!({"body": random.text(60), "content_type": "text/plain"}).to_string();
        let mut tally = Tally { answered: 0, latency: histogram() };
        loop {
            let start = Instant::now();
            if start >= until {
                return Ok((self, tally));
            }
            let conversation = random.below(GROUPS);
            sqlx::query(INSERT)
                .bind(Uuid::now_v7())
                .bind(i32::try_from(conversation).unwrap_or(0))
                .bind(self.next[conversation].fetch_add(1, Ordering::Relaxed))
                .bind(sender)
                .bind(&body)
                .execute(&mut self.connection)
                .await?;
            let end = Instant::now();
            tally.answered += 1;
            if end >= from && end < until {
                tally.latency.saturating_record(u64::try_from((end - start).as_nanos()).unwrap_or(u64::MAX));
            }
        }
    }
}
