//! A backup, read to its last byte before anything is done with it.

use std::{
    io,
    path::{Path, PathBuf},
};

use tidings_event_store::Position;
use tidings_notary::Audit;

use super::{
    attached, failed,
    files::Lines,
    lines::{KeysLine, LogLine},
    manifest::{Manifest, Segment},
    taking::{copies, head_of},
};
use crate::control::{OperationError, Report, Reports, report};

/// Progress is told once for so many events.
const TELL_EVERY: u64 = 50_000;

/// A whole backup.
pub(super) struct Backup {
    pub(super) directory: PathBuf,
    pub(super) keys: PathBuf,
    pub(super) manifest: Manifest,
}

fn unreadable(path: &Path) -> impl Fn(io::Error) -> OperationError {
    move |error| OperationError::Failed(format!("{} cannot be read: {error}", path.display()))
}

fn altered(path: &Path) -> OperationError {
    OperationError::Failed(format!("{} is not what was written: its length or hash is another", path.display()))
}

impl Backup {
    /// Looks what there is.
    pub(super) fn open(directory: &Path, keys: &Path) -> Result<Self, OperationError> {
        let manifest = Manifest::read(directory)?.ok_or_else(|| {
            let directory = directory.display();
            OperationError::Failed(format!("{directory} holds no whole backup: there is no manifest.json"))
        })?;
        Ok(Self { directory: directory.to_owned(), keys: keys.to_owned(), manifest })
    }

    /// Compares everything with what the notary signed, and with the hashes of the manifest. The first that differs is named.
    pub(super) async fn check(&self, key: Option<&str>, reports: &Reports) -> Result<(), OperationError> {
        let (_, head) = head_of(&self.manifest, key)?;
        let mut audit = Audit::new(std::slice::from_ref(&head));
        let (mut log, mut count) = (self.log(), 0);
        while let Some(line) = log.next()? {
            let LogLine { entry, .. } = &line;
            audit
                .take(&entry.entry(), entry.index, entry.leaf_hash)
                .map_err(|difference| OperationError::Failed(format!("{}: {difference}", log.place())))?;
            count += 1;
            if count % TELL_EVERY == 0 {
                let total = Some(self.manifest.entries);
                report(reports, Report::Progress { what: "events verified".to_owned(), done: count, total }).await?;
            }
        }
        let found = audit.end().map_err(failed)?;
        if (found.entries, head.head.size) != (self.manifest.entries, self.manifest.entries) {
            return Err(OperationError::Failed(
                "the manifest names another number of events than were signed".to_owned(),
            ));
        }
        for (name, text) in copies(&self.manifest)? {
            let path = self.directory.join(name);
            if std::fs::read_to_string(&path).map_err(unreadable(&path))? != text {
                return Err(altered(&path));
            }
        }
        self.for_each_key(|_| Ok(()))?;
        self.manifest.attachments.as_ref().map_or(Ok(()), |part| attached::check(&self.directory, part))
    }

    /// The events, from the first.
    pub(super) fn log(&self) -> LogReading<'_> {
        LogReading { backup: self, segments: self.manifest.segments.iter(), current: None }
    }

    /// The keys, as they are wrapped; what is first says up to where erasures are made in them.
    pub(super) fn for_each_key(
        &self,
        mut each: impl FnMut(KeysLine) -> Result<(), OperationError>,
    ) -> Result<(), OperationError> {
        let part = self.manifest.keys.as_ref();
        let part = part.ok_or_else(|| OperationError::Failed("the backup names no keys".to_owned()))?;
        let path = self.keys.join(&part.file);
        let mut lines = Lines::open(&path).map_err(|error| {
            let path = path.display();
            OperationError::Failed(format!(
                "the keys {path} cannot be read ({error}): name their directory with --keys-dir"
            ))
        })?;
        let mut blocks = 0;
        while let Some(line) = lines.next().map_err(unreadable(&path))? {
            let line = serde_json::from_str(line);
            let line = line.map_err(|_| OperationError::Failed(format!("{} is none of a backup", lines.place())))?;
            blocks += u64::from(matches!(line, KeysLine::Block(..)));
            each(line)?;
        }
        if (blocks, &lines.end().sha256) == (part.count, &part.sha256) { Ok(()) } else { Err(altered(&path)) }
    }

    /// Where its log ends.
    pub(super) const fn position(&self) -> Position {
        Position::new(self.manifest.position)
    }
}

/// The log of a backup, line by line.
pub(super) struct LogReading<'a> {
    backup: &'a Backup,
    segments: std::slice::Iter<'a, Segment>,
    current: Option<(&'a Segment, PathBuf, Lines, u64)>,
}

impl LogReading<'_> {
    /// The next event; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<LogLine>, OperationError> {
        loop {
            let Some((segment, path, mut lines, count)) = self.current.take() else {
                let Some(segment) = self.segments.next() else { return Ok(None) };
                let path = self.backup.directory.join(&segment.file);
                let lines = Lines::open(&path).map_err(unreadable(&path))?;
                self.current = Some((segment, path, lines, 0));
                continue;
            };
            if let Some(line) = lines.next().map_err(unreadable(&path))? {
                let read = serde_json::from_str(line);
                let read =
                    read.map_err(|_| OperationError::Failed(format!("{} is none of a backup", lines.place())))?;
                self.current = Some((segment, path, lines, count + 1));
                return Ok(Some(read));
            }
            let written = lines.end();
            if (count, written.bytes, &written.sha256) != (segment.entries, segment.bytes, &segment.sha256) {
                return Err(altered(&path));
            }
        }
    }

    /// Where the last event was, for people.
    pub(super) fn place(&self) -> String {
        self.current.as_ref().map(|(_, _, lines, _)| lines.place()).unwrap_or_default()
    }
}
