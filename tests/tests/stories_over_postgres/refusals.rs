//! A start that cannot be: exit code 1, one sentence that says which database and what to do, and nothing changed.

use std::fs;

use tidings_tests::{
    app::TestApp,
    postgres::{Cluster, Database},
};

/// What may be in PostgreSQL: the setting, its schema, and what it is to people.
const PARTS: [(&str, &str, &str); 3] = [
    ("TIDINGS_EVENT_STORE", "tidings_events", "event store"),
    ("TIDINGS_KEYS", "tidings_keys", "key store"),
    ("TIDINGS_VIEWS", "tidings_views", "views"),
];

/// What the server says when it cannot start with these settings, one sentence. Its data directory stays empty.
fn refused(app: &TestApp, settings: &[(&str, &str)]) -> String {
    let directory = tempfile::tempdir().expect("there is a place for temporary files");
    let mut serve = app.tool_command(&["serve"]);
    serve.env("TIDINGS_LISTEN", "127.0.0.1:0").env("TIDINGS_DATA_DIR", directory.path());
    let output = serve.envs(settings.iter().copied()).output().expect("it can be run");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    let sentences: Vec<_> = said.lines().filter(|line| line.starts_with("tidings: ")).collect();
    let [sentence] = sentences[..] else { panic!("one sentence: {said}") };
    assert!(said.trim_end().ends_with(sentence), "{said}");
    let made: Vec<_> = fs::read_dir(directory.path()).expect("it is there").flatten().collect();
    // the index of a log in KurrentDB begins before anybody is asked
    assert!(made.iter().all(|file| file.file_name().to_string_lossy().starts_with("commands.db")), "{made:?}");
    sentence.to_owned()
}

/// Everything in the program's schemas: what there is, which version of it, and every row.
fn content(database: &Database<'_>) -> (String, Vec<(String, String)>) {
    let tables = database.sql(
        "SELECT n.nspname, c.relname, c.relkind, c.xmin FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname LIKE 'tidings%' ORDER BY 1, 2",
    );
    (tables, database.rows())
}

/// An installation that was used and is stopped; and what of it is in PostgreSQL.
async fn stopped() -> (TestApp, Vec<(&'static str, &'static str, &'static str)>) {
    let app = TestApp::start();
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    ada.send(&ada.group("before", &[&bob]).await, "still there").await;
    app.stop().await;
    let database = app.database().expect("it is a database");
    let schemas = database.sql("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'tidings%'");
    let parts = PARTS.into_iter().filter(|(_, schema, _)| schemas.lines().any(|there| there == *schema)).collect();
    (app, parts)
}

/// A login of its own, which may look and write but owns nothing.
fn stranger(database: &Database<'_>) -> String {
    let name = format!("stranger_{}", database.name());
    database.sql(&format!("CREATE ROLE {name} LOGIN PASSWORD 'hunter2'"));
    Cluster::shared().url_as(&name, "hunter2", database.name())
}

#[tokio::test]
async fn a_database_that_cannot_be_used_is_named_in_one_sentence() {
    let app = TestApp::shared();
    let cluster = Cluster::shared();
    let empty = cluster.create_database();
    let stranger = stranger(&empty);
    for (setting, ..) in PARTS {
        for (value, says, and) in [
            ("mysql://ada:hunter2@db/x", setting, "write postgres://"),
            ("postgres://ada:hunter2@127.0.0.1:1/x", "127.0.0.1:1", "check host and port"),
            (&cluster.url_as("nobody", "hunter2", "postgres"), "login nobody@", "check user and password"),
            (&cluster.url("nowhere"), "nowhere", "create it"),
            (&stranger, "lacks a right", "grant it"),
        ] {
            let sentence = refused(&app, &[(setting, value)]);
            assert!(sentence.contains(says) && sentence.contains(and), "{setting}: {sentence}");
        }
    }
    let sentence = refused(&app, &[("TIDINGS_SECRET", "another secret, which the keys were not made under")]);
    assert!(sentence.contains("TIDINGS_SECRET"), "{sentence}");
    assert_eq!(content(&empty), (String::new(), vec![]));
}

#[tokio::test]
async fn what_is_refused_for_one_database_has_made_nothing_in_the_others() {
    let app = TestApp::shared();
    let cluster = Cluster::shared();
    let fresh = cluster.create_database();
    let url = fresh.url();
    for (setting, ..) in PARTS {
        let mut settings = PARTS.map(|(setting, ..)| (setting, url.as_str()));
        for part in settings.iter_mut().filter(|part| part.0 == setting) {
            part.1 = "postgres://ada:hunter2@127.0.0.1:1/x";
        }
        let sentence = refused(&app, &settings);
        assert!(sentence.contains("127.0.0.1:1"), "{sentence}");
        assert_eq!(content(&fresh), (String::new(), vec![]), "{setting}");
    }
}

#[tokio::test]
async fn a_schema_of_a_newer_version_is_left_alone() {
    let (app, parts) = stopped().await;
    let database = app.database().expect("it is a database");
    for (_, schema, part) in parts {
        database.sql(&format!(
            "INSERT INTO {schema}.migrations (version, description, success, checksum, execution_time)
             VALUES (20990101000000, 'of the future', true, '', 0)"
        ));
        let before = content(database);
        let sentence = refused(&app, &[]);
        assert!(sentence.contains(part) && sentence.contains("newer version"), "{sentence}");
        assert!(content(database) == before, "{part} was touched");
        database.sql(&format!("DELETE FROM {schema}.migrations WHERE version = 20990101000000"));
    }
    app.restart();
    app.stop().await;
}

#[tokio::test]
async fn an_older_schema_that_this_login_may_not_migrate_is_left_alone() {
    let (app, parts) = stopped().await;
    let database = app.database().expect("it is a database");
    let url = stranger(database);
    let login = format!("stranger_{}", database.name());
    for (setting, schema, part) in parts {
        database.sql(&format!(
            "GRANT USAGE ON SCHEMA {schema} TO {login};
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {login};
             CREATE TABLE public.kept AS SELECT * FROM {schema}.migrations;
             DELETE FROM {schema}.migrations WHERE version = (SELECT max(version) FROM {schema}.migrations)"
        ));
        let before = content(database);
        let sentence = refused(&app, &[(setting, &url)]);
        assert!(sentence.contains(part) && sentence.contains("older schema"), "{sentence}");
        assert!(content(database) == before, "{part} was touched");
        database.sql(&format!(
            "INSERT INTO {schema}.migrations SELECT * FROM public.kept ON CONFLICT DO NOTHING; DROP TABLE public.kept"
        ));
    }
    app.restart();
    app.stop().await;
}
