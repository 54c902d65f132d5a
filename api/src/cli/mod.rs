//! The command line: `tidings serve`, and what operators do beside it.
//!
//! Results go to standard output, logs and progress to standard error. Exit codes: 0 done, 1 found a difference or failed,
//! 2 wrong usage.

mod audit;
mod backup;
mod export;
mod health;
mod import;
mod operate;

use std::{io::Write, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};
use tidings_domain::values::Role;

use audit::AuditCommand;

use crate::{
    backup::RestoreRequest,
    config::{Config, ConfigError, LARGEST_SAMPLE, NodeRole, Settings},
    control::{Operation, Plan},
    serve,
};

/// How long a thread for what blocks waits for more of it.
const KEEP_THREADS: Duration = Duration::from_secs(2);

/// Messaging whose truth is an event log.
#[derive(Debug, Parser)]
#[command(name = "tidings", version, about, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the server: API, projections and live push in one process
    Serve {
        /// What of it runs here, where several nodes share their databases
        #[arg(long, value_enum, default_value_t)]
        role: NodeRole,
    },
    /// Asks the server that listens on the configured address whether it is ready; exit code 1 when it is not
    Health,
    /// Builds views anew from the log, or compares them with it
    Replay {
        /// Which: directory, conversations, search; all when none is named
        #[arg(value_name = "PROJECTION")]
        projections: Vec<String>,
        /// Compare with a fresh replay instead; exit code 1 on a difference
        #[arg(long)]
        verify: bool,
        /// Compare only what belongs to so many conversations and people, drawn by chance
        #[arg(long, requires = "verify", value_name = "NUMBER",
            value_parser = clap::value_parser!(u32).range(1..=i64::from(LARGEST_SAMPLE)))]
        sample: Option<u32>,
    },
    /// Brings history in: chat logs, one JSON object a line
    Import {
        /// Lines of `{"at", "channel", "kind", "nick", "text" or "new_nick"}`
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Makes demonstration data: people, groups, messages, reactions, the same for the same seed
    Seed {
        /// What chance is drawn from
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// How many people
        #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u64).range(3..=Plan::MOST_PEOPLE as u64))]
        people: u64,
        /// How many messages
        #[arg(long, default_value_t = 300)]
        messages: u32,
        /// The password of all of them
        #[arg(long, default_value = "for demonstrations only")]
        password: String,
        /// Add them to people who are there already
        #[arg(long)]
        force: bool,
    },
    /// Prints the log, one event a line
    Events {
        /// Go on when new events come
        #[arg(long)]
        follow: bool,
        /// Begin after this position
        #[arg(long, default_value_t = 0, value_name = "POSITION")]
        after: u64,
    },
    /// Checks the log against its signed heads
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Takes a backup, or brings one up to date, while the server serves
    Backup {
        /// Where it goes: the log, attachments, erasures
        directory: PathBuf,
        /// Where the keys go, and the secret where it is a file [default: `keys` in that directory]
        #[arg(long, value_name = "DIR")]
        keys_dir: Option<PathBuf>,
    },
    /// Restores a backup, verified, into an empty data directory or database; exit code 1 when it is damaged
    Restore {
        /// The backup
        directory: PathBuf,
        /// Its keys [default: `keys` in that directory]
        #[arg(long, value_name = "DIR")]
        keys_dir: Option<PathBuf>,
        /// Erasures made after the backup: the list of a later backup, or an export of the log; may be given several times
        #[arg(long, value_name = "FILE")]
        erasures: Vec<PathBuf>,
        /// Replaces a data directory that is not empty; what was erased there stays erased
        #[arg(long)]
        force: bool,
        /// The verifier key, or a file that holds it [default: the one in the backup, which proves less]
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
    },
    /// Looks after exports that were fetched
    #[command(subcommand)]
    Export(export::ExportCommand),
    /// Gives an account a password, read from the first line of standard input
    Password {
        /// Its username or id
        user: String,
    },
    /// Turns an account's second factor off, for somebody who lost it with all recovery codes
    ForgetSecondFactor {
        /// Its username or id
        user: String,
    },
    /// Gives an account a role
    Grant {
        /// Its username or id
        user: String,
        /// operator or auditor
        #[arg(value_parser = role)]
        role: Role,
    },
}

fn role(text: &str) -> Result<Role, String> {
    text.parse().map_err(|error| format!("{error}"))
}

/// Runs what the arguments say.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    // Whatever this process writes is its owner's alone: the views hold clear text.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let config = match Config::load(&cli.settings) {
        Ok(config) => config,
        // a database that cannot be used ends the start in the same way wherever that is noticed
        Err(error @ ConfigError::Database(_)) => return fail(1, &error),
        Err(error) => return fail(2, &error),
    };
    // a thread that hashed passwords keeps its twenty megabytes as long as it lives
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = match runtime.enable_all().thread_keep_alive(KEEP_THREADS).build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(1, &error),
    };
    let ended = runtime.block_on(run(cli.command, config));
    match ended {
        Ok(code) => code,
        Err(error) => fail(1, &error),
    }
}

async fn run(command: Command, config: Config) -> Result<ExitCode, Box<dyn std::error::Error + Send + Sync>> {
    match command {
        Command::Serve { role } => {
            match config.with_role(role) {
                Ok(config) => serve::run(config).await?,
                Err(error) => return Ok(fail(2, &error)),
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Health => {
            health::ask(config.listen, config.edge.tls.is_some())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Replay { projections, verify, sample } => {
            let sample = sample.and_then(|sample| usize::try_from(sample).ok());
            operate::run(&config, Operation::Replay { projections, verify, sample }).await
        }
        Command::Export(command) => export::run(command),
        Command::Events { follow, after } => operate::run(&config, Operation::Events { after, follow }).await,
        Command::Audit(command) => audit::run(&config, command).await,
        Command::Backup { directory, keys_dir } => backup::take(&config, directory, keys_dir).await,
        Command::Restore { directory, keys_dir, erasures, force, key } => {
            let keys = keys_dir.unwrap_or_else(|| directory.join(backup::KEYS));
            let key = key.map(|key| audit::key_or_file(&key)).transpose()?;
            backup::restore(&config, RestoreRequest { directory, keys, erasures, force, key }).await
        }
        Command::Password { user } => operate::with_line(&config, Operation::SetPassword { user }).await,
        Command::ForgetSecondFactor { user } => operate::run(&config, Operation::ForgetSecondFactor { user }).await,
        Command::Grant { user, role } => operate::run(&config, Operation::Grant { user, role }).await,
        Command::Seed { seed, people, messages, password, force } => {
            let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
            let plan = Plan { seed, people: count(people), messages: count(messages.into()), password, force };
            operate::run(&config, Operation::Seed(plan)).await
        }
        Command::Import { files } => import::run(&config, &files).await,
    }
}

/// One sentence to standard error.
fn fail(code: u8, error: &dyn std::fmt::Display) -> ExitCode {
    // nobody is left to tell when standard error is closed
    let _ = writeln!(std::io::stderr(), "tidings: {error}");
    ExitCode::from(code)
}
