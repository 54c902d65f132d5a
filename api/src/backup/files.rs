//! Files that are there whole or not at all, with the hash of what is in them.

use std::{
    fs::{self, DirBuilder, File},
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use aws_lc_rs::digest::{Context, SHA256};
use serde::Serialize;

const BUFFER: usize = 1 << 16;

/// The SHA-256 of bytes that come one after the other.
pub(super) struct Hashing(Context);

impl Hashing {
    pub(super) fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// As hex digits.
    pub(super) fn end(self) -> String {
        hex::encode(self.0.finish())
    }

    /// As hex digits, of what came so far.
    pub(super) fn so_far(&self) -> String {
        hex::encode(self.0.clone().finish())
    }
}

/// How much was written, and its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// A file that is being written beside its name, which it gets when it is whole and synced.
pub(super) struct NewFile {
    path: PathBuf,
    beside: PathBuf,
    file: BufWriter<File>,
    hashing: Hashing,
    bytes: u64,
}

impl NewFile {
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        if let Some(directory) = path.parent() {
            make(directory)?;
        }
        let file = BufWriter::with_capacity(BUFFER, File::create(&beside)?);
        Ok(Self { path: path.to_owned(), beside, file, hashing: Hashing::new(), bytes: 0 })
    }

    pub(super) fn add(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hashing.add(bytes);
        self.bytes += bytes.len() as u64;
        self.file.write_all(bytes)
    }

    pub(super) fn line(&mut self, line: &impl Serialize) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.add(&text)
    }

    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Of all that was written so far.
    pub(super) fn hash_so_far(&self) -> String {
        self.hashing.so_far()
    }

    /// Gives it its name. It survives a crash when this returns.
    pub(super) fn keep(self) -> io::Result<Written> {
        let file = self.file.into_inner()?;
        file.sync_all()?;
        fs::rename(&self.beside, &self.path)?;
        if let Some(directory) = self.path.parent() {
            File::open(directory)?.sync_all()?;
        }
        Ok(Written { bytes: self.bytes, sha256: self.hashing.end() })
    }
}

/// Makes a directory and those above it, for the owner alone.
pub(super) fn make(directory: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

/// Writes a small file.
pub(super) fn put(path: &Path, bytes: &[u8]) -> io::Result<Written> {
    let mut file = NewFile::create(path)?;
    file.add(bytes)?;
    file.keep()
}

/// Copies a file; none when it is not there any more.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<Option<Written>> {
    let mut source = match File::open(from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let (mut file, mut buffer) = (NewFile::create(to)?, vec![0; BUFFER]);
    loop {
        match source.read(&mut buffer)? {
            0 => return file.keep().map(Some),
            read => file.add(&buffer[..read])?,
        }
    }
}

/// Reads a file to its end; its length and hash.
pub(super) fn measure(path: &Path) -> io::Result<Written> {
    let (mut file, mut buffer) = (File::open(path)?, vec![0; BUFFER]);
    let (mut hashing, mut bytes) = (Hashing::new(), 0);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(Written { bytes, sha256: hashing.end() }),
            read => {
                hashing.add(&buffer[..read]);
                bytes += read as u64;
            }
        }
    }
}

/// A file read line by line, and hashed on the way.
pub(super) struct Lines {
    path: PathBuf,
    file: BufReader<File>,
    hashing: Hashing,
    before: String,
    bytes: u64,
    number: u64,
    line: String,
}

impl Lines {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = BufReader::with_capacity(BUFFER, File::open(path)?);
        let (hashing, before) = (Hashing::new(), String::new());
        Ok(Self { path: path.to_owned(), file, hashing, before, bytes: 0, number: 0, line: String::new() })
    }

    /// The next line, without its end; none at the end of the file.
    pub(super) fn next(&mut self) -> io::Result<Option<&str>> {
        self.hashing.add(self.line.as_bytes());
        self.line.clear();
        let read = self.file.read_line(&mut self.line)?;
        self.bytes += read as u64;
        self.number += 1;
        Ok((read > 0).then(|| self.line.trim_end_matches('\n')))
    }

    /// Where it is, for people.
    pub(super) fn place(&self) -> String {
        format!("{} line {}", self.path.display(), self.number)
    }

    /// The hash of all lines before the present one.
    pub(super) fn hash_before(&mut self) -> &str {
        self.before = self.hashing.so_far();
        &self.before
    }

    /// Length and hash, once it was read to its end.
    pub(super) fn end(self) -> Written {
        Written { bytes: self.bytes, sha256: self.hashing.end() }
    }
}
