//! Taking a backup, while the server serves: the log up to the newest signed head, then what belongs to it.
//!
//! The order matters. Keys come after the log, for a key is durable before anything is sealed with it. Erasures come last: what was
//! erased meanwhile is in the log that was copied, but its key and its file perhaps not in the rest; a restore erases it again.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use tidings_event_store::{CommandKey, Filter, Position, RecordedEvent, sqlite::FileLock};
use tidings_notary::{Checkpoint, EntryLine, Line, Places, Tree, VerifierKey};
use tokio::task::block_in_place;

use super::{
    attached, erasures, failed,
    files::{self, NewFile},
    lines::{CommandLine, KeysLine, LogLine, command_of},
    manifest::{Manifest, Part, Segment, numbered},
};
use crate::{
    clock,
    control::{OperationError, Operator, Report, Reports, report},
    notary::{Signed, entry},
};

const PAGE: usize = 1_000;
/// A file of the log is ended after so many events, or so many bytes.
const SEGMENT_ENTRIES: u64 = 50_000;
const SEGMENT_BYTES: u64 = 64 << 20;
const BLOCKS: usize = 256;
/// How long the notary may take to come to the end of the log: it may have to begin at its beginning.
const SIGNED_WITHIN: Duration = Duration::from_mins(10);

/// Where a backup goes. Absolute paths: the server has another working directory.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BackupRequest {
    /// The log, attachments, erasures.
    pub directory: PathBuf,
    /// The keys.
    pub keys: PathBuf,
}

/// Takes a backup, or brings one up to date.
pub async fn take(operator: &Operator, request: &BackupRequest, reports: &Reports) -> Result<String, OperationError> {
    if let Some(refused) = operator.sources.refused {
        return Err(OperationError::Failed(refused.to_owned()));
    }
    files::make(&request.directory).map_err(failed)?;
    let _turn = only_one(&request.directory)?;
    let notary = operator.notary.as_ref().ok_or_else(|| OperationError::Failed("no notary is at work".to_owned()))?;
    let head = operator.store.head().await.map_err(failed)?;
    if head == Position::START {
        return Err(OperationError::Failed("the log is empty: there is nothing to back up".to_owned()));
    }
    let signed = notary.covering(head, SIGNED_WITHIN).await;
    let signed = signed
        .ok_or_else(|| OperationError::Failed("the notary has not signed the log: look at its errors".to_owned()))?;
    let last = Manifest::read(&request.directory)?;
    let mut manifest = Manifest::newest(&request.directory)?.unwrap_or_else(Manifest::begin);
    goes_on(&manifest, &signed, operator, &request.directory)?;
    let begun = manifest.entries;
    Copying { operator, request, reports, signed: &signed, manifest: &mut manifest, segment: None }.run().await?;

    manifest.made_at = clock::now().to_string();
    manifest.root = signed.checkpoint.head.root.to_string();
    manifest.key = notary.key().to_string();
    manifest.checkpoint.clone_from(&signed.checkpoint.note);
    if let Some(from) = &operator.sources.attachments {
        let last = last.as_ref().and_then(|last| last.attachments.as_ref());
        let copied = block_in_place(|| attached::copy(from, &request.directory, last, manifest.entries))?;
        manifest.attachments = Some(copied);
    }
    manifest.keys = Some(copy_keys(operator, &request.keys, manifest.entries).await?);
    erasures::write(&request.directory.join(erasures::ERASURES), operator.store.as_ref()).await?;
    block_in_place(|| finish(&manifest, last, request))?;
    let added = manifest.entries - begun;
    Ok(format!(
        "{} events, {added} of them new since the last backup, up to position {}",
        manifest.entries, manifest.position
    ))
}

/// One backup at a time writes to a directory.
fn only_one(directory: &Path) -> Result<FileLock, OperationError> {
    FileLock::take(&directory.join(".lock"))
        .map_err(failed)?
        .ok_or_else(|| OperationError::Failed(format!("another backup is being written to {}", directory.display())))
}

