//! Log lines, to standard error, and traces beside them.

use std::io;

use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::{LevelFilter, Targets},
    fmt,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use super::{
    lines::{Flush, Lines},
    traces::{self, Traces},
};
use crate::config::{Config, LogFormat};

/// Writes and sends what is left when it is dropped.
pub struct Logging {
    // first: it may have something to log
    _traces: Option<Traces>,
    _lines: Flush,
}

impl std::fmt::Debug for Logging {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Logging(…)")
    }
}

/// Begins to write log lines, and to trace, as configured. Once a process; the filter was checked with the configuration.
pub fn start(config: &Config) -> io::Result<Logging> {
    let (writer, flush) = Lines::to(io::stderr())?;
    let filter = EnvFilter::try_new(&config.log).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match config.log_format {
        LogFormat::Text => fmt::layer().with_writer(writer).with_ansi(false).boxed(),
        LogFormat::Json => fmt::layer().with_writer(writer).json().flatten_event(true).boxed(),
    };
    let traces = Traces::start(config);
    // a filter for each is dearer than one for all: only who traces pays
    let begun = match &traces {
        Ok(Some(traces)) => {
            let only = Targets::new().with_target(traces::TARGET, LevelFilter::TRACE);
            let spans = tracing_opentelemetry::layer().with_tracer(traces.tracer()).with_location(false);
            let spans = spans.with_threads(false).with_target(false).with_filter(only);
            tracing_subscriber::registry().with(lines.with_filter(filter)).with(spans).try_init()
        }
        Ok(None) | Err(_) => tracing_subscriber::registry().with(lines).with(filter).try_init(),
    };
    if begun.is_err() {
        tracing::debug!("log lines are written already");
    }
    let traces = traces.unwrap_or_else(|error| {
        tracing::error!("nothing is traced: {error}");
        None
    });
    Ok(Logging { _traces: traces, _lines: flush })
}
