//! The one thread that writes, from its start to its end.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use crate::queue::Queue;

/// A thread that serves a queue until that is closed and empty.
#[derive(Debug)]
pub(crate) struct Worker {
    queue: Arc<Queue>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Lets nobody wait for a writer that is gone, should it ever panic.
struct Abandon(Arc<Queue>);

impl Drop for Abandon {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

impl Worker {
    pub(crate) fn start(queue: Arc<Queue>, serve: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let abandon = Abandon(Arc::clone(&queue));
        let thread = thread::Builder::new().name("event-writer".to_owned()).spawn(move || {
            let _abandon = abandon;
            serve();
        })?;
        Ok(Self { queue, thread: Mutex::new(Some(thread)) })
    }

    /// Writes what was accepted, takes nothing more in, and ends the thread. Blocks until that is done.
    pub(crate) fn close(&self) {
        self.queue.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the event writer panicked");
        }
    }

    /// The same, without keeping the caller's thread.
    pub(crate) async fn close_beside(self: &Arc<Self>) {
        let worker = Arc::clone(self);
        if tokio::task::spawn_blocking(move || worker.close()).await.is_err() {
            tracing::error!("the event writer could not be waited for");
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.close();
    }
}
