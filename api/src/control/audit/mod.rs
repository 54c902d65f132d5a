//! Verifies, exports and proves the log: in the server that writes it, or on a copy with nothing but its files.

mod lines;
mod source;

use serde::{Deserialize, Serialize};
use tidings_notary::{Audit, Checkpoint, Difference, EntryLine, Line, Places, Summary, Tiles, VerifierKey};

use super::{Ended, OperationError, Operator, Report, Reports, report};
use crate::notary::{Prover, entry};

pub use lines::verify_lines;
pub use source::Source;

/// What an auditor asks for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditOperation {
    /// Compare the log with its signed heads.
    Verify(Against),
    /// Print the log with everything a verifier needs.
    Export,
    /// Prove that the event at a position is in the tree of a size, the newest when none is given.
    Inclusion {
        /// Where in the log.
        position: u64,
        /// How large the tree is.
        size: Option<u64>,
    },
    /// Prove that a tree is the beginning of a later one, the newest when none is given.
    Consistency {
        /// The size of the earlier.
        from: u64,
        /// The size of the later.
        to: Option<u64>,
    },
    /// Print the key that checks heads.
    Key,
}

/// What a log is compared with.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Against {
    /// The verifier key; that of the data directory or the export when none is given.
    pub key: Option<String>,
    /// Signed heads that were kept elsewhere.
    pub notes: Vec<String>,
}

impl Operator {
    /// Does it with what this process has open.
    pub(super) async fn audit(&self, operation: AuditOperation, reports: &Reports) -> Ended {
        if let Some(notary) = &self.notary {
            let head = self.store.head().await.map_err(failed)?;
            notary.signed(head).await;
        }
        run(operation, &self.source()?, &self.tiles, reports).await
    }

    /// The file where there is one: what is in memory cannot have been tampered with.
    fn source(&self) -> Result<Source, OperationError> {
        match &self.log_file {
            Some(path) => Source::file(path),
            None => Ok(Source::Store(self.store.clone())),
        }
    }
}

/// Does it with a log and the tree kept beside it.
pub async fn run(operation: AuditOperation, source: &Source, tiles: &Tiles, reports: &Reports) -> Ended {
    match operation {
        AuditOperation::Verify(against) => verify(source, tiles, against, reports).await,
        AuditOperation::Export => export(source, tiles, reports).await,
        AuditOperation::Inclusion { .. } | AuditOperation::Consistency { .. } => prove(operation, tiles, reports).await,
        AuditOperation::Key => {
            let key = tiles.key().map_err(failed)?.ok_or_else(|| nothing(tiles))?;
            report(reports, Report::Line(key.trim_end().to_owned())).await?;
            Ok((0, "the verifier key".to_owned()))
        }
    }
}

async fn verify(source: &Source, tiles: &Tiles, against: Against, reports: &Reports) -> Ended {
    let own = tiles.note().map_err(failed)?;
    let key = against.key.map_or_else(|| tiles.key().map_err(failed), |key| Ok(Some(key)))?;
    let key = key.ok_or_else(|| OperationError::Failed("no key: give the verifier key with --key".to_owned()))?;
    let notes: Vec<_> = against.notes.into_iter().chain(own.clone()).collect();
    let heads = read_heads(&key, &notes)?;
    let mut places = Places::new(tiles.clone(), size_of(own.as_deref(), &key));
    let mut audit = Audit::new(&heads);
    let mut reading = source.reading(reports);
    while let Some(events) = reading.next().await? {
        for event in &events {
            let entry = entry(event);
            let (index, leaf) = places.place(entry.position).map_err(failed)?.parts();
            if let Err(difference) = audit.take(&entry, index, leaf) {
                return differs(&difference, reports).await;
            }
        }
    }
    tell(audit.end(), reports).await
}

