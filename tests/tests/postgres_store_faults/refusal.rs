//! What cannot be opened is refused in one sentence that says which and what to do, and nothing is changed.

use tidings_event_store::database::DatabaseError;
use tidings_tests::postgres::{Cluster, Database};

use crate::open;

async fn refused(url: &str) -> (DatabaseError, String) {
    let error = open(url).await.expect_err("it is refused");
    let sentence = error.to_string();
    assert!(!sentence.contains('\n') && !sentence.contains("hunter2"), "{sentence}");
    (error, sentence)
}

/// Everything that the log's schema holds.
fn content(database: &Database<'_>) -> String {
    database.sql(
        "SELECT n.nspname, c.relname, c.relkind, c.xmin FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname LIKE 'tidings%' ORDER BY 1, 2",
    )
}

#[tokio::test]
async fn what_is_no_connection_string() {
    let (error, sentence) = refused("mysql://ada:hunter2@localhost/x").await;
    assert!(
        matches!(error, DatabaseError::NotAUrl { .. }) && sentence.starts_with("TIDINGS_EVENT_STORE"),
        "{sentence}"
    );
}

#[tokio::test]
async fn nobody_there() {
    let (error, sentence) = refused("postgres://ada:hunter2@127.0.0.1:1/x").await;
    assert!(matches!(error, DatabaseError::Unreachable { .. }) && sentence.contains("127.0.0.1:1"), "{sentence}");
    let (error, sentence) = refused("postgres://ada:hunter2@nowhere.invalid/x").await;
    assert!(matches!(error, DatabaseError::Unreachable { .. }) && sentence.contains("nowhere.invalid"), "{sentence}");
}

#[tokio::test]
async fn a_server_without_tls_where_tls_is_required() {
    let database = Cluster::shared().create_database();
    let (error, sentence) = refused(&format!("{}?sslmode=require", database.url())).await;
    assert!(matches!(error, DatabaseError::Tls { .. }), "{sentence}");
}

#[tokio::test]
async fn a_wrong_password_or_user() {
    let cluster = Cluster::shared();
    for user in ["postgres", "nobody"] {
        let (error, sentence) = refused(&cluster.url_as(user, "hunter2", "postgres")).await;
        assert!(matches!(error, DatabaseError::Login { .. }) && sentence.contains(user), "{sentence}");
    }
}

#[tokio::test]
async fn a_database_that_is_not_there() {
    let (error, sentence) = refused(&Cluster::shared().url("nowhere")).await;
    assert!(matches!(error, DatabaseError::NoDatabase { .. }) && sentence.contains("nowhere"), "{sentence}");
}

#[tokio::test]
async fn a_login_that_may_not_make_tables() {
    let cluster = Cluster::shared();
    let database = cluster.create_database();
    database.sql("CREATE ROLE reader LOGIN PASSWORD 'hunter2'");
    let (error, sentence) = refused(&cluster.url_as("reader", "hunter2", database.name())).await;
    assert!(matches!(error, DatabaseError::MissingRight { .. }), "{sentence}");
    assert_eq!(content(&database), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_schema_that_this_login_may_not_migrate() {
    let cluster = Cluster::shared();
    let database = cluster.create_database();
    drop(open(&database.url()).await.expect("it opens"));
    database.sql(
        "DELETE FROM tidings_events.migrations WHERE version = (SELECT max(version) FROM tidings_events.migrations);
         DROP FUNCTION tidings_events.append_2;
         CREATE ROLE writer LOGIN PASSWORD 'hunter2'; GRANT USAGE ON SCHEMA tidings_events TO writer;
         GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA tidings_events TO writer",
    );
    let before = content(&database);
    let (error, sentence) = refused(&cluster.url_as("writer", "hunter2", database.name())).await;
    assert!(matches!(error, DatabaseError::OlderSchema { .. }), "{sentence}");
    assert_eq!(content(&database), before);
    // with one that may, it is migrated, and then the other will do
    drop(open(&database.url()).await.expect("it opens"));
    drop(open(&cluster.url_as("writer", "hunter2", database.name())).await.expect("nothing is left to migrate"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_of_a_newer_version() {
    let database = Cluster::shared().create_database();
    drop(open(&database.url()).await.expect("it opens"));
    database.sql(
        "INSERT INTO tidings_events.migrations (version, description, success, checksum, execution_time)
         VALUES (20990101000000, 'of the future', true, '', 0)",
    );
    let before = content(&database);
    let (error, sentence) = refused(&database.url()).await;
    assert!(matches!(error, DatabaseError::NewerSchema { .. }) && sentence.contains("20990101000000"), "{sentence}");
    assert_eq!(content(&database), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_that_start_together_migrate_once() {
    let database = Cluster::shared().create_database();
    let url = database.url();
    let starting: Vec<_> = (0..6)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move { open(&url).await })
        })
        .collect();
    for node in starting {
        node.await.expect("no node panics").expect("every node opens");
    }
}
