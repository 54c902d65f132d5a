//! Log lines, to standard error.

use std::io;

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use super::lines::{Flush, Lines};
use crate::config::{Config, LogFormat};

/// Begins to write log lines as configured; dropping what it answers writes the last of them. Once a process; the filter
/// was checked with the configuration.
pub fn start(config: &Config) -> io::Result<Flush> {
    let (writer, flush) = Lines::to(io::stderr())?;
    let filter = EnvFilter::try_new(&config.log).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = fmt::layer().with_writer(writer);
    let begun = match config.log_format {
        LogFormat::Text => tracing_subscriber::registry().with(filter).with(lines.with_ansi(false)).try_init(),
        LogFormat::Json => {
            tracing_subscriber::registry().with(filter).with(lines.json().flatten_event(true)).try_init()
        }
    };
    if begun.is_err() {
        tracing::debug!("log lines are written already");
    }
    Ok(flush)
}
