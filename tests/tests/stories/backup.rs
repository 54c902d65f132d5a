//! Backups taken while people write, and what becomes of them elsewhere.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;
use tidings_tests::app::{Backend, PASSWORD, Person, Setup, TestApp, id, until};

/// Files below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let (mut found, mut directories) = (vec![], vec![directory.to_owned()]);
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).expect("it is there").flatten() {
            let path = entry.path();
            if path.is_dir() { directories.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

fn text(path: &Path) -> &str {
    path.to_str().expect("names of tests are plain")
}

fn temporary() -> TempDir {
    tempfile::tempdir().expect("there is a place for temporary files")
}

fn backup(app: &TestApp, directory: &Path) {
    app.tool_done(&["backup", text(directory)]);
}

/// Restores into a directory of its own; what it says, and its exit code.
fn restore(app: &TestApp, data_dir: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = app.tool(&[&["--data-dir", text(data_dir), "restore"], arguments].concat());
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn restored(app: &TestApp, data_dir: &Path, arguments: &[&str]) {
    let (code, said) = restore(app, data_dir, arguments);
    assert_eq!(code, Some(0), "{said}");
}

fn serve(data_dir: &Path) -> TestApp {
    TestApp::with(Setup { backend: Backend::Embedded, data_dir: Some(data_dir.to_owned()), ..Setup::default() })
}

/// What somebody is shown.
async fn shown(person: &Person, group: &str) -> Vec<String> {
    let mut answers = vec![];
    for path in ["/v1/conversations", "/v1/unread", &format!("/v1/conversations/{group}/messages?limit=100")] {
        answers.push(person.get(path).await.expect(200).text);
    }
    answers
}

fn after(millis: i64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("it is later than that");
    let now = i64::try_from(now.as_millis()).expect("it is not so late");
    tidings_domain::Timestamp::from_millis(now + millis).to_string()
}

/// Whether any file has this text in it.
fn somewhere(directory: &Path, wanted: &str) -> Vec<PathBuf> {
    let has = |path: &PathBuf| {
        let bytes = fs::read(path).unwrap_or_default();
        bytes.windows(wanted.len()).any(|window| window == wanted.as_bytes())
    };
    files(directory).into_iter().filter(has).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_taken_while_people_write_answers_the_same_elsewhere() {
    let app = TestApp::embedded();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let group = ada.group("kept", &[&bob]).await;
    let file = ada.upload("kept.txt", b"kept with the rest").await;
    ada.send_files(&group, None, &[&file]).await;
    let (kept, other) = (temporary(), temporary());
    let place = kept.path().join("backup");
    let (writing, meanwhile) = (bob.clone(), group.clone());
    let writing = tokio::spawn(async move {
        for nth in 0..200 {
            writing.send(&meanwhile, &format!("while it is copied {nth}")).await;
        }
    });
    let (copying, to) = (app.clone(), place.clone());
    tokio::task::spawn_blocking(move || backup(&copying, &to)).await.unwrap();
    writing.await.unwrap();
    let path = format!("/v1/conversations/{group}/messages");
    let body = json!({"body": "once and for all"});
    let once = ada.post(&*path, body.clone()).key("kept-key").await.expect(201);
    // a second backup adds what is new, and leaves alone what it has
    let segments = || files(&place.join("log")).into_iter().map(|path| (path.clone(), fs::read(path).unwrap()));
    let first: Vec<_> = segments().collect();
    backup(&app, &place);
    let second: Vec<_> = segments().collect();
    assert_eq!((first.len(), second.len()), (1, 2));
    assert_eq!(first[0], second[0]);
    let before = [shown(&ada, &group).await, shown(&bob, &group).await];
    app.stop().await;

    restored(&app, other.path(), &[text(&place)]);
    let elsewhere = serve(other.path());
    let (ada, bob) = (ada.at(&elsewhere), bob.at(&elsewhere));
    assert_eq!([shown(&ada, &group).await, shown(&bob, &group).await], before);
    assert_eq!(ada.file(&file).await.expect(200).bytes, b"kept with the rest"[..]);
    let again = ada.post(&*path, body).key("kept-key").await.expect(201);
    assert_eq!(id(&again.json), id(&once.json), "what was done under a key is not done twice");
    let key = fs::read_to_string(place.join("key")).unwrap();
    elsewhere.tool_done(&["audit", "verify", "--key", key.trim()]);
    elsewhere.tool_done(&["replay", "--verify"]);

    // the log of a backup is an export, for whoever checks it without this program
    let export = kept.path().join("export.ndjson");
    let parts = second.into_iter().map(|(_, bytes)| bytes).chain([fs::read(place.join("checkpoint.ndjson")).unwrap()]);
    fs::write(&export, parts.collect::<Vec<_>>().concat()).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/verify.py");
    let verified = Command::new("python3").args([script, key.trim(), text(&export)]).output().unwrap();
    assert!(verified.status.success(), "{verified:?}");
}

#[tokio::test]
async fn what_was_erased_stays_erased_when_an_older_backup_is_restored() {
    const ERASED: [&str; 5] = ["rumpelstilzchen", "siebenmeilenstiefel", "aschenputtel", "hexenhaus", "zwiebelfisch"];
    let app = TestApp::embedded();
    let (ada, cleo) = (app.person("ada").await, app.person("cleo").await);
    let group = ada.group("kept", &[&cleo]).await;
    let deleted = ada.send(&group, ERASED[0]).await;
    let closed = cleo.send(&group, ERASED[1]).await;
    let file = ada.upload("erased.txt", ERASED[2].as_bytes()).await;
    let carried = ada.send_files(&group, None, &[&file]).await;
    let later = json!({"conversation_id": group, "body": ERASED[3], "send_at": after(24 * 3_600_000)});
    let later = ada.post("/v1/scheduled", later).await.expect(201);
    let soon = json!({"conversation_id": group, "body": ERASED[4], "send_at": after(2_000)});
    ada.post("/v1/scheduled", soon).await.expect(201);
    let kept = temporary();
    let (old, new) = (kept.path().join("old"), kept.path().join("new"));
    backup(&app, &old);
    // it is deleted as the message it became, and not to be sent once more
    until("it is sent", async || ada.messages(&group).await[0]["body"] == ERASED[4]).await;
    ada.delete(format!("/v1/messages/{}?for=everyone", id(&ada.messages(&group).await[0]))).await.expect(204);
    for message in [&deleted, &carried] {
        ada.delete(format!("/v1/messages/{}?for=everyone", id(message))).await.expect(204);
    }
    ada.delete(format!("/v1/scheduled/{}", later.text_of("id"))).await.expect(204);
    cleo.call(Method::DELETE, "/v1/users/me").json(json!({"password": PASSWORD})).await.expect(204);
    backup(&app, &new);
    let data_dir = app.data_dir().to_owned();
    let (code, said) = restore(&app, &data_dir, &[text(&old), "--force"]);
    assert_eq!(code, Some(1), "a server holds it: {said}");
    let export = kept.path().join("export.ndjson");
    fs::write(&export, app.tool_done(&["audit", "export"])).unwrap();
    app.stop().await;
    let (code, said) = restore(&app, &data_dir, &[text(&old)]);
    assert!(code == Some(1) && said.contains("--force"), "{said}");

    let (by_list, by_export) = (temporary(), temporary());
    let list = new.join("erasures.ndjson");
    restored(&app, &data_dir, &[text(&old), "--force"]);
    restored(&app, by_list.path(), &[text(&old), "--erasures", text(&list)]);
    restored(&app, by_export.path(), &[text(&old), "--erasures", text(&export)]);
    for data_dir in [&data_dir, by_list.path(), by_export.path()] {
        for erased in ERASED {
            assert_eq!(somewhere(data_dir, erased), Vec::<PathBuf>::new(), "{erased}");
        }
        let app = serve(data_dir);
        let ada = ada.at(&app);
        for message in [&deleted, &closed, &carried] {
            let seen = ada.get(format!("/v1/messages/{}", id(message))).await.expect(200);
            assert!(seen["body"].is_null(), "{}", seen.text);
        }
        ada.file(&file).await.expect(404);
        assert!(ada.all("/v1/scheduled").await.is_empty());
        app.get("/v1/users?query=cleo").await.expect(401);
        app.tool_done(&["audit", "verify"]);
        app.stop().await;
        for erased in ERASED {
            assert_eq!(somewhere(data_dir, erased), Vec::<PathBuf>::new(), "{erased}, after it was served");
        }
    }
}

#[tokio::test]
async fn a_backup_that_was_killed_is_gone_on_with() {
    let app = TestApp::embedded();
    let ada = app.person("ada").await;
    let group = ada.group("kept", &[]).await;
    ada.send_all(&group, &["one", "two", "three"]).await;
    let before = shown(&ada, &group).await;
    app.stop().await;
    let (kept, other) = (temporary(), temporary());
    let place = kept.path().join("backup");
    for reached in ["log", "manifest.under-way.json", "keys", "keys/secret", "erasures.ndjson", "checkpoint.ndjson"] {
        killed_at(&app, &["backup", text(&place)], &place.join(reached)).await;
    }
    backup(&app, &place);
    restored(&app, other.path(), &[text(&place)]);
    let elsewhere = serve(other.path());
    assert_eq!(shown(&ada.at(&elsewhere), &group).await, before);
}

/// Runs a command and kills it once it has made this file, or ended.
async fn killed_at(app: &TestApp, arguments: &[&str], reached: &Path) {
    let mut killed = app.tool_command(arguments);
    let mut killed = killed.stderr(Stdio::null()).spawn().expect("the program is there");
    while !reached.exists() && killed.try_wait().expect("it is ours").is_none() {
        tokio::task::yield_now().await;
    }
    killed.kill().expect("it is ours");
    killed.wait().expect("it is ours");
}

#[tokio::test]
async fn a_restore_that_was_killed_is_done_again_and_forgets_nothing_that_was_erased() {
    let app = TestApp::embedded();
    let ada = app.person("ada").await;
    let group = ada.group("kept", &[]).await;
    let sent = ada.send(&group, "rumpelstilzchen").await;
    let kept = temporary();
    let place = kept.path().join("backup");
    backup(&app, &place);
    ada.delete(format!("/v1/messages/{}?for=everyone", id(&sent))).await.expect(204);
    ada.send(&group, "lost with the log").await;
    app.stop().await;
    for reached in ["restoring", "restoring/events.db", "restoring/keys.db", "restoring/checkpoints", "restored"] {
        killed_at(&app, &["restore", text(&place), "--force"], &app.data_dir().join(reached)).await;
    }
    // as one leaves it that is killed while it takes the old one's place
    fs::create_dir_all(app.data_dir().join("restored")).unwrap();
    let refused = app.tool(&["events"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(1) && said.contains("was cut off"), "{said}");
    app.tool_done(&["restore", text(&place), "--force"]);
    assert_eq!(somewhere(app.data_dir(), "rumpelstilzchen"), Vec::<PathBuf>::new());
    app.restart();
    let ada = ada.at(&app.behind(app.port()));
    let seen = ada.messages(&group).await;
    assert!(seen.len() == 1 && seen[0]["body"].is_null(), "{seen:?}");
}

#[tokio::test]
async fn a_backup_with_one_flipped_byte_is_refused_and_its_file_named() {
    let app = TestApp::embedded();
    let ada = app.person("ada").await;
    let group = ada.group("kept", &[]).await;
    let file = ada.upload("kept.txt", b"kept").await;
    ada.send_files(&group, None, &[&file]).await;
    let gone = ada.send(&group, "gone").await;
    ada.delete(format!("/v1/messages/{}?for=everyone", id(&gone))).await.expect(204);
    let kept = temporary();
    let place = kept.path().join("backup");
    backup(&app, &place);
    app.stop().await;
    let parts = files(&place);
    let checked = parts.iter().filter(|path| !path.ends_with(".lock")).inspect(|path| {
        let whole = fs::read(path).unwrap();
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 1;
        fs::write(path, &flipped).unwrap();
        let other = temporary();
        let (code, said) = restore(&app, other.path(), &[text(&place)]);
        assert_eq!(code, Some(1), "{}: {said}", path.display());
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(said.contains(name) || said.contains("secret"), "{name}: {said}");
        let left: Vec<_> = files(other.path()).into_iter().filter(|path| path.extension().unwrap() != "lock").collect();
        assert_eq!(left, Vec::<PathBuf>::new(), "nothing was made");
        fs::write(path, &whole).unwrap();
    });
    assert!(checked.count() >= 8, "{parts:?}");
    let other = temporary();
    restored(&app, other.path(), &[text(&place)]);
    // the keys may be kept elsewhere
    let (keys, apart) = (temporary(), temporary());
    let moved = keys.path().join("keys");
    fs::rename(place.join("keys"), &moved).unwrap();
    let (code, said) = restore(&app, apart.path(), &[text(&place)]);
    assert!(code == Some(1) && said.contains("--keys-dir"), "{said}");
    restored(&app, apart.path(), &[text(&place), "--keys-dir", text(&moved)]);
}
