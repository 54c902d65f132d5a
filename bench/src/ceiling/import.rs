//! The bare import: parse each line of a chat log, append a thousand at a time, each thousand with one fdatasync.

use super::{Record, log};
use crate::error::BenchError;
use crate::history::Line;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

const LINES_IN_ONE_GROUP: usize = 1000;

/// Appends the chat log `file` to the log in `dir`; answers the number of lines.
pub(crate) fn run(file: &Path, dir: &Path) -> Result<u64, BenchError> {
    std::fs::create_dir_all(dir)?;
    let mut log = log::append_to(&log::path(dir))?;
    let mut numbers: HashMap<String, u32> = HashMap::new();
    let mut group = Vec::with_capacity(1 << 20);
    let mut count = 0_u64;
    for line in BufReader::with_capacity(1 << 20, File::open(file)?).lines() {
        let line: Line = serde_json::from_str(&line?)?;
        let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        let sender = *numbers.entry(line.nick).or_insert(next);
        let at = OffsetDateTime::parse(&line.at, &Rfc3339).map_err(|error| BenchError::Check(error.to_string()))?;
        let at = u64::try_from(at.unix_timestamp() * 1000).unwrap_or_default();
        let body = line.text.or(line.new_nick).unwrap_or_default();
        serde_json::to_writer(&mut group, &Record { conversation: 0, sender, at, body })?;
        group.push(b'\n');
        count += 1;
        if count.is_multiple_of(LINES_IN_ONE_GROUP as u64) {
            log.write_all(&group)?;
            log.sync_data()?;
            group.clear();
        }
    }
    log.write_all(&group)?;
    log.sync_data()?;
    Ok(count)
}
