//! Log lines, to standard error.

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{Config, LogFormat};

/// Begins to write log lines as configured. Once a process; the filter was checked with the configuration.
pub fn start(config: &Config) {
    let filter = EnvFilter::try_new(&config.log).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = fmt::layer().with_writer(std::io::stderr);
    let begun = match config.log_format {
        LogFormat::Text => tracing_subscriber::registry().with(filter).with(lines.with_ansi(false)).try_init(),
        LogFormat::Json => {
            tracing_subscriber::registry().with(filter).with(lines.json().flatten_event(true)).try_init()
        }
    };
    if begun.is_err() {
        tracing::debug!("log lines are written already");
    }
}
