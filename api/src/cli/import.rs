//! `tidings import`: first a survey of the whole file, which refuses a bad one before anything of it is in, then the lines
//! that are not there yet.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use tokio::{
    fs::File,
    io::{AsyncBufReadExt, BufReader},
};

use super::operate::{perform, tell};
use crate::{config::Config, control::Operation};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Imports files one after the other; the first that cannot be imported ends it.
pub(super) async fn run(config: &Config, files: &[PathBuf]) -> Result<ExitCode, Failure> {
    for file in files {
        let lines = count_lines(file).await?;
        let survey = perform(config, Operation::Survey, Some(lines), open(file).await?).await?;
        let Ok(skip) = survey.summary.parse() else {
            writeln!(std::io::stderr(), "{}: {}", file.display(), survey.summary)?;
            return Ok(ExitCode::from(survey.code.max(1)));
        };
        let ended = perform(config, Operation::Import { skip }, Some(lines), open(file).await?).await?;
        write!(std::io::stderr(), "{}: ", file.display())?;
        let code = tell(&ended)?;
        if ended.code != 0 {
            return Ok(code);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn open(file: &Path) -> Result<BufReader<File>, Failure> {
    let opened = File::open(file).await.map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(BufReader::with_capacity(1 << 16, opened))
}

async fn count_lines(file: &Path) -> Result<u64, Failure> {
    let mut input = open(file).await?;
    let (mut line, mut lines) = (Vec::new(), 0);
    while input.read_until(b'\n', &mut line).await? > 0 {
        lines += 1;
        line.clear();
    }
    Ok(lines)
}
