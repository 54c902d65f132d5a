//! Brings chat logs in, through the same commands as everything else.
//!
//! A log is imported in its order, so the lines that are there already are its beginning: a survey finds the last of them,
//! and the import goes on behind it. The same file again adds nothing, and one that has grown adds what is new.

use std::collections::HashMap;

use futures::{StreamExt, TryStreamExt, stream};
use tidings_commands::history::{Action, Appended, Person, Step};
use tidings_domain::{ConversationId, Timestamp, values::ConversationName};
use tidings_event_store::CommandKey;
use tokio::io::{AsyncBufRead, AsyncBufReadExt};

use super::{
    Ended, OperationError, Operator, Report, Reports,
    line::{Deed, Line},
    report,
};

/// Lines that become one append.
const BATCH: usize = 1_000;
/// Accounts that are made at the same time.
const ACCOUNTS_AT_ONCE: usize = 256;
/// Longer lines are refused: a body has at most 64 KiB, which JSON may write six times as long.
const LONGEST_LINE: u64 = 512 * 1024;

/// Reads a log batch by batch and gives each line its keys.
struct Reader<R> {
    input: R,
    number: u64,
    moments: HashMap<String, Moment>,
}

/// What was seen of a channel at its last time: lines that say the same are counted within it.
#[derive(Default)]
struct Moment {
    at: Timestamp,
    seen: HashMap<CommandKey, u32>,
}

struct Numbered {
    line: Line,
    number: u64,
    /// Of the line; of a rename, of the leaving.
    key: CommandKey,
    /// Of a rename, of the coming in.
    second: CommandKey,
}

impl<R: AsyncBufRead + Unpin + Send> Reader<R> {
    fn new(input: R) -> Self {
        Self { input, number: 0, moments: HashMap::new() }
    }

    async fn batch(&mut self) -> Result<Vec<Numbered>, OperationError> {
        let mut batch = Vec::with_capacity(BATCH);
        let mut text = String::new();
        while batch.len() < BATCH {
            text.clear();
            let mut limited = tokio::io::AsyncReadExt::take(&mut self.input, LONGEST_LINE);
            let read = limited.read_line(&mut text).await;
            let number = self.number + 1;
            let failed = |why: &dyn std::fmt::Display| OperationError::Failed(format!("line {number}: {why}"));
            if read.map_err(|error| failed(&error))? == 0 {
                break;
            }
            self.number = number;
            if text.len() as u64 >= LONGEST_LINE {
                return Err(failed(&"too long"));
            }
            if text.trim().is_empty() {
                continue;
            }
            let line = Line::parse(&text).map_err(|error| failed(&error))?;
            batch.push(self.with_keys(line));
        }
        Ok(batch)
    }

    fn with_keys(&mut self, line: Line) -> Numbered {
        let moment = self.moments.entry(line.channel.as_str().to_owned()).or_default();
        if moment.at != line.at {
            *moment = Moment { at: line.at, seen: HashMap::new() };
        }
        let occurrence = moment.seen.entry(line.key("", 0)).or_default();
        let (key, second) = (line.key("", *occurrence), line.key("second", *occurrence));
        *occurrence += 1;
        Numbered { line, number: self.number, key, second }
    }
}

/// Who and where, as far as they were met in this import.
#[derive(Default)]
struct Met {
    people: HashMap<String, Person>,
    groups: HashMap<ConversationName, ConversationId>,
    accounts: u64,
}

impl Operator {
    /// Checks every line; the summary is the number of the last one that is in the log already.
    pub(super) async fn survey(&self, input: impl AsyncBufRead + Unpin + Send) -> Ended {
        let mut reader = Reader::new(input);
        let mut last_known = 0;
        loop {
            let batch = reader.batch().await?;
            if batch.is_empty() {
                return Ok((0, last_known.to_string()));
            }
            let keys: Vec<CommandKey> = batch.iter().flat_map(|line| [line.key, line.second]).collect();
            let known = self.commands.history_known(&keys).await?;
            for (line, known) in batch.iter().zip(known.chunks(2)) {
                if known.contains(&true) {
                    last_known = line.number;
                }
            }
        }
    }

