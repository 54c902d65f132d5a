//! Everything that is measured at one size of the log.

use super::log::Talk;
use crate::ceiling::replay::VIEWS;
use crate::error::BenchError;
use crate::load::{Extent, Load, Outcome, Pace, Script, drive};
use crate::report::{Check, Figure, Run, Size, Spread, Started};
use crate::target::{Ask, Place, Target as _, Tidings, dataset};
use crate::workload::http::latency;
use crate::workload::{offline, progress, start};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// Requests of each kind, one after the other on one connection.
const REQUESTS: usize = 2_000;
/// Those that come before and do not count.
const WARM_UP: usize = 200;
/// Groups in which is marked, where messages are in many.
const GROUPS_TO_MARK: usize = 16;
const STARTS: usize = 3;

/// An imported log in a directory, and what is asked of it.
pub(crate) struct Measuring<'a> {
    /// What it is called.
    pub(crate) name: &'a str,
    pub(crate) place: &'a Place,
    pub(crate) dir: &'a Path,
    /// Where its messages are.
    pub(crate) talk: Talk,
    /// Who asks.
    pub(crate) names: &'a [String],
    /// The channels of the groups, by their numbers.
    pub(crate) channels: &'a [(usize, String)],
    /// Two words that many messages have in them.
    pub(crate) common: [&'a str; 2],
    /// Words that few have.
    pub(crate) rare: &'a [String],
    /// Whether nothing but messages came after everybody had come in.
    pub(crate) plain: bool,
}