/// Whether the log goes on from what the backup has.
fn goes_on(manifest: &Manifest, signed: &Signed, operator: &Operator, directory: &Path) -> Result<(), OperationError> {
    if manifest.entries == 0 {
        return Ok(());
    }
    let here = Tree::new(&signed.edge, &operator.tiles).root_at(manifest.entries).ok();
    if here.is_some_and(|root| root.to_string() == manifest.root) {
        return Ok(());
    }
    let directory = directory.display();
    Err(OperationError::Failed(format!(
        "{directory} has a backup of another log than this one: name another directory"
    )))
}

/// The log, as far as it is signed.
struct Copying<'a> {
    operator: &'a Operator,
    request: &'a BackupRequest,
    reports: &'a Reports,
    signed: &'a Signed,
    manifest: &'a mut Manifest,
    segment: Option<(NewFile, Segment)>,
}

impl Copying<'_> {
    async fn run(mut self) -> Result<(), OperationError> {
        let size = self.signed.checkpoint.head.size;
        let mut places = Places::new(self.operator.tiles.clone(), size).after(self.manifest.entries);
        let (mut at, mut index) = (Position::new(self.manifest.position), self.manifest.entries);
        while index < size {
            let page = self.operator.store.read_all(at, &Filter::All, PAGE).await.map_err(failed)?;
            let most = usize::try_from(size - index).unwrap_or(usize::MAX);
            let events: Vec<_> = page.events.into_iter().take(most).collect();
            let Some(last) = events.last() else {
                return Err(OperationError::Failed(format!("the log ends with entry {index} of {size} signed ones")));
            };
            at = last.position;
            let commands = self.commands(&events).await?;
            block_in_place(|| {
                let mut numbered = events.iter().zip(commands).zip(index..);
                numbered.try_for_each(|((event, command), index)| self.add(event, command, &mut places, index))
            })?;
            index += events.len() as u64;
            let progress = Report::Progress { what: "events".to_owned(), done: index, total: Some(size) };
            report(self.reports, progress).await?;
        }
        block_in_place(|| self.end_segment())
    }

    /// The keys of the commands that these are the first events of.
    async fn commands(&self, events: &[Arc<RecordedEvent>]) -> Result<Vec<Option<CommandKey>>, OperationError> {
        let ids: Vec<_> = events.iter().map(|event| command_of(event)).collect();
        let asked: Vec<_> = ids.iter().flatten().copied().collect();
        let mut found = self.operator.store.find_commands(&asked).await.map_err(failed)?.into_iter();
        let keys = ids.into_iter().zip(events).map(|(id, event)| {
            let id = id?;
            let first = found.next().flatten().filter(|record| record.position == event.position)?;
            Some(CommandKey { id, fingerprint: first.fingerprint })
        });
        Ok(keys.collect())
    }

    fn add(
        &mut self,
        event: &RecordedEvent,
        command: Option<CommandKey>,
        places: &mut Places,
        index: u64,
    ) -> Result<(), OperationError> {
        let entry = entry(event);
        let place = places.place(entry.position).map_err(failed)?;
        let found = entry.leaf_hash();
        if place.parts() != (Some(index), Some(found)) {
            let position = entry.position;
            return Err(OperationError::Failed(format!(
                "position {position} differs from what was signed: `tidings audit verify` says more"
            )));
        }
        let (mut file, mut segment) = match self.segment.take() {
            Some(segment) => segment,
            None => self.begin_segment(index)?,
        };
        file.line(&LogLine { entry: EntryLine::new(&entry, place), command: command.map(CommandLine::from) })
            .map_err(failed)?;
        segment.entries += 1;
        segment.position = entry.position;
        let full = segment.entries >= SEGMENT_ENTRIES || file.bytes() >= SEGMENT_BYTES;
        self.segment = Some((file, segment));
        if full { self.end_segment() } else { Ok(()) }
    }

    fn begin_segment(&self, first: u64) -> Result<(NewFile, Segment), OperationError> {
        let name = format!("log/{first:012}.ndjson");
        let file = NewFile::create(&self.request.directory.join(&name)).map_err(failed)?;
        Ok((file, Segment { file: name, first, entries: 0, position: 0, bytes: 0, sha256: String::new() }))
    }

    /// What was copied so far is not copied again when this is cut off.
    fn end_segment(&mut self) -> Result<(), OperationError> {
        let Some((file, segment)) = self.segment.take() else { return Ok(()) };
        let written = file.keep().map_err(failed)?;
        self.manifest.add(Segment { bytes: written.bytes, sha256: written.sha256, ..segment });
        let root = Tree::new(&self.signed.edge, &self.operator.tiles).root_at(self.manifest.entries).map_err(failed)?;
        self.manifest.root = root.to_string();
        self.manifest.put_under_way(&self.request.directory)
    }
}

