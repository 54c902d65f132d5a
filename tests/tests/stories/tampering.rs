//! Somebody changes the embedded log behind the server's back: found by the program and by `docs/verify.py`, which share no
//! code, and both say where.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use rusqlite::Connection;
use tempfile::TempDir;
use tidings_tests::app::{Backend, Person, Setup, TestApp};

/// A log that was served and signed, stopped; what an auditor kept elsewhere.
struct Signed {
    app: TestApp,
    key: String,
    /// A head from the middle of its life, and the newest.
    kept: [String; 2],
    /// Where the first of them ends.
    position: u64,
    /// So many events there are at the end.
    events: u64,
    kept_dir: TempDir,
}

async fn auditor(app: &TestApp) -> Person {
    let person = app.person("auditor").await;
    app.tool_done(&["grant", &person.username, "auditor"]);
    person
}

async fn signed() -> Signed {
    let app = TestApp::embedded();
    let auditor = auditor(&app).await;
    let group = auditor.group("audited", &[]).await;
    auditor.send_all(&group, &["one", "two", "three"]).await;
    let key = auditor.get("/v1/audit/key").await.expect(200).text.trim().to_owned();
    let middle = auditor.get("/v1/audit/checkpoint").await.expect(200).text;
    let position = middle.lines().nth(1).expect("a test may use its files").parse().expect("a test may use its files");
    auditor.send_all(&group, &["four", "five", "six"]).await;
    let newest = auditor.get("/v1/audit/checkpoint").await.expect(200).text;
    let events = newest.lines().nth(1).expect("a test may use its files").parse().expect("a test may use its files");
    app.stop().await;
    let kept_dir = tempfile::tempdir().expect("a test may use its files");
    let kept = [("middle", middle), ("newest", newest)].map(|(name, note)| {
        let path = kept_dir.path().join(name);
        fs::write(&path, note).expect("a test may use its files");
        path.display().to_string()
    });
    Signed { app, key, kept, position, events, kept_dir }
}

/// A copy of the data directory, without what cannot be copied.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a test may use its files");
    for entry in fs::read_dir(from).expect("a test may use its files").flatten() {
        let (path, kind) = (entry.path(), entry.file_type().expect("a test may use its files"));
        if kind.is_dir() {
            copy(&path, &to.join(entry.file_name()));
        } else if kind.is_file() {
            fs::copy(&path, to.join(entry.file_name())).expect("a test may use its files");
        }
    }
}

impl Signed {
    /// A copy in which this was done to the log.
    fn tampered(&self, sql: &str) -> TempDir {
        let directory = tempfile::tempdir().expect("a test may use its files");
        copy(self.app.data_dir(), directory.path());
        let log = Connection::open(directory.path().join("events.db")).expect("a test may use its files");
        log.execute_batch(sql).expect("a test may use its files");
        directory
    }

    /// What is needed of a data directory: the log and what the notary keeps. Neither secret nor keys nor views.
    fn bare(directory: &Path) {
        for name in ["secret", "keys.db"] {
            fs::remove_file(directory.join(name)).expect("a test may use its files");
        }
    }

    fn tool(&self, directory: &Path, arguments: &[&str]) -> Output {
        let directory = directory.to_str().expect("a test may use its files");
        self.app.tool(&[&["--data-dir", directory, "audit"], arguments].concat())
    }

    fn export(&self, directory: &Path) -> PathBuf {
        let path = self.kept_dir.path().join("export.ndjson");
        let exported = self.tool(directory, &["export"]);
        assert!(exported.status.success(), "{exported:?}");
        fs::write(&path, exported.stdout).expect("a test may use its files");
        path
    }

    /// The log itself, its export by the program, and its export by the script: all three say the same.
    fn verify(&self, directory: &Path, kept: &[&str]) -> Result<(), String> {
        let heads: Vec<&str> = kept.iter().flat_map(|path| ["--checkpoint", *path]).collect();
        let export = self.export(directory).display().to_string();
        let verify = ["verify", "--key", &self.key];
        let by_log = self.tool(directory, &[&verify[..], &heads].concat());
        let by_export = self.tool(directory, &[&verify[..], &heads, &["--export", &export]].concat());
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/verify.py");
        let by_script = Command::new("python3")
            .args([script, &self.key, &export])
            .args(kept)
            .output()
            .expect("a test may use its files");
        let said = |output: &Output| (output.status.code(), String::from_utf8_lossy(&output.stdout).trim().to_owned());
        let (code, place) = said(&by_log);
        assert_eq!(said(&by_export), (code, place.clone()), "{by_export:?}");
        if code == Some(0) {
            assert!(by_script.status.success(), "{by_script:?}");
            return Ok(());
        }
        assert_eq!(said(&by_script), (Some(1), place.clone()), "{by_script:?}");
        assert_eq!(code, Some(1), "{by_log:?}");
        Err(place)
    }
}

