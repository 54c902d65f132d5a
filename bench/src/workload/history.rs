//! The history of a channel: imported, then read by some who are in it, with the words that they said.
//!
//! It is a real one where a file is given, and a made one of the same shape where not. Everything is measured as at one size of a log
//! that grows.

use super::growth::{Measuring, Talk};
use super::{offline, progress};
use crate::error::BenchError;
use crate::history::{self, Line};
use crate::options::Options;
use crate::report::{Check, Growth};
use crate::target::{Place, Target as _, Tidings, dataset};
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

/// Lines of the made history; fewer for a quick look.
const LINES: u32 = 200_000;
const LINES_TO_LOOK_AT: u32 = 20_000;
/// Rare words that are looked for.
const RARE_WORDS: usize = 20;
/// A word that so many messages have in them is a rare one.
const RARE: std::ops::RangeInclusive<u32> = 5..=20;

pub(super) async fn measure(options: &Options, place: &Place, checks: &mut Vec<Check>) -> Result<Growth, BenchError> {
    let file = if let Some(file) = &options.history {
        std::path::absolute(file)?
    } else {
        let file = place.dir.join("history-to-read.ndjson");
        history::write(&file, if options.quick { LINES_TO_LOOK_AT } else { LINES })?;
        file
    };
    let Channel { name, lines, people, common, rare } = Channel::read(&file)?;
    progress(&format!("history: import of {lines} lines, then {} people of {name:?} read", people.len()))?;
    let dir = place.dir.join("history");
    let imported = offline::timed(Tidings::import(place, &dir, &file), place, lines).await?;
    Tidings::let_in(place, &dir, &people).await?;
    let measuring = Measuring {
        name: "history",
        place,
        dir: &dir,
        talk: Talk::One,
        names: &people,
        channels: &[(dataset::HOT_GROUP, name)],
        common: [&common[0], &common[1]],
        rare: &rare,
        plain: false,
    };
    let mut growth = Growth::new("a channel with a history");
    growth.sizes.push(measuring.at_this_size(Some(imported), checks).await?);
    let check = offline::verify::<Tidings>(place, &dir).await?;
    checks.push(Check { what: format!("history: {}", check.what) });
    Ok(growth)
}

/// The channel of a history in which most was said.
struct Channel {
    name: String,
    /// In the whole file.
    lines: u64,
    /// The loudest of those who are in it at the end, and whose name is a username.
    people: Vec<String>,
    /// The two words that most messages have in them.
    common: [String; 2],
    rare: Vec<String>,
}

/// What is known of a channel while its history is read.
#[derive(Default)]
struct Known {
    said: u32,
    present: HashSet<String>,
    spoke: HashMap<String, u32>,
    /// In how many messages words are.
    words: HashMap<String, u32>,
}

impl Known {
    fn take(&mut self, line: Line) {
        match line.kind.as_str() {
            "leave" => drop(self.present.remove(&line.nick)),
            "rename" => {
                self.present.remove(&line.nick);
                self.present.extend(line.new_nick);
            }
            _ => drop(self.present.insert(line.nick.clone())),
        }
        let Some(text) = line.text else { return };
        self.said += 1;
        *self.spoke.entry(line.nick).or_default() += 1;
        let words: HashSet<&str> = text.split(' ').filter(|word| is_plain(word)).collect();
        for word in words {
            *self.words.entry(word.to_owned()).or_default() += 1;
        }
    }

    fn people(&self) -> Vec<String> {
        let could = self.spoke.iter().filter(|(name, _)| self.present.contains(*name) && is_username(name));
        loudest(could).take(dataset::USERS).collect()
    }

    fn rare(&self) -> Vec<String> {
        loudest(self.words.iter().filter(|(_, count)| RARE.contains(count))).take(RARE_WORDS).collect()
    }
}

/// The most frequent first, and of the same frequency in the order of the alphabet: always the same ones.
fn loudest<'a>(counted: impl Iterator<Item = (&'a String, &'a u32)>) -> impl Iterator<Item = String> {
    let mut counted: Vec<_> = counted.collect();
    counted.sort_unstable_by_key(|(name, count)| (std::cmp::Reverse(**count), name.as_str()));
    counted.into_iter().map(|(name, _)| name.clone()).collect::<Vec<_>>().into_iter()
}

/// What stands in a query as it is, and is not the beginning of many other words.
fn is_plain(word: &str) -> bool {
    word.len() >= 5 && word.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// A name that the import makes no other username of.
fn is_username(name: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-');
    (3..=32).contains(&name.len()) && name.bytes().all(allowed) && name.as_bytes()[0].is_ascii_lowercase()
}

impl Channel {
    fn read(file: &Path) -> Result<Self, BenchError> {
        let opened = File::open(file).map_err(|source| BenchError::File { path: file.into(), source })?;
        let mut channels: HashMap<String, Known> = HashMap::new();
        let mut lines = 0;
        for line in BufReader::with_capacity(1 << 20, opened).lines() {
            let line: Line = serde_json::from_str(&line?)?;
            lines += 1;
            channels.entry(line.channel.clone()).or_default().take(line);
        }
        let busiest = channels.into_iter().max_by_key(|(name, known)| (known.said, std::cmp::Reverse(name.clone())));
        let (name, known) = busiest.ok_or_else(|| BenchError::Check("the history is empty".into()))?;
        let (people, rare) = (known.people(), known.rare());
        let mut common = loudest(known.words.iter());
        let (Some(one), Some(other)) = (common.next(), common.next()) else {
            return Err(BenchError::Check("the history has too few words".into()));
        };
        if people.len() < dataset::USERS || rare.is_empty() {
            let people = people.len();
            return Err(BenchError::Check(format!("the history is too short: {people} people, {} words", rare.len())));
        }
        Ok(Self { name, lines, people, common: [one, other], rare })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loudest_of_those_who_stayed_read_the_history() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("history");
        history::write(&file, LINES_TO_LOOK_AT).unwrap();
        let channel = Channel::read(&file).unwrap();
        assert_eq!((channel.people.len(), channel.lines), (dataset::USERS, LINES_TO_LOOK_AT.into()));
        assert!(channel.people.iter().all(|name| is_username(name)));
        assert!(!channel.rare.is_empty() && channel.rare.iter().all(|word| is_plain(word)));
    }

    #[test]
    fn who_left_or_took_another_name_is_not_there() {
        let line = |kind: &str, nick: &str, new_nick: Option<&str>| Line {
            at: String::new(),
            channel: String::new(),
            kind: kind.into(),
            nick: nick.into(),
            text: (kind == "message").then(|| "which driver".into()),
            new_nick: new_nick.map(Into::into),
        };
        let mut known = Known::default();
        for line in [
            line("message", "ann", None),
            line("message", "bob", None),
            line("message", "cid", None),
            line("leave", "ann", None),
            line("rename", "bob", Some("bobby")),
            line("message", "bobby", None),
            line("message", "bobby", None),
            line("message", "Dora", None),
        ] {
            known.take(line);
        }
        assert_eq!(known.people(), ["bobby", "cid"]);
        assert_eq!((known.said, known.words["driver"]), (6, 6));
    }
}
