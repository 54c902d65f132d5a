//! The cluster under measurement, and what its processes cost.

use crate::error::BenchError;
use crate::process::usage_with_children;
use tidings_tests::postgres::Cluster;

/// A PostgreSQL of this run's own. Gone when it is dropped, or when this program ends.
pub(crate) struct Server {
    cluster: Cluster,
}

impl Server {
    /// Durability is PostgreSQL's default: nothing is said about it. Connections must suffice for four nodes and the inserts;
    /// the buffers are a small server's.
    pub(crate) fn start() -> Self {
        let settings = [("max_connections", "400"), ("shared_buffers", "512MB"), ("max_wal_size", "4GB")];
        Self { cluster: Cluster::with(&settings) }
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