/// The heads that these notes are. One that this key did not sign ends it all: it is none to compare with.
fn read_heads(key: &str, notes: &[String]) -> Result<Vec<Checkpoint>, OperationError> {
    let key: VerifierKey = key.parse().map_err(failed)?;
    let heads =
        notes.iter().map(|note| Checkpoint::verify(note, &key)).collect::<Result<Vec<_>, _>>().map_err(failed)?;
    if heads.is_empty() {
        return Err(OperationError::Failed(
            "there is no signed head to compare with: give one with --checkpoint".to_owned(),
        ));
    }
    Ok(heads)
}

fn size_of(note: Option<&str>, key: &str) -> u64 {
    let head = note.zip(key.parse().ok()).and_then(|(note, key)| Checkpoint::verify(note, &key).ok());
    head.map_or(0, |checkpoint| checkpoint.head.size)
}

async fn differs(difference: &Difference, reports: &Reports) -> Ended {
    report(reports, Report::Line(difference.to_string())).await?;
    Ok((1, "the log is not what was signed".to_owned()))
}

async fn tell(found: Result<Summary, Difference>, reports: &Reports) -> Ended {
    match found {
        Err(difference) => differs(&difference, reports).await,
        Ok(Summary { entries, signed, heads, root }) => {
            let new = entries - signed;
            Ok((
                0,
                format!(
                    "{entries} entries are as they were signed in {heads} heads, but for {new} that came after; root {root}"
                ),
            ))
        }
    }
}

async fn export(source: &Source, tiles: &Tiles, reports: &Reports) -> Ended {
    // the head first: what comes meanwhile stands after it
    let note = tiles.note().map_err(failed)?;
    let key = tiles.key().map_err(failed)?.unwrap_or_default();
    let mut places = Places::new(tiles.clone(), size_of(note.as_deref(), &key));
    let mut exported = 0_u64;
    let mut reading = source.reading(reports);
    while let Some(events) = reading.next().await? {
        for event in &events {
            let entry = entry(event);
            let place = places.place(entry.position).map_err(failed)?;
            line(&Line::Entry(EntryLine::new(&entry, place)), reports).await?;
            exported += 1;
        }
    }
    if let Some(checkpoint) = note {
        line(&Line::Checkpoint { checkpoint }, reports).await?;
    }
    Ok((0, format!("{exported} events")))
}

async fn line(line: &impl Serialize, reports: &Reports) -> Result<(), OperationError> {
    report(reports, Report::Line(serde_json::to_string(line).map_err(failed)?)).await
}

async fn prove(operation: AuditOperation, tiles: &Tiles, reports: &Reports) -> Ended {
    let note = tiles.note().map_err(failed)?.ok_or_else(|| nothing(tiles))?;
    let key: VerifierKey = tiles.key().map_err(failed)?.unwrap_or_default().parse().map_err(failed)?;
    let newest = Checkpoint::verify(&note, &key).map_err(failed)?.head.size;
    let edge = tiles.edge(newest).map_err(failed)?;
    let edge =
        edge.ok_or_else(|| OperationError::Failed("the tiles are not whole; a server makes them anew".to_owned()))?;
    let prover = Prover::new(&edge, tiles);
    match operation {
        AuditOperation::Inclusion { position, size } => {
            line(&prover.inclusion(position, size.unwrap_or(newest)).map_err(failed)?, reports).await?;
        }
        AuditOperation::Consistency { from, to } => {
            line(&prover.consistency(from, to.unwrap_or(newest)).map_err(failed)?, reports).await?;
        }
        AuditOperation::Verify(_) | AuditOperation::Export | AuditOperation::Key => {}
    }
    Ok((0, format!("the newest signed tree has {newest} entries")))
}

fn nothing(tiles: &Tiles) -> OperationError {
    OperationError::Failed(format!("nothing is signed yet in {}", tiles.directory().display()))
}

fn failed(error: impl std::fmt::Display) -> OperationError {
    OperationError::Failed(error.to_string())
}
