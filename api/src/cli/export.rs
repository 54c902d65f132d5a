//! `tidings export verify`: an export that was fetched, against its signed manifest. Needs neither server nor data directory.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use aws_lc_rs::digest::{Context, SHA256};
use clap::Subcommand;
use tidings_notary::VerifierKey;

use crate::exports::manifest::{self, Listed};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What may be asked of an export.
#[derive(Debug, Subcommand)]
pub(super) enum ExportCommand {
    /// Compares the files of an export with its signed manifest; exit code 1 on a difference, which is named
    Verify {
        /// Where its parts are, under their names, and its manifest as `manifest`
        directory: PathBuf,
        /// The verifier key, or a file that holds it [default: the file `key` beside the manifest, which proves less]
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
    },
}

/// Does what is asked.
pub(super) fn run(command: ExportCommand) -> Result<ExitCode, Failure> {
    let ExportCommand::Verify { directory, key } = command;
    let read = |path: &Path| {
        std::fs::read_to_string(path).map_err(|error| Failure::from(format!("{}: {error}", path.display())))
    };
    let key: VerifierKey = match key {
        Some(key) => key.parse().or_else(|_| read(Path::new(&key)).and_then(|text| Ok(text.parse()?)))?,
        None => read(&directory.join("key"))?.parse()?,
    };
    let manifest = manifest::verify(&read(&directory.join("manifest"))?, &key)?;
    let mut out = io::stdout().lock();
    let mut differ = 0;
    for part in &manifest.parts {
        if let Some(why) = difference(&directory, part)? {
            differ += 1;
            writeln!(out, "{}: {why}", part.name)?;
        }
    }
    let about = manifest.about;
    let (parts, of, id, position) = (about.parts, about.of, about.id, about.position);
    writeln!(
        io::stderr(),
        "an export of the {of} {id} as of position {position}, signed by {}: {parts} parts compared, {differ} differ",
        key.name()
    )?;
    Ok(ExitCode::from(u8::from(differ > 0)))
}

/// How a file differs from what was signed, if it does.
fn difference(directory: &Path, part: &Listed) -> Result<Option<String>, Failure> {
    // a name with a way in it would lead elsewhere
    if Path::new(&part.name).file_name().is_none_or(|name| name != part.name.as_str()) {
        return Ok(Some("this is no name of a part".to_owned()));
    }
    let path = directory.join(&part.name);
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Some("is missing".to_owned())),
        Err(error) => return Err(format!("{}: {error}", path.display()).into()),
    };
    let (mut hash, mut bytes, mut lines) = (Context::new(&SHA256), 0_u64, 0_u64);
    let mut piece = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            break;
        }
        hash.update(&piece[..read]);
        bytes += read as u64;
        lines += piece[..read].iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
    }
    if bytes != part.bytes {
        return Ok(Some(format!("has {bytes} bytes, not the {} that were signed", part.bytes)));
    }
    if part.lines.is_some_and(|signed| signed != lines) {
        return Ok(Some(format!("has {lines} lines, not as many as were signed")));
    }
    let same = hex::encode(hash.finish().as_ref()) == part.sha256;
    Ok((!same).then(|| "is not what was signed".to_owned()))
}
