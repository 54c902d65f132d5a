//! Runs an operation where the stores are open: in the server that holds the data directory, or here.

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use tidings_projections::runner::Pace;
use tokio::{
    io::{AsyncBufRead, BufReader},
    sync::mpsc,
};

use crate::{
    config::Config,
    control::{self, Operation, OperationError, Report, Reports},
    processes::Notarizing,
    stores::Stores,
};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Reports that may wait to be shown.
pub(super) const WAITING_REPORTS: usize = 1_000;
/// How often progress is told where no terminal shows a bar.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// The exit code and the summary of an operation.
pub(super) struct Ended {
    pub(super) code: u8,
    pub(super) summary: String,
}

/// Runs an operation without input and tells its summary.
pub(super) async fn run(config: &Config, operation: Operation) -> Result<ExitCode, Failure> {
    let ended = perform(config, operation, None, BufReader::new(tokio::io::empty())).await?;
    tell(&ended)
}

/// Runs an operation whose input is the first line of standard input.
pub(super) async fn with_line(config: &Config, operation: Operation) -> Result<ExitCode, Failure> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    let ended = perform(config, operation, None, std::io::Cursor::new(line.into_bytes())).await?;
    tell(&ended)
}

/// The summary, to standard error: standard output is for results.
pub(super) fn tell(ended: &Ended) -> Result<ExitCode, Failure> {
    writeln!(std::io::stderr(), "{}", ended.summary)?;
    Ok(ExitCode::from(ended.code))
}

/// Runs an operation to its end; lines of its result go to standard output as they come.
pub(super) async fn perform(
    config: &Config,
    operation: Operation,
    total: Option<u64>,
    input: impl AsyncBufRead + Unpin + Send + 'static,
) -> Result<Ended, Failure> {
    if control::is_served(&config.data_dir).await? {
        let reports = control::connect(&config.data_dir, &operation, input).await?;
        return show(reports, total).await;
    }
    let stores = Stores::open(config).await?;
    let (reports, waiting) = mpsc::channel(WAITING_REPORTS);
    // what is backed up is signed first, and nobody else is there to do it
    let mut notarizing = None;
    if let Operation::Backup(_) = operation {
        notarizing = Some(Notarizing::new(stores.store.clone(), &stores.secret, &config.data_dir)?);
    }
    let (notarizing, notary) = notarizing.unzip();
    let notarizing = notarizing.map(|notarizing| tokio::spawn(notarizing.run()));
    // nobody is served: it may have the machine
    let operator = stores.operator(notary, Pace::default());
    let work = tokio::spawn(async move { operator.run(operation, input, reports).await });
    let ended = show(waiting, total).await;
    work.await?;
    if let Some(notarizing) = notarizing {
        notarizing.abort();
    }
    stores.close().await;
    ended
}

/// Does something and shows what it reports.
pub(super) async fn watched(
    work: impl AsyncFnOnce(&Reports) -> Result<(u8, String), OperationError>,
) -> Result<Ended, Failure> {
    let (reports, waiting) = mpsc::channel(WAITING_REPORTS);
    let work = async move {
        let (code, summary) = match work(&reports).await {
            Ok(done) => done,
            Err(OperationError::Failed(summary)) => (1, summary),
            Err(OperationError::Gone) => return,
        };
        // whoever shows it reads to the end
        let _shown = reports.send(Report::Done { code, summary }).await;
    };
    tokio::join!(work, show(waiting, None)).1
}

/// Shows what an operation reports, to its end.
pub(super) async fn show(mut reports: mpsc::Receiver<Report>, total: Option<u64>) -> Result<Ended, Failure> {
    let mut bar = Bar::new();
    let mut out = std::io::stdout().lock();
    let mut ended = None;
    while let Some(report) = reports.recv().await {
        match report {
            Report::Progress { what, done, total: known } => bar.show(&what, done, known.or(total))?,
            Report::Line(line) => match writeln!(out, "{line}") {
                Ok(()) => {}
                // `tidings events | head` has seen enough
                Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                    return Ok(Ended { code: 0, summary: String::new() });
                }
                Err(error) => return Err(error.into()),
            },
            Report::Done { code, summary } => ended = Some(Ended { code, summary }),
        }
    }
    out.flush()?;
    bar.end();
    ended.ok_or_else(|| "the server stopped before it was done".into())
}

/// A progress bar on a terminal, a line now and then elsewhere.
struct Bar {
    shown: Option<ProgressBar>,
    last: Option<Instant>,
    /// What is shown, and since when.
    of: (String, Instant),
}

impl Bar {
    fn new() -> Self {
        Self { shown: None, last: None, of: (String::new(), Instant::now()) }
    }

    fn show(&mut self, what: &str, done: u64, total: Option<u64>) -> Result<(), Failure> {
        if self.of.0 != what {
            // each has a rate of its own
            self.of = (what.to_owned(), Instant::now());
            self.end();
            self.shown = None;
        }
        if !std::io::stderr().is_terminal() {
            return self.show_plain(what, done, total);
        }
        let bar = self.shown.get_or_insert_with(ProgressBar::no_length);
        if let Some(total) = total {
            bar.set_length(total);
            let template = "{msg} {wide_bar} {human_pos}/{human_len} {per_sec} {eta}";
            bar.set_style(ProgressStyle::with_template(template)?);
        }
        bar.set_message(what.to_owned());
        bar.set_position(done);
        Ok(())
    }

    fn show_plain(&mut self, what: &str, done: u64, total: Option<u64>) -> Result<(), Failure> {
        if self.last.is_some_and(|last| last.elapsed() < PLAIN_EVERY) {
            return Ok(());
        }
        self.last = Some(Instant::now());
        let elapsed = self.of.1.elapsed().as_secs().max(1);
        let rate = done / elapsed;
        match total {
            Some(total) => {
                let left = total.saturating_sub(done).checked_div(rate);
                let left = left.map(|left| format!(", {left} s left")).unwrap_or_default();
                writeln!(std::io::stderr(), "{what}: {done} of {total}, {rate} a second{left}")?;
            }
            None => writeln!(std::io::stderr(), "{what}: {done}, {rate} a second")?,
        }
        Ok(())
    }

    fn end(&self) {
        if let Some(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}
