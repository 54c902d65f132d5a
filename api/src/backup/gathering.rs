//! What was erased that a backup may not know of.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use tidings_event_store::{Position, sqlite::LogFile};
use tidings_notary::EntryLine;

use super::{
    checking::Backup,
    erasures::{self, ERASURES},
    failed,
    files::NewFile,
};
use crate::{config::EVENTS, control::OperationError, notary::entry, processes::is_erasing};

const PAGE: usize = 5_000;

/// All erasures that are known: of the backup, of the files given, of the log that is replaced, and of what an earlier restore
/// had gathered when it was cut off.
pub(super) fn gather(
    data_dir: &Path,
    [building, unfinished]: [&Path; 2],
    backup: &Backup,
    given: &[PathBuf],
) -> Result<(), OperationError> {
    let path = building.join(ERASURES);
    let (mut file, mut known) = (NewFile::create(&path).map_err(failed)?, HashSet::new());
    let mut lists = vec![backup.directory.join(ERASURES)];
    lists.extend(given.iter().cloned());
    lists.extend([path.clone(), unfinished.join(ERASURES)].into_iter().filter(|list| list.exists()));
    for list in lists {
        erasures::read(&list, |line, entry| {
            if known.insert(entry.id) {
                file.add(line.as_bytes()).and_then(|()| file.add(b"\n")).map_err(failed)?;
            }
            Ok(())
        })?;
    }
    let log = data_dir.join(EVENTS);
    if log.exists() {
        of_log(&log, |line| if known.insert(line.id) { file.line(&line).map_err(failed) } else { Ok(()) })?;
    }
    erasures::end(file, Position::START)
}

/// The erasures of a log that is replaced. One that cannot be read to its end may hide some.
fn of_log(path: &Path, mut each: impl FnMut(EntryLine) -> Result<(), OperationError>) -> Result<(), OperationError> {
    let mut at = Position::START;
    let hidden = |at: Position, error: &dyn std::fmt::Display| {
        OperationError::Failed(format!(
            "the log that is replaced cannot be read after position {at} ({error}), so what was erased later is not known: move \
             {} away, and give its erasures with --erasures if you have them elsewhere",
            path.display()
        ))
    };
    let log = LogFile::open(path).map_err(|error| hidden(at, &error))?;
    loop {
        let events = log.page(at, PAGE).map_err(|error| hidden(at, &error))?;
        let Some(last) = events.last() else { return Ok(()) };
        at = last.position;
        for event in events.iter().filter(|event| is_erasing(&event.name)) {
            each(erasures::line_of(&entry(event)))?;
        }
    }
}
