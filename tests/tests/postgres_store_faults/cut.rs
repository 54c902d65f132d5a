//! Connections end, the server goes away, others are in the way.

use tidings_event_store::{AppendError, EventStore, StoreError};
use tidings_tests::{
    conformance::{append, events, head, stream},
    postgres::Cluster,
};

use crate::{append_at_last, assert_whole, open, version};

const TERMINATE: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()";

#[tokio::test(flavor = "multi_thread")]
async fn terminated_connections_are_made_again_by_themselves() {
    let database = Cluster::shared().create_database();
    let nodes = [open(&database.url()).await.expect("it opens"), open(&database.url()).await.expect("it opens")];
    let stream = stream("user");
    append(&*nodes[0], &stream, 0, events(1)).await.expect("a new stream");
    for _ in 0..3 {
        database.sql(TERMINATE);
        // reading notices by itself that a connection is dead
        let before = version(&*nodes[1], &stream).await;
        let mut watch = nodes[1].watch_head();
        let refused = append(&*nodes[0], &stream, before, events(1)).await;
        if let Err(error) = refused {
            assert!(matches!(error, AppendError::Store(StoreError::Unavailable(_))), "{error}");
            assert_eq!(
                version(&*nodes[0], &stream).await,
                before,
                "the writer's connection was cut before it was used"
            );
        }
        let last = append_at_last(&nodes[0]).await;
        watch.wait_for(|head| *head >= last).await.expect("the other node hears of it");
    }
    assert_whole(&*nodes[0], &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_server_is_gone_everything_is_refused_and_works_again_after() {
    let cluster = Cluster::start();
    let node = open(&cluster.url("postgres")).await.expect("it opens");
    let stream = stream("user");
    append(&*node, &stream, 0, events(1)).await.expect("a new stream");
    cluster.stop();
    for _ in 0..20 {
        let refused = append(&*node, &stream, 1, events(1)).await;
        assert!(matches!(refused, Err(AppendError::Store(StoreError::Unavailable(_)))), "{refused:?}");
    }
    let refused = node.read_stream(&stream, 0, 10).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    cluster.start_again();
    let last = append_at_last(&node).await;
    assert_eq!(head(&*node).await, last);
    assert_whole(&*node, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_became_a_standby_takes_nothing() {
    let primary = Cluster::start();
    drop(open(&primary.url("postgres")).await.expect("it opens"));
    let replica = primary.replica();
    // its schema is right, so it can be read
    let node = open(&replica.url("postgres")).await.expect("it opens");
    let refused = append(&*node, &stream("user"), 0, events(1)).await;
    assert!(
        matches!(&refused, Err(AppendError::Store(StoreError::Unavailable(why))) if why.contains("standby")),
        "{refused:?}"
    );
    replica.promote();
    append_at_last(&node).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_wait_for_the_disk_whatever_the_database_says() {
    let cluster = Cluster::shared();
    let database = cluster.create_database();
    for setting in
        ["synchronous_commit = off", "default_transaction_isolation = 'serializable'", "enable_indexscan = off"]
    {
        database.sql(&format!("ALTER DATABASE {} SET {setting}", database.name()));
    }
    let node = open(&database.url()).await.expect("it opens");
    append(&*node, &stream("user"), 0, events(1)).await.expect("a new stream");
    let levels = "CREATE FUNCTION pg_temp.level() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION '% %', current_setting('synchronous_commit'), current_setting('transaction_isolation'); END $$;";
    database.sql(&levels.replace("pg_temp.level", "public.level"));
    database.sql("CREATE TRIGGER level BEFORE INSERT ON tidings_events.events EXECUTE FUNCTION public.level()");
    let told = append(&*node, &stream("user"), 0, events(1)).await;
    assert!(
        matches!(&told, Err(AppendError::Store(StoreError::Unavailable(why))) if why.contains("on read committed")),
        "{told:?}"
    );
}
