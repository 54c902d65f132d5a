//! The cluster under measurement, the disk it believes to have, and what its processes cost.

use crate::error::BenchError;
use crate::process::usage_with_children;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;
use tidings_tests::postgres::Cluster;

/// Makes syncs slow. Built with the C compiler that the server's own crates need.
const SLOW_SYNC: &str = include_str!("slow_sync.c");

/// A PostgreSQL of this run's own. Gone when it is dropped, or when this program ends.
pub(crate) struct Server {
    cluster: Cluster,
    /// Holds the library that makes its syncs slow, where they are.
    _slow: Option<TempDir>,
}

impl Server {
    /// Durability is PostgreSQL's default: nothing is said about it. Connections must suffice for four nodes and the inserts;
    /// the buffers are a small server's. Where `sync` is not zero, every `fsync` and `fdatasync` of its processes takes at
    /// least so long.
    pub(crate) fn start(sync: Duration, connections: u16) -> Result<Self, BenchError> {
        let most = (400 + connections).to_string();
        let settings = [("max_connections", most.as_str()), ("shared_buffers", "512MB"), ("max_wal_size", "4GB")];
        if sync.is_zero() {
            return Ok(Self { cluster: Cluster::with(&settings), _slow: None });
        }
        let slow = slow_sync()?;
        let library = slow.path().join("slow_sync.so").display().to_string();
        let microseconds = sync.as_micros().to_string();
        let environment = [("LD_PRELOAD", library.as_str()), ("SLOW_SYNC_MICROSECONDS", microseconds.as_str())];
        Ok(Self { cluster: Cluster::with_environment(&settings, &environment), _slow: Some(slow) })
    }

    pub(crate) fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Writes out what is dirty, so that nobody's turn pays for the one before.
    pub(crate) fn settle(&self) {
        self.cluster.sql("postgres", "CHECKPOINT");
    }

    /// CPU time of all its processes, those that have ended too.
    pub(crate) fn cpu_seconds(&self) -> Result<f64, BenchError> {
        let said = std::fs::read_to_string(self.cluster.directory().join("data/postmaster.pid"))?;
        let first = said.lines().next().and_then(|pid| pid.parse().ok());
        let pid = first.ok_or_else(|| BenchError::Check("PostgreSQL does not say its process id".into()))?;
        usage_with_children(pid)
    }
}

/// A directory with the library, which any user may read: the server may run as another.
fn slow_sync() -> Result<TempDir, BenchError> {
    let dir = tempfile::Builder::new().prefix("tidings-sync-").permissions(Permissions::from_mode(0o755)).tempdir()?;
    let source = dir.path().join("slow_sync.c");
    std::fs::write(&source, SLOW_SYNC)?;
    let mut compiler = Command::new("cc");
    compiler.args(["-O2", "-shared", "-fPIC", "-o"]).arg(dir.path().join("slow_sync.so")).arg(&source).arg("-ldl");
    if compiler.status()?.success() { Ok(dir) } else { Err(BenchError::Check("`cc` cannot build slow_sync.c".into())) }
}
