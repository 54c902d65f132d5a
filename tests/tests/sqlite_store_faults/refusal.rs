//! Files that the store must not open, and must not touch.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use rusqlite::Connection;
use tempfile::TempDir;
use tidings_event_store::OpenError;
use tidings_tests::conformance::{append, events, stream};

use super::open;

fn directory() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("there is a place for temporary files");
    let file = directory.path().join("events.db");
    (directory, file)
}

/// Opens what must be refused, and compares every byte.
fn refused(file: &Path) -> OpenError {
    let before = fs::read(file).expect("it is there");
    let error = open(file).expect_err("it must be refused");
    assert!(fs::read(file).expect("it is still there") == before, "it was changed");
    error
}

/// A store with events in it, closed.
async fn written(file: &Path) {
    let store = open(file).expect("it is new");
    for _ in 0..50 {
        append(&store, &stream("user"), 0, events(20)).await.expect("a new stream");
    }
}

#[test]
fn what_is_no_database_is_refused_untouched() {
    let (directory, file) = directory();
    for content in ["x".repeat(99), "minutes of a meeting\n".repeat(500), "SQLite format 3".to_owned()] {
        fs::write(&file, content).expect("there is room");
        let error = refused(&file);
        assert!(matches!(error, OpenError::NotSqlite(_)), "{error:?}");
        assert!(error.to_string().ends_with("is not a SQLite database: move it away, or name another data directory"));
    }
    assert_eq!(fs::read_dir(&directory).expect("it is there").count(), 1, "nothing was left beside it");
}

#[test]
fn a_database_of_another_program_is_refused_untouched() {
    let (_directory, file) = directory();
    let foreign = Connection::open(&file).expect("it is new");
    foreign.execute_batch("CREATE TABLE events (position INTEGER); PRAGMA user_version = 1").expect("it is new");
    drop(foreign);
    let error = refused(&file);
    assert!(matches!(error, OpenError::Foreign { kind: "event store", .. }), "{error:?}");
}

#[tokio::test]
async fn a_newer_schema_is_refused_untouched() {
    let (_directory, file) = directory();
    written(&file).await;
    Connection::open(&file).and_then(|it| it.pragma_update(None, "user_version", 99)).expect("it can be written");
    let error = refused(&file);
    assert!(matches!(error, OpenError::Newer { found: 99, .. }), "{error:?}");
    assert!(error.to_string().ends_with("start the newer version again"));
}

/// Right after an upgrade that crashed, only the write-ahead log knows of the new schema.
#[tokio::test]
async fn a_newer_schema_in_the_write_ahead_log_is_refused_untouched() {
    let (_upgraded, upgraded) = directory();
    written(&upgraded).await;
    let newer = Connection::open(&upgraded).expect("it is a database");
    newer.pragma_update(None, "user_version", 99).expect("it can be written");
    let (_directory, file) = directory();
    for suffix in ["", "-wal"] {
        let path = |file: &Path| format!("{}{suffix}", file.display());
        fs::copy(path(&upgraded), path(&file)).expect("both are there while it is open");
    }
    let error = refused(&file);
    assert!(matches!(error, OpenError::Newer { found: 99, .. }), "{error:?}");
}

#[tokio::test]
async fn a_damaged_file_is_refused_untouched() {
    let (_directory, file) = directory();
    written(&file).await;
    let whole = fs::read(&file).expect("it is there");
    let cut_short = whole[..whole.len() / 2].to_vec();
    let mut overwritten = whole.clone();
    overwritten[100..].fill(0xa5);
    for damaged in [cut_short, overwritten] {
        fs::write(&file, damaged).expect("there is room");
        let error = refused(&file);
        assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
        assert!(error.to_string().ends_with("move it away and restore a backup"));
    }
    fs::write(&file, whole).expect("there is room");
    open(&file).expect("whole again, it opens");
}

#[tokio::test]
async fn a_store_that_is_open_is_not_opened_twice() {
    let (_directory, file) = directory();
    let first = open(&file).expect("it is new");
    let error = open(&file).expect_err("it must be refused");
    assert!(matches!(error, OpenError::InUse(_)), "{error:?}");
    append(&first, &stream("user"), 0, events(1)).await.expect("the first is not hurt");
    drop(first);
    open(&file).expect("it is free again");
}

/// A program that is being started has a copy of every open file, and of its lock, until it has begun.
#[test]
fn a_store_that_was_closed_opens_at_once_while_programs_are_started() {
    let (_directory, file) = directory();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    Command::new("true").status().expect("it is there");
                }
            });
        }
        let opened = (0..200).try_for_each(|_| open(&file).map(drop));
        done.store(true, Ordering::Relaxed);
        opened.expect("it is free again");
    });
}

#[test]
fn a_directory_that_is_not_there_is_told_as_that() {
    let (directory, _) = directory();
    let error = open(&directory.path().join("missing").join("events.db")).expect_err("it must be refused");
    assert!(matches!(error, OpenError::Unusable { .. }), "{error:?}");
    assert!(error.to_string().ends_with("see that its directory is there, writable and not full"));
}

#[test]
fn an_empty_file_becomes_a_store() {
    let (_directory, file) = directory();
    fs::write(&file, "").expect("there is room");
    open(&file).expect("an empty file is nobody's");
}