impl Measuring<'_> {
    pub(crate) async fn at_this_size(
        &self,
        imported: Option<Run>,
        checks: &mut Vec<Check>,
    ) -> Result<Size, BenchError> {
        let events = Tidings::events(self.dir)?;
        let mut size = Size { events, figures: Vec::new() };
        let mut target = Tidings::over_imported(self.place, self.dir, self.names, self.channels).await?;
        let before = target.messages().await?;
        self.requests(&mut target, &mut size).await?;
        let (made, found) = (target.made().messages + REQUESTS as u64, target.messages().await? - before);
        let what = format!("{}: {made} sends acknowledged, {found} messages found", self.name);
        if made != found {
            return Err(BenchError::Check(what));
        }
        checks.push(Check { what });
        target.rest().await?;
        size.figures.push(Figure::megabytes("memory at most, serving", target.usage()?.peak_bytes));
        let stopped = target.stop().await?;
        self.starts(&stopped.read, &mut size).await?;
        self.programs(stopped.events, imported, &mut size).await?;
        self.disk(stopped.events, &mut size)?;
        Ok(size)
    }

    /// Where requests go: the groups of every user, as pairs of user and group.
    fn places(&self) -> Vec<(usize, usize)> {
        let turn = |number: usize| {
            let user = number % dataset::USERS;
            let group = match self.talk {
                Talk::Many => {
                    let groups = dataset::groups_of(user);
                    groups[number / dataset::USERS % groups.len()]
                }
                Talk::One => dataset::HOT_GROUP,
            };
            (user, group)
        };
        (0..REQUESTS).map(turn).collect()
    }

    async fn requests(&self, target: &mut Tidings, size: &mut Size) -> Result<(), BenchError> {
        let places = self.places();
        let of = |target: &Tidings, ask: fn(usize) -> Ask<'static>| -> Vec<Vec<u8>> {
            places.iter().map(|(user, group)| target.request(*user, ask(*group))).collect()
        };
        let asked = of(target, |_| Ask::Inbox);
        self.timed("inbox", asked, target, size).await?;
        let asked = of(target, |_| Ask::Unread);
        self.timed("unread", asked, target, size).await?;
        let asked = of(target, |group| Ask::Messages { group });
        self.timed("newest page", asked, target, size).await?;
        let mut asked = Vec::with_capacity(REQUESTS);
        let mut middles = HashMap::new();
        for (user, group) in &places {
            if !middles.contains_key(group) {
                let middle = if self.plain {
                    target.middle(*group).await?
                } else {
                    target.near_the_middle(*group, self.rare).await?
                };
                middles.insert(*group, middle);
            }
            asked.push(target.page_around(*user, *group, &middles[group]));
        }
        self.timed("page in the middle", asked, target, size).await?;
        let search = |target: &Tidings, user, words: &[&str]| target.request(user, Ask::Search { words });
        let asked = places.iter().map(|(user, _)| search(target, *user, &self.common)).collect();
        self.timed("search", asked, target, size).await?;
        let rare = places.iter().zip(self.rare.iter().cycle());
        let asked = rare.map(|((user, _), word)| search(target, *user, &[word])).collect();
        self.timed("search of a rare word", asked, target, size).await?;
        let asked = of(target, |group| Ask::Send { group, text: "what is sent when there is much already" });
        self.timed("send", asked, target, size).await?;
        let groups = match self.talk {
            Talk::Many => (0..GROUPS_TO_MARK).collect(),
            Talk::One => vec![dataset::HOT_GROUP],
        };
        let readers: usize = groups.iter().map(|group| dataset::members(*group).len() - 1).sum();
        let asked = target.marks_in(&groups, REQUESTS.div_ceil(readers)).await?;
        self.timed("mark read", asked, target, size).await
    }

    /// Sends the requests one after the other, after some that do not count.
    async fn timed(
        &self,
        what: &'static str,
        mut asked: Vec<Vec<u8>>,
        target: &mut Tidings,
        size: &mut Size,
    ) -> Result<(), BenchError> {
        progress(&format!("{}: {what} at {} events", self.name, size.events))?;
        let rest = asked.split_off(WARM_UP.min(asked.len() / 2));
        in_turn(target, asked).await?;
        target.caught_up().await?;
        target.rest().await?;
        let before = target.usage()?;
        let outcome = in_turn(target, rest).await?;
        target.caught_up().await?;
        target.rest().await?;
        let after = target.usage()?;
        #[expect(clippy::cast_precision_loss, reason = "some thousands")]
        let cpu_us = (after.cpu_seconds - before.cpu_seconds) * 1e6 / outcome.answered as f64;
        let (p50, p99) = (latency(&outcome.latency, 0.5), latency(&outcome.latency, 0.99));
        size.figures.push(Figure::request(what, p50, p99, cpu_us));
        Ok(())
    }

    async fn starts(&self, read: &[u8], size: &mut Size) -> Result<(), BenchError> {
        let mut started = Vec::with_capacity(STARTS);
        for _ in 0..STARTS {
            let serve = |address| Tidings::serve(self.place, self.dir, address);
            started.push(start::start(self.place, serve, Some(read)).await?);
        }
        let median = |of: fn(&Started) -> f64| Spread::of(started.iter().map(of)).median;
        size.figures.push(Figure::milliseconds("start until ready", median(|start| start.ready_ms)));
        let first_read = median(|start| start.read_ms.unwrap_or_default());
        size.figures.push(Figure::milliseconds("start until the first read", first_read));
        let resident = started.iter().map(|start| start.resident_bytes).max().unwrap_or_default();
        size.figures.push(Figure::megabytes("memory after the start", resident));
        Ok(())
    }

    async fn programs(&self, events: u64, imported: Option<Run>, size: &mut Size) -> Result<(), BenchError> {
        size.figures.extend(imported.map(|run| Figure::rate("import", "lines/s", &run)));
        let run = offline::timed(Tidings::audit(self.place, self.dir), self.place, events).await?;
        size.figures.push(Figure::rate("audit verify", "events/s", &run));
        for view in VIEWS {
            progress(&format!("{}: replay of {} at {events} events", self.name, view.name()))?;
            let run = offline::timed(Tidings::replay(self.place, self.dir, Some(view)), self.place, events).await?;
            let [rate, memory] = view.replay();
            size.figures.push(Figure::rate(rate, "events/s", &run));
            size.figures.push(Figure::megabytes(memory, run.peak_bytes));
        }
        Ok(())
    }

    /// Bytes on the disk for each event, by what they are for.
    fn disk(&self, events: u64, size: &mut Size) -> Result<(), BenchError> {
        let (mut log, mut keys, mut views, mut rest) = (0, 0, 0, 0);
        for entry in std::fs::read_dir(self.dir)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let bytes = offline::bytes(&entry.path())?;
            match name.as_ref() {
                name if name.starts_with("events") => log += bytes,
                name if name.starts_with("keys") => keys += bytes,
                name if name.starts_with("views") => views += bytes,
                _ => rest += bytes,
            }
        }
        for (what, bytes) in [("disk, log", log), ("disk, keys", keys), ("disk, views", views), ("disk, rest", rest)] {
            size.figures.push(Figure::bytes_each(what, bytes, events));
        }
        Ok(())
    }
}

async fn in_turn(target: &Tidings, requests: Vec<Vec<u8>>) -> Result<Outcome, BenchError> {
    let (script, extent) = (Arc::new(Script::once(vec![requests])), Extent::Rounds(1));
    let addresses = target.addresses();
    drive(&Load { addresses, script, pace: Pace::Closed, extent, stop: Arc::default() }).await
}