#[tokio::test]
async fn every_tampering_with_the_log_is_found_and_its_place_named() {
    let signed = signed().await;
    let (last, kept) = (signed.events, [signed.kept[1].as_str()]);
    let at = |position: u64, index: u64| format!("position {position} differs from what was signed (entry {index})");
    let swap = "UPDATE events SET position = -1 WHERE position = 5; UPDATE events SET position = 5 WHERE position = 7;
                UPDATE events SET position = 7 WHERE position = -1;";
    for (sql, place) in [
        // one byte of the stored form; the first of it is a brace
        ("UPDATE events SET data = CAST(x'7c' || substr(data, 2) AS BLOB) WHERE position = 6".to_owned(), at(6, 5)),
        ("UPDATE events SET recorded_at = recorded_at + 1 WHERE position = 1".to_owned(), at(1, 0)),
        (
            "UPDATE streams SET name = name || 'x' WHERE id = (SELECT stream FROM events WHERE position = 4)"
                .to_owned(),
            {
                let log = Connection::open(signed.app.data_dir().join("events.db")).unwrap();
                let first =
                    "SELECT min(position) FROM events WHERE stream = (SELECT stream FROM events WHERE position = 4)";
                let first: i64 = log.query_row(first, [], |row| row.get(0)).unwrap();
                at(first.unsigned_abs(), first.unsigned_abs() - 1)
            },
        ),
        (
            "DELETE FROM events WHERE position = 6".to_owned(),
            "entry 5 is missing: after position 5 the log goes on with position 7".to_owned(),
        ),
        (swap.to_owned(), at(5, 4)),
        (
            format!("DELETE FROM events WHERE position > {}", last - 2),
            format!("the log ends with entry {} of {last}: what came after position {} is missing", last - 2, last - 2),
        ),
    ] {
        let directory = signed.tampered(&sql);
        Signed::bare(directory.path());
        assert_eq!(signed.verify(directory.path(), &kept), Err(place.clone()), "{sql}");
        // heads of the data directory alone are enough for these
        assert_eq!(signed.verify(directory.path(), &[]), Err(place), "{sql}");
    }
    let untouched = signed.tampered("");
    Signed::bare(untouched.path());
    let both = [signed.kept[0].as_str(), &signed.kept[1]];
    assert_eq!(signed.verify(untouched.path(), &both), Ok(()));
}

#[tokio::test]
async fn a_rewritten_log_is_found_by_a_head_kept_elsewhere_even_when_it_was_signed_again_with_the_key() {
    let signed = signed().await;
    let rewritten = signed.tampered("UPDATE events SET recorded_at = recorded_at + 1 WHERE position = 3");
    fs::remove_dir_all(rewritten.path().join("checkpoints")).unwrap();
    let thief = TestApp::with(Setup {
        backend: Backend::Embedded,
        data_dir: Some(rewritten.path().to_owned()),
        ..Setup::default()
    });
    // whoever has the secret makes the tree and the heads anew; an export waits for that
    thief.tool_done(&["audit", "export"]);
    thief.stop().await;
    assert_eq!(signed.verify(rewritten.path(), &[]), Ok(()), "by itself it is all in order");
    let (size, place) = (signed.position, signed.position);
    let found = format!(
        "the log is not the one whose head of {size} entries was signed: it was rewritten after entry 0 and up to entry \
         {size}, which is at position {place}"
    );
    assert_eq!(signed.verify(rewritten.path(), &[&signed.kept[0]]), Err(found));
}

#[tokio::test]
async fn the_notary_signs_no_log_that_was_cut_off() {
    let signed = signed().await;
    let cut = signed.tampered(&format!("DELETE FROM events WHERE position = {}", signed.events));
    for entry in fs::read_dir(cut.path()).unwrap().flatten() {
        if entry.file_name().to_string_lossy().starts_with("views") {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    let before = fs::read_to_string(cut.path().join("checkpoints/checkpoint")).unwrap();
    let app =
        TestApp::with(Setup { backend: Backend::Embedded, data_dir: Some(cut.path().to_owned()), ..Setup::default() });
    let auditor = auditor(&app).await;
    auditor.get("/v1/audit/checkpoint").await.problem(503, "not-signed-yet");
    assert!(app.get("/metrics").await.text.contains("tidings_notary_refused 1"));
    assert_eq!(fs::read_to_string(cut.path().join("checkpoints/checkpoint")).unwrap(), before);
}
