//! What was erased, as events: written by every backup, and part of every export of the log.

use std::path::Path;

use serde::{Deserialize, Serialize};
use tidings_event_store::{EventStore, Filter, Position};
use tidings_notary::{EntryLine, Place};

use super::{
    failed,
    files::{Lines, NewFile},
};
use crate::{
    control::OperationError,
    notary::entry,
    processes::{ERASING_CATEGORIES, is_erasing},
};

/// The file's name in a backup.
pub(super) const ERASURES: &str = "erasures.ndjson";
const PAGE: usize = 10_000;

/// What ends the file.
#[derive(Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum End {
    /// All erasures up to this position are here.
    To { erasures_to: u64 },
    /// The hash of everything before this line.
    Seal { sha256: String },
}

/// A line that is part of no event: these, and the signed head at the end of an export.
fn is_end(line: &str) -> bool {
    [r#"{"checkpoint":"#, r#"{"erasures_to":"#, r#"{"sha256":"#].iter().any(|start| line.starts_with(start))
}

/// Reads the erasures of a file: one that a backup wrote, or an export. Each is handed over in order. Up to which position of
/// their log they are all there; 0 for an export, which does not say.
pub(super) fn read(
    path: &Path,
    mut each: impl FnMut(&str, EntryLine) -> Result<(), OperationError>,
) -> Result<u64, OperationError> {
    let unreadable = |error: std::io::Error| OperationError::Failed(format!("{}: {error}", path.display()));
    let mut lines = Lines::open(path).map_err(unreadable)?;
    let (mut to, mut ended) = (0, false);
    while let Some(line) = lines.next().map_err(unreadable)?.map(str::to_owned) {
        let wrong = |lines: &Lines, why: &str| OperationError::Failed(format!("{} {why}", lines.place()));
        if is_end(&line) {
            match serde_json::from_str(&line) {
                Ok(End::To { erasures_to }) => to = erasures_to,
                Ok(End::Seal { sha256 }) if sha256 == lines.hash_before() => ended = true,
                Ok(End::Seal { .. }) => return Err(wrong(&lines, "says that the file is not what was written")),
                Err(_) if line.starts_with(r#"{"checkpoint":"#) => ended = true,
                Err(_) => return Err(wrong(&lines, "is none of a list of erasures")),
            }
            continue;
        }
        let read: EntryLine =
            serde_json::from_str(&line).map_err(|_| wrong(&lines, "is none of a list of erasures or of an export"))?;
        if read.leaf_hash.is_some_and(|leaf| leaf != read.entry().leaf_hash()) {
            return Err(wrong(&lines, "is not what was written: its leaf is another"));
        }
        if is_erasing(&read.name) {
            each(&line, read)?;
        }
    }
    if ended { Ok(to) } else { Err(OperationError::Failed(format!("{} has no end: it was cut off", path.display()))) }
}

/// Writes all erasures that are in the log now. Those of an older such file are not looked for again.
pub(super) async fn write(path: &Path, store: &dyn EventStore) -> Result<u64, OperationError> {
    let head = store.head().await.map_err(failed)?;
    let (mut file, mut at, mut count) = begun(path)?;
    while at < head {
        let page = store.read_all(at, &Filter::Categories(ERASING_CATEGORIES.to_vec()), PAGE).await.map_err(failed)?;
        for event in page.events.iter().filter(|event| is_erasing(&event.name)) {
            file.line(&line_of(&entry(event))).map_err(failed)?;
            count += 1;
        }
        at = page.scanned_to;
    }
    end(file, at)?;
    Ok(count)
}

/// A line of the file: where the entry stands in a tree is not said.
pub(super) fn line_of(entry: &tidings_notary::Entry<'_>) -> EntryLine {
    let leaf_hash = Some(entry.leaf_hash());
    EntryLine { leaf_hash, ..EntryLine::new(entry, Place::Nowhere) }
}

/// Ends a file and keeps it.
pub(super) fn end(mut file: NewFile, to: Position) -> Result<(), OperationError> {
    file.line(&End::To { erasures_to: to.get() }).map_err(failed)?;
    let sha256 = file.hash_so_far();
    file.line(&End::Seal { sha256 }).map_err(failed)?;
    file.keep().map(drop).map_err(failed)
}

/// A new file with what the older one has.
fn begun(path: &Path) -> Result<(NewFile, Position, u64), OperationError> {
    let mut file = NewFile::create(path).map_err(failed)?;
    if !path.exists() {
        return Ok((file, Position::START, 0));
    }
    let mut count = 0;
    let copied = read(path, |line, _| {
        count += 1;
        file.add(line.as_bytes()).and_then(|()| file.add(b"\n")).map_err(failed)
    });
    match copied {
        Ok(to) => Ok((file, Position::new(to), count)),
        // the log has them all
        Err(_) => Ok((NewFile::create(path).map_err(failed)?, Position::START, 0)),
    }
}
