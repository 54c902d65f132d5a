//! The command line of the benchmark.

use crate::ceiling::replay::View;
use crate::workload::{Talk, Workload};
use clap::{Parser, Subcommand, ValueEnum as _};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Measures Tidings beside a bare reference program, in the same run and in turns
#[derive(Parser, Debug)]
#[command(version, args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// What to measure; everything when none is named
    #[arg(value_enum)]
    pub(crate) workloads: Vec<Workload>,

    /// Numbers of connections for the workloads over HTTP
    #[arg(long, value_delimiter = ',', default_value = "1,64,256", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) connections: Vec<u16>,

    /// Seconds each measurement lasts, after half a second of warming up
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=60))]
    pub(crate) seconds: u16,

    /// Paired runs of each measurement; the median and the range are shown
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=25))]
    pub(crate) runs: u16,

    /// Multiplies the messages in the data set and the lines to import; with several, all is measured at each
    #[arg(long, value_delimiter = ',', default_value = "1", value_parser = clap::value_parser!(u16).range(1..=100))]
    pub(crate) scale: Vec<u16>,

    /// A look at everything, and no figures: as `--runs 1 --seconds 1 --fixed 0 --connections 1,64`, over short logs, and without
    /// what takes long unless it is named
    #[arg(long)]
    pub(crate) quick: bool,

    /// Percent of the slower side's rate at which latency is measured with a fixed rate; 0 leaves these runs out
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(0..=95))]
    pub(crate) fixed: u16,

    /// Milliseconds that a sync takes at least in the workload over PostgreSQL, each measured on a cluster of its own; 0 is
    /// the disk as it is
    #[arg(long, value_delimiter = ',', default_value = "0,1", value_parser = clap::value_parser!(u16).range(0..=100))]
    pub(crate) sync_ms: Vec<u16>,

    /// Events in the log that is rebuilt from beside traffic
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) events: u64,

    /// Events at which everything is measured while a log grows
    #[arg(long, value_delimiter = ',', default_value = "10000,100000,1000000",
        value_parser = clap::value_parser!(u64).range(10_000..=100_000_000))]
    pub(crate) growth: Vec<u64>,

    /// Where the messages of that log go
    #[arg(long, value_enum, value_delimiter = ',', default_value = "many,one")]
    pub(crate) growth_into: Vec<Talk>,

    /// A chat log (NDJSON) to import, and to read in, instead of a generated one
    #[arg(long)]
    pub(crate) history: Option<PathBuf>,

    /// Where the data of the runs goes, on the disk to be measured [default: beside the build]
    #[arg(long)]
    pub(crate) dir: Option<PathBuf>,

    /// Put the ceiling against itself: shows how far a ratio strays from 1 by the machine's noise alone
    #[arg(long)]
    pub(crate) noise: bool,

    /// Use the server's binary as it is, without building it first
    #[arg(long)]
    pub(crate) no_build: bool,
}

impl Options {
    /// What to measure, in the order in which it is.
    pub(crate) fn chosen(&self) -> Vec<Workload> {
        let every = Workload::value_variants().iter().copied();
        match self.workloads.as_slice() {
            [] => every.filter(|workload| !self.quick || !workload.takes_long()).collect(),
            named => every.filter(|workload| named.contains(workload)).collect(),
        }
    }

    /// With what a quick look means.
    pub(crate) fn settled(self) -> Self {
        if self.quick { Self { runs: 1, seconds: 1, fixed: 0, connections: vec![1, 64], ..self } } else { self }
    }
}

/// Drawings, and the parts of the reference, which the benchmark runs as programs of their own
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Serve the reference over HTTP until a signal ends it
    Ceiling {
        /// Where
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: SocketAddr,
        /// Where its files go
        #[arg(long)]
        dir: PathBuf,
        /// Messages in each conversation of its table
        #[arg(long, default_value_t = 64)]
        rows: u32,
    },
    /// Fill fresh views from the reference's log; prints the number of events
    CeilingReplay {
        /// Which; all when none is named
        #[arg(value_enum)]
        view: Option<View>,
        /// Where its log is
        #[arg(long)]
        dir: PathBuf,
    },
    /// Compute the head of a Merkle tree over the reference's log; prints the number of events
    CeilingAudit {
        /// Where its log is
        #[arg(long)]
        dir: PathBuf,
    },
    /// Append a chat log to a reference log; prints the number of lines
    CeilingImport {
        /// The chat log, NDJSON
        file: PathBuf,
        /// Where the log goes
        #[arg(long)]
        dir: PathBuf,
    },
    /// Draw results that runs have written, as SVG
    Plot {
        /// The results, JSON; of the same figure the last one counts
        #[arg(required = true)]
        results: Vec<PathBuf>,
        /// Where the drawings go
        #[arg(long, default_value = "docs/benchmarks")]
        out: PathBuf,
    },
    /// Write a made chat log (NDJSON) with the shape of a real one
    History {
        /// Number of lines
        #[arg(long, default_value_t = 200_000)]
        lines: u32,
        /// Where it goes
        file: PathBuf,
    },
}
