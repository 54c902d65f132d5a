//! Log lines on their way out: a request must not wait for the terminal, the disk or the pipe that takes them.
//!
//! Lines gather in memory and one thread writes them, many at a time. Whoever logs waits only when so much has gathered
//! that whatever reads the lines cannot keep up.

use std::{
    io::{self, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use tracing_subscriber::fmt::MakeWriter;

/// Whoever logs waits while there is more than this.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// Lines gather for at most this long before they are written.
const GATHER: Duration = Duration::from_millis(5);

#[derive(Default)]
struct Gathered {
    bytes: Vec<u8>,
    /// The writing thread waits for something to write.
    idle: bool,
    closed: bool,
}

#[derive(Default)]
struct Shared {
    gathered: Mutex<Gathered>,
    /// There is something to write, or it is over.
    filled: Condvar,
    /// There is room again.
    drained: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Gathered> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, line: &[u8]) {
        let mut gathered = self.lock();
        while gathered.bytes.len() > MOST_BYTES && !gathered.closed {
            gathered = self.drained.wait(gathered).unwrap_or_else(PoisonError::into_inner);
        }
        gathered.bytes.extend_from_slice(line);
        if gathered.idle {
            self.filled.notify_one();
        }
    }

    /// What has gathered; none when it is over and all is written.
    fn take(&self) -> Option<Vec<u8>> {
        let mut gathered = self.lock();
        while gathered.bytes.is_empty() {
            if gathered.closed {
                return None;
            }
            gathered.idle = true;
            gathered = self.filled.wait(gathered).unwrap_or_else(PoisonError::into_inner);
            gathered.idle = false;
        }
        if !gathered.closed {
            // a little later there is more to write in one go; only the end is told meanwhile
            gathered = self.filled.wait_timeout(gathered, GATHER).unwrap_or_else(PoisonError::into_inner).0;
        }
        let bytes = std::mem::take(&mut gathered.bytes);
        self.drained.notify_all();
        Some(bytes)
    }
}

/// Takes lines.
#[derive(Clone)]
pub(super) struct Lines(Arc<Shared>);

/// Writes what is left when it is dropped.
pub(super) struct Flush {
    shared: Arc<Shared>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Lines {
    /// Lines to `out`, written by a thread of their own.
    pub(super) fn to(mut out: impl Write + Send + 'static) -> io::Result<(Self, Flush)> {
        let shared = Arc::new(Shared::default());
        let source = shared.clone();
        let write = move || {
            while let Some(bytes) = source.take() {
                // nobody is left to tell when the lines cannot be written
                let _ = out.write_all(&bytes).and_then(|()| out.flush());
            }
        };
        let thread = Some(thread::Builder::new().name("log-lines".to_owned()).spawn(write)?);
        Ok((Self(shared.clone()), Flush { shared, thread }))
    }
}

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.filled.notify_all();
        self.shared.drained.notify_all();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            let _ = writeln!(io::stderr(), "the last log lines are lost");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn every_line_is_written_whole_and_in_order() {
        let written = Written::default();
        let (lines, flush) = Lines::to(written.clone()).unwrap();
        for number in 0..10_000 {
            writeln!(lines.make_writer(), "line {number}").unwrap();
        }
        drop(flush);
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        assert!(text.lines().enumerate().all(|(number, line)| line == format!("line {number}")));
        assert_eq!(text.lines().count(), 10_000);
    }
}
