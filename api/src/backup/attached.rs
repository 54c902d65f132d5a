//! Attachments: sealed files, which never change. A backup holds those there are, and forgets those that were removed.

use std::{
    collections::{HashMap, HashSet},
    fs, io,
    path::{Path, PathBuf},
};

use tidings_attachments::Place;

use super::{
    failed,
    files::{self, Lines, NewFile},
    lines::FileLine,
    manifest::{Part, numbered},
};
use crate::control::OperationError;

/// Their directory, in a backup as in a data directory.
pub(super) const ATTACHMENTS: &str = "attachments";

/// The names of the files below a directory, and nothing that is not one of ours.
fn names(root: &Path) -> io::Result<Vec<String>> {
    let mut names = vec![];
    for directory in 0..=u8::MAX {
        let directory = format!("{directory:02x}");
        let files = list(&root.join(&directory))?.into_iter().map(|file| format!("{directory}/{file}"));
        names.extend(files.filter(|name| name.parse::<Place>().is_ok()));
    }
    names.sort_unstable();
    Ok(names)
}

fn list(directory: &Path) -> io::Result<Vec<String>> {
    match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(vec![]),
        entries => entries?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect(),
    }
}

/// Copies what the last backup does not have; the list of all.
pub(super) fn copy(from: &Path, backup: &Path, last: Option<&Part>, entries: u64) -> Result<Part, OperationError> {
    let mut known = HashMap::new();
    if let Some(last) = last {
        for_each(backup, last, |file| {
            known.insert(file.name.clone(), file);
            Ok(())
        })?;
    }
    let name = numbered(ATTACHMENTS, entries);
    let (mut list, mut count) = (NewFile::create(&backup.join(&name)).map_err(failed)?, 0);
    for name in names(from).map_err(failed)? {
        let to = backup.join(ATTACHMENTS).join(&name);
        let file = match known.remove(&name).filter(|file| to.metadata().is_ok_and(|there| there.len() == file.bytes)) {
            Some(file) => Some(file),
            None => files::copy(&from.join(&name), &to).map_err(failed)?.map(|written| FileLine {
                name,
                bytes: written.bytes,
                sha256: written.sha256,
            }),
        };
        // one that was removed meanwhile is erased, and the list of erasures says so
        if let Some(file) = file {
            list.line(&file).map_err(failed)?;
            count += 1;
        }
    }
    let sha256 = list.keep().map_err(failed)?.sha256;
    Ok(Part { file: name.display().to_string(), count, sha256 })
}

/// Removes from a backup what its list has not.
pub(super) fn sweep(backup: &Path, part: &Part) -> Result<(), OperationError> {
    let mut known = HashSet::new();
    for_each(backup, part, |file| {
        known.insert(file.name);
        Ok(())
    })?;
    let root = backup.join(ATTACHMENTS);
    for name in names(&root).map_err(failed)? {
        if !known.contains(&name) {
            fs::remove_file(root.join(name)).map_err(failed)?;
        }
    }
    Ok(())
}

/// Compares every file with the list.
pub(super) fn check(backup: &Path, part: &Part) -> Result<(), OperationError> {
    for_each(backup, part, |file| {
        let path = path_of(&backup.join(ATTACHMENTS), &file)?;
        let wrong = |why: String| OperationError::Failed(format!("{} {why}", path.display()));
        let found = files::measure(&path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        if (found.bytes, found.sha256) == (file.bytes, file.sha256) {
            Ok(())
        } else {
            Err(wrong("is not what was written: its hash is another".to_owned()))
        }
    })
}

/// Copies every file to a data directory.
pub(super) fn put_back(backup: &Path, part: &Part, data_dir: &Path) -> Result<(), OperationError> {
    for_each(backup, part, |file| {
        let (from, to) = (path_of(&backup.join(ATTACHMENTS), &file)?, path_of(&data_dir.join(ATTACHMENTS), &file)?);
        files::copy(&from, &to).map(drop).map_err(failed)
    })
}

/// A list may name nothing but what is below the directory.
fn path_of(root: &Path, file: &FileLine) -> Result<PathBuf, OperationError> {
    match file.name.parse::<Place>() {
        Ok(_) => Ok(root.join(&file.name)),
        Err(error) => Err(OperationError::Failed(format!("{:?}: {error}", file.name))),
    }
}

fn for_each(
    backup: &Path,
    part: &Part,
    mut each: impl FnMut(FileLine) -> Result<(), OperationError>,
) -> Result<(), OperationError> {
    let path = backup.join(&part.file);
    let unreadable = |error: io::Error| OperationError::Failed(format!("{}: {error}", path.display()));
    let (mut lines, mut count) = (Lines::open(&path).map_err(unreadable)?, 0);
    while let Some(line) = lines.next().map_err(unreadable)? {
        let file = serde_json::from_str(line);
        let file = file.map_err(|_| OperationError::Failed(format!("{} is none of a backup", lines.place())))?;
        each(file)?;
        count += 1;
    }
    if (count, &lines.end().sha256) == (part.count, &part.sha256) {
        Ok(())
    } else {
        Err(OperationError::Failed(format!("{} is not what was written: its hash is another", path.display())))
    }
}
