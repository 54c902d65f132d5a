//! A made chat log that can be written on: the groups of the data set, with as many messages as are wanted.

use crate::error::BenchError;
use crate::history::Line;
use crate::random::Random;
use crate::target::{dataset, username};
use clap::ValueEnum;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

/// Where messages go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Talk {
    /// Spread over all groups of eight
    Many,
    /// All into one group of sixty-four
    One,
}

impl Talk {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Many => "many groups",
            Self::One => "one group",
        }
    }
}

/// Lines that one group gets before another does: people talk, and then others do.
const IN_A_ROW: usize = 100;
/// Messages in each group before it is decided where the others go.
const AT_FIRST: usize = 8;
/// What few messages have in them, for a search that finds little.
pub(crate) const RARE: &str = "heliotrope";
const RARE_IN: usize = 10_000;

/// The channel of a group.
pub(crate) fn channel(group: usize) -> String {
    format!("Group {group}")
}

pub(crate) struct Log {
    into: Talk,
    random: Random,
    at: OffsetDateTime,
    /// Where people talk, and how many lines more.
    group: usize,
    left: usize,
}

impl Log {
    /// With nothing in it.
    pub(crate) fn new(into: Talk) -> Self {
        let at = OffsetDateTime::UNIX_EPOCH + Duration::days(14_610);
        Self { into, random: Random::new(3), at, group: dataset::HOT_GROUP, left: 0 }
    }

    /// Everybody comes into their groups, the owners first, and a few things are said in each.
    pub(crate) fn begin(&mut self, path: &Path) -> Result<(), BenchError> {
        let mut file = Self::file(path)?;
        for group in 0..=dataset::HOT_GROUP {
            for member in dataset::members(group) {
                let line = Line { text: None, ..self.line("join", group, member)? };
                write(&mut file, &line)?;
            }
            for member in dataset::members(group).into_iter().take(AT_FIRST) {
                write(&mut file, &self.line("message", group, member)?)?;
            }
        }
        Ok(file.flush()?)
    }

    /// So many messages more.
    pub(crate) fn go_on(&mut self, path: &Path, messages: u64) -> Result<(), BenchError> {
        let mut file = Self::file(path)?;
        for _ in 0..messages {
            write(&mut file, &self.message()?)?;
        }
        Ok(file.flush()?)
    }

    fn file(path: &Path) -> Result<BufWriter<File>, BenchError> {
        let file = File::create(path).map_err(|source| BenchError::File { path: path.into(), source })?;
        Ok(BufWriter::with_capacity(1 << 20, file))
    }

    fn message(&mut self) -> Result<Line, BenchError> {
        if self.left == 0 {
            self.left = IN_A_ROW;
            self.group = match self.into {
                Talk::Many => self.random.below(dataset::GROUPS),
                Talk::One => dataset::HOT_GROUP,
            };
        }
        self.left -= 1;
        let member = *self.random.pick(&dataset::members(self.group));
        self.line("message", self.group, member)
    }

    fn line(&mut self, kind: &str, group: usize, member: usize) -> Result<Line, BenchError> {
        self.at += Duration::seconds(1);
        let at = self.at.format(&Rfc3339).map_err(|error| BenchError::Check(error.to_string()))?;
        let mut text = self.random.text(60);
        if self.random.one_in(1, RARE_IN) {
            text.push(' ');
            text.push_str(RARE);
        }
        let (kind, nick) = (kind.into(), username(member));
        Ok(Line { at, channel: channel(group), kind, nick, text: Some(text), new_nick: None })
    }
}

fn write(file: &mut impl std::io::Write, line: &Line) -> Result<(), BenchError> {
    serde_json::to_writer(&mut *file, line)?;
    Ok(file.write_all(b"\n")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(into: Talk, messages: u64) -> Vec<Line> {
        let dir = tempfile::tempdir().unwrap();
        let mut log = Log::new(into);
        let (begin, more) = (dir.path().join("begin"), dir.path().join("more"));
        log.begin(&begin).unwrap();
        log.go_on(&more, messages).unwrap();
        let text = std::fs::read_to_string(begin).unwrap() + &std::fs::read_to_string(more).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn everybody_comes_in_before_anybody_speaks_and_time_never_stands_still() {
        let joins = dataset::GROUPS * dataset::MEMBERS + dataset::USERS;
        let first = (dataset::GROUPS + 1) * AT_FIRST;
        let lines = lines(Talk::Many, 1_000);
        assert_eq!(lines.len(), joins + first + 1_000);
        let mut inside = std::collections::HashSet::new();
        for line in &lines {
            let place = (&line.channel, &line.nick);
            match line.kind.as_str() {
                "join" => assert!(inside.insert(place) && line.text.is_none()),
                kind => assert!(kind == "message" && inside.contains(&place) && line.text.is_some()),
            }
        }
        assert!(lines.is_sorted_by(|a, b| a.at < b.at));
    }

    #[test]
    fn messages_go_into_one_group_or_into_many() {
        let channels = |into| {
            let mut channels: Vec<String> =
                lines(into, 5_000).into_iter().rev().take(5_000).map(|l| l.channel).collect();
            channels.sort_unstable();
            channels.dedup();
            channels
        };
        assert_eq!(channels(Talk::One), [channel(dataset::HOT_GROUP)]);
        assert!(channels(Talk::Many).len() > 40);
    }
}