/// All keys, as they are wrapped, and the secret where it is a file.
async fn copy_keys(operator: &Operator, directory: &Path, entries: u64) -> Result<Part, OperationError> {
    let (keyring, name) = (&operator.sources.keyring, numbered("keys", entries));
    let mut file = NewFile::create(&directory.join(&name)).map_err(failed)?;
    let erased_to = keyring.erased_to().await.map_err(failed)?;
    file.line(&KeysLine::ErasedTo(erased_to.get())).map_err(failed)?;
    let (mut after, mut count) = (0, 0);
    loop {
        let blocks = keyring.blocks(after, BLOCKS).await.map_err(failed)?;
        let Some((last, _)) = blocks.last() else { break };
        (after, count) = (*last, count + blocks.len() as u64);
        let lines = blocks.iter().map(|(number, block)| KeysLine::Block(*number, BASE64_STANDARD.encode(&block.0)));
        block_in_place(|| lines.into_iter().try_for_each(|line| file.line(&line))).map_err(failed)?;
    }
    if let Some(secret) = &operator.sources.secret {
        files::copy(secret, &directory.join("secret")).map_err(failed)?;
    }
    let sha256 = file.keep().map_err(failed)?.sha256;
    Ok(Part { file: name.display().to_string(), count, sha256 })
}

/// Makes the backup whole, and removes what belonged to the last one alone.
fn finish(manifest: &Manifest, last: Option<Manifest>, request: &BackupRequest) -> Result<(), OperationError> {
    let BackupRequest { directory, keys } = request;
    for (name, text) in copies(manifest)? {
        files::put(&directory.join(name), text.as_bytes()).map_err(failed)?;
    }
    manifest.put_whole(directory)?;
    let last = last.unwrap_or_default();
    let old = [(keys, last.keys, &manifest.keys), (directory, last.attachments, &manifest.attachments)];
    for (place, before, now) in old {
        let names = (before.map(|part| part.file), now.as_ref().map(|part| &part.file));
        if let (Some(before), now) = names
            && Some(&before) != now
        {
            std::fs::remove_file(place.join(before)).map_err(failed)?;
        }
    }
    manifest.attachments.as_ref().map_or(Ok(()), |part| attached::sweep(directory, part))
}

/// What of a manifest is in files of its own, too, for verifiers: the log's files and the first of these are an export.
pub(super) fn copies(manifest: &Manifest) -> Result<[(&'static str, String); 2], OperationError> {
    let line = serde_json::to_string(&Line::Checkpoint { checkpoint: manifest.checkpoint.clone() }).map_err(failed)?;
    Ok([("checkpoint.ndjson", format!("{line}\n")), ("key", format!("{}\n", manifest.key))])
}

/// The head and key of a manifest, the one signed by the other.
pub(super) fn head_of(manifest: &Manifest, key: Option<&str>) -> Result<(VerifierKey, Checkpoint), OperationError> {
    let key: VerifierKey = key.unwrap_or(&manifest.key).parse().map_err(failed)?;
    let head = Checkpoint::verify(&manifest.checkpoint, &key).map_err(failed)?;
    Ok((key, head))
}
