//! What exports there are: in memory, and each in a small file that holds no text of anybody.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use uuid::Uuid;

use super::{Erased, Job, Part};

/// The exports of a directory.
pub(super) struct Shelf {
    directory: PathBuf,
    jobs: Mutex<BTreeMap<Uuid, Job>>,
}

impl Shelf {
    /// Reads what is there.
    pub(super) fn open(directory: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let mut jobs = BTreeMap::new();
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                match serde_json::from_slice::<Job>(&fs::read(&path)?) {
                    Ok(job) => drop(jobs.insert(job.id, job)),
                    Err(error) => tracing::warn!(%error, path = %path.display(), "this is no export of ours"),
                }
            }
        }
        Ok(Self { directory: directory.to_owned(), jobs: Mutex::new(jobs) })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Uuid, Job>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, id: Uuid) -> PathBuf {
        self.directory.join(format!("{id}.json"))
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<Job> {
        self.lock().values().cloned().collect()
    }

    /// One of them.
    pub(super) fn get(&self, id: Uuid) -> Option<Job> {
        self.lock().get(&id).cloned()
    }

    /// Keeps one more, or another state of one.
    pub(super) fn put(&self, job: Job) -> io::Result<()> {
        let mut jobs = self.lock();
        self.write(&job)?;
        jobs.insert(job.id, job);
        Ok(())
    }

    /// Keeps another state of one that is still there and in the same attempt; `false` when it is not.
    pub(super) fn replace(&self, job: Job) -> io::Result<bool> {
        let mut jobs = self.lock();
        if jobs.get(&job.id).is_none_or(|known| known.attempt != job.attempt) {
            return Ok(false);
        }
        self.write(&job)?;
        jobs.insert(job.id, job);
        Ok(true)
    }

    /// Takes out of one what may hold something that was erased; answers that.
    pub(super) fn erase(&self, id: Uuid, erased: Erased, position: u64) -> io::Result<Vec<Part>> {
        let mut jobs = self.lock();
        let Some(mut job) = jobs.get(&id).cloned() else { return Ok(Vec::new()) };
        let before = job.attempt;
        let gone = job.erase(erased, position);
        if job.attempt != before {
            self.write(&job)?;
            jobs.insert(id, job);
        }
        Ok(gone)
    }

    /// Keeps one no more.
    pub(super) fn remove(&self, id: Uuid) -> io::Result<()> {
        let mut jobs = self.lock();
        match fs::remove_file(self.path(id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        jobs.remove(&id);
        Ok(())
    }

    /// Whole or not at all, whatever happens meanwhile.
    fn write(&self, job: &Job) -> io::Result<()> {
        let (path, beside) = (self.path(job.id), self.directory.join(format!("{}.new", job.id)));
        let mut file = fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&beside)?;
        io::Write::write_all(&mut file, &serde_json::to_vec(job)?)?;
        file.sync_all()?;
        fs::rename(beside, path)
    }
}
