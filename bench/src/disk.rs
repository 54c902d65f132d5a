//! The disk probe: how many appends of 4 KiB the disk makes durable in a second, one after another.
//!
//! Disks give bursts and then a fraction of it. A durable figure without the probe taken beside it says little.

use crate::error::BenchError;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// Appends of 4 KiB a second, each followed by fdatasync, measured for one second in `dir`.
pub(crate) fn probe(dir: &Path) -> Result<f64, BenchError> {
    let path = dir.join("probe");
    let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
    let block = [0x5A_u8; 4096];
    let begun = Instant::now();
    let mut appends = 0_u32;
    while begun.elapsed() < Duration::from_secs(1) {
        file.write_all(&block)?;
        file.sync_data()?;
        appends += 1;
    }
    let rate = f64::from(appends) / begun.elapsed().as_secs_f64();
    std::fs::remove_file(&path)?;
    Ok(rate)
}
