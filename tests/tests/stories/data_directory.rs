//! The data directory: what is refused at the start, and what may be thrown away.

use tidings_tests::app::{TestApp, id};

#[tokio::test]
async fn a_foreign_data_directory_is_refused_and_left_alone() {
    let app = TestApp::embedded();
    app.person("ada").await;
    app.stop().await;
    let log = app.data_dir().join("events.db");
    let good = std::fs::read(&log).unwrap();
    for (what, bytes) in
        [("foreign", b"something else entirely".to_vec()), ("cut short", good[..good.len() / 3].to_vec())]
    {
        std::fs::write(&log, &bytes).unwrap();
        let output = app.tool(&["serve"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{what}: {said}");
        assert!(said.contains("events.db"), "{what}: names the file: {said}");
        assert_eq!(std::fs::read(&log).unwrap(), bytes, "{what}: the file is as it was");
    }
    std::fs::write(&log, &good).unwrap();
    app.restart();
    app.get("/health/ready").await.expect(200);
    // a second server on the same data is refused too
    let output = app.tool(&["serve"]);
    assert!(!output.status.success(), "{output:?}");
    app.get("/health/ready").await.expect(200);
    assert_eq!(app.tool(&["nonsense"]).status.code(), Some(2));
}

#[tokio::test]
async fn without_its_secret_or_its_keys_a_log_is_refused() {
    let app = TestApp::embedded();
    app.person("ada").await;
    app.stop().await;
    let aside = tempfile::tempdir().unwrap();
    for name in ["secret", "keys.db"] {
        let (here, there) = (app.data_dir().join(name), aside.path().join(name));
        std::fs::rename(&here, &there).unwrap();
        let before = std::fs::read(app.data_dir().join("events.db")).unwrap();
        let output = app.tool(&["serve"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(name), "says what is missing: {said}");
        assert!(!here.exists(), "{name} was not made anew");
        assert_eq!(std::fs::read(app.data_dir().join("events.db")).unwrap(), before);
        std::fs::copy(&there, &here).unwrap();
    }
    app.restart();
    app.get("/health/ready").await.expect(200);
}

#[tokio::test]
async fn views_can_be_thrown_away_and_are_built_again() {
    let app = TestApp::start();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let group = ada.group("rebuilt", &[&bob]).await;
    let sent = ada.send_all(&group, &["one", "two", "three"]).await;
    bob.read(&sent[0]).await;
    bob.put(format!("/v1/messages/{}/reactions/👍", id(&sent[1])), None).await.expect(204);
    let before = (bob.messages(&group).await, bob.all("/v1/conversations").await, bob.all("/v1/users").await);
    for damage in [false, true] {
        app.stop().await;
        for file in app.data_files() {
            if file.file_name().unwrap().to_string_lossy().starts_with("views") {
                if damage { std::fs::write(&file, "nonsense").unwrap() } else { std::fs::remove_file(&file).unwrap() }
            }
        }
        app.restart();
        let after = (bob.messages(&group).await, bob.all("/v1/conversations").await, bob.all("/v1/users").await);
        assert!(before == after, "damaged: {damage}");
        assert_eq!(bob.unread(&group).await, 2);
    }
}

#[tokio::test]
async fn a_clean_stop_leaves_nothing_for_the_next_start_to_look_through() {
    let app = TestApp::embedded();
    app.person("ada").await;
    app.stop().await;
    // it serves once it has come to the end of the log
    app.restart();
    app.get("/health/ready").await.expect(200);
    app.stop().await;
    let number = |file: &str, sql: &str| -> i64 {
        let file = rusqlite::Connection::open(app.data_dir().join(file)).unwrap();
        file.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    let head = number("events.db", "SELECT max(position) FROM events");
    assert!(head > 0);
    assert_eq!(number("keys.db", "SELECT position FROM erased_to"), head);
    assert_eq!(number("events.db", "SELECT position FROM placed"), head);
    assert_eq!(number("events.db", "SELECT count(*) FROM places"), head);
}
