//! Backups of a log in PostgreSQL: restored into another database, and into files.

use std::{
    ffi::OsStr,
    path::Path,
    process::{Command, Output},
};

use reqwest::Method;
use serde_json::json;
use tidings_tests::{
    app::{Backend, PASSWORD, Setup, TestApp, bodies},
    postgres::Cluster,
};

const ENGINES: [&str; 3] = ["TIDINGS_EVENT_STORE", "TIDINGS_KEYS", "TIDINGS_VIEWS"];

fn over(backend: Backend) -> TestApp {
    TestApp::with(Setup { backend, ..Setup::default() })
}

/// A setting of the installation.
fn setting(app: &TestApp, name: &str) -> String {
    let command = app.tool_command(&["key"]);
    let found = command.get_envs().find(|(known, _)| *known == OsStr::new(name)).and_then(|(_, value)| value);
    found.and_then(OsStr::to_str).expect("it is set").to_owned()
}

/// Restores with all stores in this place.
fn restore(app: &TestApp, backup: &Path, data_dir: &Path, engine: &str, arguments: &[&str]) -> Output {
    let paths = [backup, data_dir].map(|path| path.to_str().expect("names of tests are plain"));
    let words = [&["--data-dir", paths[1], "restore", paths[0]], arguments].concat();
    let mut command: Command = app.tool_command(&words);
    command.envs(ENGINES.map(|name| (name, engine)));
    command.output().expect("the program is there")
}

#[tokio::test]
async fn a_backup_is_restored_into_another_database_and_into_files_and_erased_again() {
    let app = over(Backend::Postgres);
    let (ada, cleo) = (app.person("ada").await, app.person("cleo").await);
    let group = ada.group("kept", &[&cleo]).await;
    ada.send_all(&group, &["one", "two"]).await;
    cleo.send(&group, "rumpelstilzchen").await;
    let kept = tempfile::tempdir().expect("there is a place");
    let (old, new) = (kept.path().join("old"), kept.path().join("new"));
    app.tool_done(&["backup", old.to_str().expect("plain")]);
    cleo.call(Method::DELETE, "/v1/users/me").json(json!({"password": PASSWORD})).await.expect(204);
    app.tool_done(&["backup", new.to_str().expect("plain")]);
    app.stop().await;

    let database = Cluster::shared().create_database();
    let secret = setting(&app, "TIDINGS_SECRET");
    let erasures = new.join("erasures.ndjson");
    let again = ["--erasures", erasures.to_str().expect("plain")];
    for engine in [database.url(), "sqlite".to_owned()] {
        let data_dir = tempfile::tempdir().expect("there is a place");
        let done = restore(&app, &old, data_dir.path(), &engine, &again);
        assert!(done.status.success(), "{done:?}");
        let env = ENGINES.map(|name| (name, engine.clone())).into_iter().chain([("TIDINGS_SECRET", secret.clone())]);
        let data_dir = Some(data_dir.path().to_owned());
        let elsewhere =
            TestApp::with(Setup { backend: Backend::Embedded, data_dir, env: env.collect(), ..Setup::default() });
        let ada = ada.at(&elsewhere);
        let seen = ada.messages(&group).await;
        assert!(seen[0]["body"].is_null(), "{}", seen[0]);
        assert_eq!(bodies(&seen[1..]), ["two", "one"]);
        elsewhere.tool_done(&["audit", "verify"]);
        elsewhere.tool_done(&["replay", "--verify"]);
        ada.send(&group, "and on it goes").await;
        elsewhere.stop().await;
    }
    assert!(!database.rows().iter().any(|(_, rows)| rows.contains("rumpelstilzchen")));
    let another = tempfile::tempdir().expect("there is a place");
    let refused = restore(&app, &old, another.path(), &database.url(), &[]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(1) && said.contains("is not empty"), "{said}");
}

#[tokio::test]
async fn a_log_in_kurrentdb_is_left_to_its_own_means() {
    let app = over(Backend::KurrentDb);
    let kept = tempfile::tempdir().expect("there is a place");
    let refused = app.tool(&["backup", kept.path().join("backup").to_str().expect("plain")]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(1) && said.contains("KurrentDB's own means"), "{said}");
    assert!(!kept.path().join("backup").exists());
}
