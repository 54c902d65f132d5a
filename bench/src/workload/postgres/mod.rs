//! Durable sends over PostgreSQL, by one node and by three, beside plain inserts into the same cluster in the same run.
//!
//! The cluster is a throw-away one on the temporary directory's disk, with PostgreSQL's own defaults for durability. The inserts
//! are what an ordinary service does for a message: one row, one transaction. They come without HTTP, straight from the
//! generator, so the comparison is in their favour. How fast they are on one connection is the disk's doing, so all of it can be
//! measured again on a cluster whose syncs take longer.

mod insert;
mod server;

use super::http::{Side, Task};
use super::{Workload, offline, progress};
use crate::disk;
use crate::error::BenchError;
use crate::options::Options;
use crate::process::finish;
use crate::report::{ByMany, Check, Measured, OverPostgres, Run};
use crate::target::{Place, Tidings, Work, offline as programs};
use insert::Inserts;
use server::Server;
use std::path::PathBuf;
use std::time::Duration;
use tidings_tests::postgres::Database;

/// Some nodes, and the database of their installation.
struct Installation<'a> {
    name: &'static str,
    side: Side<Tidings>,
    database: Database<'a>,
    dir: PathBuf,
}

impl<'a> Installation<'a> {
    async fn start(
        place: &Place,
        server: &'a Server,
        name: &'static str,
        nodes: usize,
        sync_ms: u16,
    ) -> Result<Self, BenchError> {
        progress(&format!("postgres: starting {name} and filling in the data set"))?;
        let database = server.cluster().create_database();
        let dir = place.dir.join(format!("postgres-{sync_ms}-{nodes}"));
        let target = Tidings::over(place, &dir, &database.url(), nodes).await?;
        Ok(Self { name, side: Side::of(target, dir.clone()).await?, database, dir })
    }

    async fn sends(&mut self, task: &Task<'_>, server: &Server, shown: &mut Measured) -> Result<(), BenchError> {
        let before = server.cpu_seconds()?;
        let run = task.run(&mut self.side, crate::load::Pace::Closed).await?;
        shown.add(run, server.cpu_seconds()? - before);
        Ok(())
    }

    /// Stops the nodes and compares the views with the log. The time that a rebuild takes, first.
    async fn end(mut self, place: &Place, checks: &mut Vec<Check>) -> Result<Run, BenchError> {
        checks.push(named(self.name, &self.side.count().await?));
        let events = self.side.stop().await?.events;
        let (replay, verify) = programs(place, &self.dir, &self.database.url());
        progress(&format!("postgres: verifying and rebuilding the views of {}", self.name))?;
        let verified = finish(verify, &place.dir.join("verify.log")).await?;
        let what = format!("views verified against the log in {:.1} s", verified.seconds);
        checks.push(named(self.name, &Check { what }));
        offline::timed(replay, place, events).await
    }
}

fn named(name: &str, check: &Check) -> Check {
    Check { what: format!("postgres, {name}: {}", check.what) }
}

/// Measures everything in turns; each run is one turn.
pub(crate) async fn measure(
    options: &Options,
    sync_ms: u16,
    place: &Place,
    checks: &mut Vec<Check>,
) -> Result<OverPostgres, BenchError> {
    let many: Vec<u16> = options.connections.iter().copied().filter(|connections| *connections > 1).collect();
    let most = many.iter().copied().max().unwrap_or(1);
    let server = Server::start(Duration::from_millis(sync_ms.into()), most)?;
    let mut inserts = Inserts::prepare(&server, options, most).await?;
    let mut one = Installation::start(place, &server, "one node", 1, sync_ms).await?;
    let mut three = Installation::start(place, &server, "three nodes", 3, sync_ms).await?;
    let mut shown = OverPostgres::new(sync_ms, &many);
    for run in 1..=options.runs {
        progress(&format!("postgres, syncs of {sync_ms} ms: run {run} of {}", options.runs))?;
        shown.disk.push(disk::probe(server.cluster().directory())?);
        server.settle();
        inserts.run(1, &server, &mut shown.insert_by_one).await?;
        for ByMany { connections, insert, one_node, three_nodes } in &mut shown.by_many {
            let (workload, work) = (Workload::Postgres, Work::Send);
            let task = Task { workload, work, connections: *connections, options, place };
            inserts.run(*connections, &server, insert).await?;
            one.sends(&task, &server, one_node).await?;
            three.sends(&task, &server, three_nodes).await?;
        }
    }
    checks.push(named("inserts", &inserts.count().await?));
    shown.replay.push(one.end(place, checks).await?);
    shown.replay.push(three.end(place, checks).await?);
    Ok(shown)
}
