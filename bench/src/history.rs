//! A made chat log with the shape of a real one, and the format of its lines.
//!
//! The shape is that of the #ubuntu IRC channel's logs: in 231,272 lines 90 % messages, 7 % joins, 1 % leaves and 2 % renames;
//! 8 % of the messages are somebody's first; of 16,671 speakers the loudest sends 1.2 % of all and the median one 3; texts of
//! 43 bytes in the median, 124 at 90 % and 469 at most; names that no username rule expects.

use crate::error::BenchError;
use crate::random::Random;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

/// One line of a chat log.
#[derive(Serialize, Deserialize)]
pub(crate) struct Line {
    /// RFC 3339.
    pub(crate) at: String,
    pub(crate) channel: String,
    /// `message`, `action`, `join`, `leave` or `rename`.
    pub(crate) kind: String,
    pub(crate) nick: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) new_nick: Option<String>,
}

/// Writes `lines` lines to `path`, always the same ones.
pub(crate) fn write(path: &Path, lines: u32) -> Result<(), BenchError> {
    let file = File::create(path).map_err(|source| BenchError::File { path: path.into(), source })?;
    let mut file = BufWriter::new(file);
    let mut channel = Channel::new();
    for _ in 0..lines {
        serde_json::to_writer(&mut file, &channel.next_line()?)?;
        file.write_all(b"\n")?;
    }
    file.flush()?;
    Ok(())
}

struct Channel {
    random: Random,
    at: OffsetDateTime,
    /// Every name that ever was, by its number.
    names: Vec<String>,
    present: Vec<usize>,
    /// The speaker of each message: who is drawn from it speaks the more often the more he has spoken.
    spoke: Vec<usize>,
}

impl Channel {
    fn new() -> Self {
        let at = OffsetDateTime::UNIX_EPOCH + Duration::days(12_737);
        let mut channel =
            Self { random: Random::new(2), at, names: Vec::new(), present: Vec::new(), spoke: Vec::new() };
        for _ in 0..20 {
            let name = channel.new_name();
            channel.present.push(name);
            channel.spoke.push(name);
        }
        channel
    }

    fn next_line(&mut self) -> Result<Line, BenchError> {
        self.pass_time();
        let line = match self.random.below(1000) {
            0..70 => self.join(),
            70..81 if self.present.len() > 1 => self.leave(),
            81..101 if !self.present.is_empty() => self.rename(),
            101..110 => self.speak("action"),
            _ => self.speak("message"),
        };
        let at = self.at.format(&Rfc3339).map_err(|error| BenchError::Check(error.to_string()))?;
        Ok(Line { at, channel: "made".into(), ..line })
    }

    /// Seconds count the lines within a minute.
    fn pass_time(&mut self) {
        if self.at.second() == 59 || self.random.one_in(1, 5) {
            let minutes = 1 + i64::try_from(self.random.below(3)).unwrap_or(1);
            self.at += Duration::minutes(minutes) - Duration::seconds(i64::from(self.at.second()));
        } else {
            self.at += Duration::seconds(1);
        }
    }

    fn new_name(&mut self) -> usize {
        let number = self.names.len();
        let name = match number % 6 {
            0 => format!("|trey{number}|"),
            1 => format!("Matt|{number}"),
            2 => format!("guest_{number}_"),
            3 => format!("[k]{number}^"),
            4 => format!("Жук{number}"),
            _ => format!("user{number}"),
        };
        self.names.push(name);
        number
    }

    fn line(&self, kind: &str, name: usize) -> Line {
        let nick = self.names[name].clone();
        Line { at: String::new(), channel: String::new(), kind: kind.into(), nick, text: None, new_nick: None }
    }

    fn join(&mut self) -> Line {
        let name = if self.random.one_in(2, 3) { self.new_name() } else { self.random.below(self.names.len()) };
        if !self.present.contains(&name) {
            self.present.push(name);
        }
        self.line("join", name)
    }

    fn leave(&mut self) -> Line {
        let name = self.present.swap_remove(self.random.below(self.present.len()));
        self.line("leave", name)
    }

    fn rename(&mut self) -> Line {
        let place = self.random.below(self.present.len());
        let old = self.present[place];
        let new = self.new_name();
        self.present[place] = new;
        Line { new_nick: Some(self.names[new].clone()), ..self.line("rename", old) }
    }

    fn speak(&mut self, kind: &str) -> Line {
        let name = if self.random.one_in(8, 100) { self.new_name() } else { *self.random.pick(&self.spoke) };
        self.spoke.push(name);
        let bytes = self.text_length();
        Line { text: Some(self.random.text(bytes)), ..self.line(kind, name) }
    }

    /// Exponential with a mean of about 55, by counting draws: no floating point, so the same on every machine.
    fn text_length(&mut self) -> usize {
        let mut bytes = 2;
        while bytes < 450 && !self.random.one_in(1, 11) {
            bytes += 5;
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_history_has_the_shape_of_the_real_one() {
        let mut channel = Channel::new();
        let lines: Vec<Line> = (0..50_000).map(|_| channel.next_line().unwrap()).collect();
        let of = |kind: &str| lines.iter().filter(|line| line.kind == kind).count();
        assert!((43_000..46_500).contains(&(of("message") + of("action"))));
        assert!((3_000..4_000).contains(&of("join")));
        assert!((400..700).contains(&of("leave")));
        assert!((800..1_200).contains(&of("rename")));
        let mut lengths: Vec<usize> = lines.iter().filter_map(|line| line.text.as_ref()).map(String::len).collect();
        lengths.sort_unstable();
        assert!((30..60).contains(&lengths[lengths.len() / 2]), "median {}", lengths[lengths.len() / 2]);
        assert!(lengths[lengths.len() - 1] <= 469);
    }

    #[test]
    fn a_made_history_is_always_the_same_and_in_order_of_time() {
        let (mut one, mut other) = (Channel::new(), Channel::new());
        let mut before = String::new();
        for _ in 0..2_000 {
            let line = one.next_line().unwrap();
            assert_eq!(
                serde_json::to_string(&line).unwrap(),
                serde_json::to_string(&other.next_line().unwrap()).unwrap()
            );
            assert!(before <= line.at);
            before = line.at;
        }
    }
}