    pub(super) async fn import(&self, input: impl AsyncBufRead + Unpin + Send, skip: u64, reports: &Reports) -> Ended {
        let mut reader = Reader::new(input);
        let mut met = Met::default();
        let mut total = Appended::default();
        loop {
            let mut batch = reader.batch().await?;
            if batch.is_empty() {
                break;
            }
            batch.retain(|line| line.number > skip);
            self.meet(&batch, &mut met).await?;
            // runs of lines of one channel, each one append
            for run in batch.chunk_by(|a, b| a.line.channel == b.line.channel) {
                let appended = self.import_run(run, &mut met).await?;
                total.events += appended.events;
                total.without_effect += appended.without_effect;
            }
            let progress = Report::Progress { what: "lines".to_owned(), done: reader.number, total: None };
            report(reports, progress).await?;
        }
        self.caught_up(reports).await?;
        let Met { accounts, .. } = met;
        let (events, idle, lines) = (total.events, total.without_effect, reader.number);
        Ok((
            0,
            format!(
                "{lines} lines: {accounts} accounts made, {events} events appended, {idle} steps told nothing new, {} lines were there already",
                skip.min(lines)
            ),
        ))
    }

    /// Makes the accounts that a batch needs, many at a time.
    async fn meet(&self, batch: &[Numbered], met: &mut Met) -> Result<(), OperationError> {
        let mut new: HashMap<String, Timestamp> = HashMap::new();
        for Numbered { line, .. } in batch {
            let second = match &line.deed {
                Deed::Rename(name) => Some(name.as_str()),
                Deed::Say(_) | Deed::Join | Deed::Leave => None,
            };
            for name in [Some(line.nick.as_str()), second].into_iter().flatten() {
                if !met.people.contains_key(name) {
                    new.entry(name.to_owned()).or_insert(line.at);
                }
            }
        }
        let make = |(name, at): (String, Timestamp)| {
            let commands = self.commands.clone();
            async move {
                let made = commands.history_person(&name, at).await;
                made.map(|(person, fresh)| (name, person, fresh))
            }
        };
        let mut made = stream::iter(new).map(make).buffer_unordered(ACCOUNTS_AT_ONCE);
        while let Some((name, person, fresh)) = made.try_next().await? {
            met.accounts += u64::from(fresh);
            met.people.insert(name, person);
        }
        Ok(())
    }

    async fn import_run(&self, run: &[Numbered], met: &mut Met) -> Result<Appended, OperationError> {
        let Some(first) = run.first() else { return Ok(Appended::default()) };
        let channel = &first.line.channel;
        let group = if let Some(group) = met.groups.get(channel) {
            *group
        } else {
            let founder = person(met, &first.line.nick)?;
            let group = self.commands.history_group(channel.clone(), founder, first.line.at).await?;
            met.groups.insert(channel.clone(), group);
            group
        };
        let mut steps = Vec::with_capacity(run.len());
        for Numbered { line, key, second, .. } in run {
            let who = person(met, &line.nick)?;
            let step = |person, key: &CommandKey, action| Step { person, at: line.at, key: *key, action };
            match &line.deed {
                Deed::Say(body) => steps.push(step(who, key, Action::Say(body.clone()))),
                Deed::Join => steps.push(step(who, key, Action::Join)),
                Deed::Leave => steps.push(step(who, key, Action::Leave)),
                Deed::Rename(name) => {
                    steps.push(step(who, key, Action::Leave));
                    steps.push(step(person(met, name)?, second, Action::Join));
                }
            }
        }
        Ok(self.commands.append_history(group, &steps).await?)
    }
}

fn person(met: &Met, name: &str) -> Result<Person, OperationError> {
    met.people.get(name).copied().ok_or_else(|| OperationError::Failed(format!("nobody is called {name:?}")))
}
