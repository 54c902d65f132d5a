//! Group commit to an append-only plain file: gather what waits, one write, one fdatasync, answer after.

use crate::error::BenchError;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;

/// More than any number of connections measured, so that it bounds memory and never the group.
const MOST_IN_ONE_GROUP: usize = 4096;

struct Waiting {
    /// One line of JSON with its line end.
    record: Vec<u8>,
    done: oneshot::Sender<u64>,
}

/// The end of the log that records go into; the other end is the writer's thread.
pub(crate) struct Log {
    queue: Sender<Waiting>,
}

impl Log {
    /// Appends to this file, which is made when it is not there.
    pub(crate) fn open(path: &Path) -> Result<Self, BenchError> {
        let file = append_to(path)?;
        let (queue, waiting) = channel();
        std::thread::Builder::new().name("log".into()).spawn(move || write_groups(file, &waiting))?;
        Ok(Self { queue })
    }

    /// Appends one line; answers its number, from 1, when it is durable, and nothing when the disk failed.
    pub(crate) async fn append(&self, record: Vec<u8>) -> Option<u64> {
        let (done, number) = oneshot::channel();
        self.queue.send(Waiting { record, done }).ok()?;
        number.await.ok()
    }
}

/// The log of messages.
pub(crate) fn path(dir: &Path) -> PathBuf {
    dir.join("log.ndjson")
}

/// The log of read marks: apart, so that the messages' log holds lines of one kind.
pub(crate) fn marks(dir: &Path) -> PathBuf {
    dir.join("marks.ndjson")
}

/// The log of accounts.
pub(crate) fn accounts(dir: &Path) -> PathBuf {
    dir.join("accounts.ndjson")
}

/// The log of sessions.
pub(crate) fn sessions(dir: &Path) -> PathBuf {
    dir.join("sessions.ndjson")
}

/// Lines in a log; none where there is no file.
pub(crate) fn lines(path: &Path) -> Result<u64, BenchError> {
    if !path.exists() {
        return Ok(0);
    }
    let mut log = BufReader::with_capacity(1 << 20, File::open(path)?);
    let mut lines = 0;
    while log.skip_until(b'\n')? > 0 {
        lines += 1;
    }
    Ok(lines)
}

/// A log's file, made when it is not there.
pub(crate) fn append_to(path: &Path) -> Result<File, BenchError> {
    Ok(OpenOptions::new().create(true).append(true).open(path)?)
}

/// Ends when the disk fails: what waits then is answered with an error, for its sender is dropped.
fn write_groups(mut file: File, queue: &Receiver<Waiting>) {
    let mut number = 0_u64;
    let mut buffer = Vec::with_capacity(1 << 20);
    let mut group = Vec::with_capacity(MOST_IN_ONE_GROUP);
    while let Ok(first) = queue.recv() {
        buffer.clear();
        let rest = std::iter::from_fn(|| queue.try_recv().ok());
        for waiting in std::iter::once(first).chain(rest).take(MOST_IN_ONE_GROUP) {
            buffer.extend_from_slice(&waiting.record);
            group.push(waiting.done);
        }
        if file.write_all(&buffer).and_then(|()| file.sync_data()).is_err() {
            return;
        }
        for done in group.drain(..) {
            number += 1;
            // who does not wait any more has closed the connection
            let _ = done.send(number);
        }
    }
}
