//! Verifies an export: nothing is needed but its lines, the key, and better a head that was kept elsewhere.

use tidings_notary::{Audit, Line};
use tokio::io::{AsyncBufRead, AsyncBufReadExt};

use super::{Against, Ended, OperationError, Reports, differs, failed, read_heads, tell};

/// Compares the lines of an export with signed heads: those given, and the one at its end.
///
/// `lines` is read twice, for the heads stand at the end: `open` gives it anew.
pub async fn verify_lines<R: AsyncBufRead + Unpin>(
    open: impl AsyncFn() -> Result<R, OperationError>,
    against: Against,
    reports: &Reports,
) -> Ended {
    let key =
        against.key.ok_or_else(|| OperationError::Failed("no key: give the verifier key with --key".to_owned()))?;
    let mut notes = against.notes;
    let mut lines = open().await?.lines();
    while let Some(line) = lines.next_line().await.map_err(failed)? {
        if line.starts_with(r#"{"checkpoint":"#)
            && let Line::Checkpoint { checkpoint } = read(&line, 0)?
        {
            notes.push(checkpoint);
        }
    }
    let mut audit = Audit::new(&read_heads(&key, &notes)?);
    let (mut lines, mut number) = (open().await?.lines(), 0_u64);
    while let Some(line) = lines.next_line().await.map_err(failed)? {
        number += 1;
        let Line::Entry(line) = read(&line, number)? else { continue };
        if let Err(difference) = audit.take(&line.entry(), line.index, line.leaf_hash) {
            return differs(&difference, reports).await;
        }
    }
    tell(audit.end(), reports).await
}

fn read(line: &str, number: u64) -> Result<Line, OperationError> {
    serde_json::from_str(line)
        .map_err(|error| OperationError::Failed(format!("line {number} is none of an export: {error}")))
}
