//! The clusters that other tests rely on do what they say.

use tidings_tests::postgres::Cluster;

#[test]
fn a_killed_cluster_comes_back_with_what_it_acknowledged() {
    let cluster = Cluster::start();
    let database = cluster.create_database();
    database.sql("CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)");
    cluster.kill();
    assert!(!cluster.try_sql("postgres", "SELECT 1").status.success());
    cluster.start_again();
    assert_eq!(database.sql("SELECT n FROM kept"), "7");
}

#[test]
fn a_replica_follows_and_can_be_promoted() {
    let primary = Cluster::start();
    primary.sql("postgres", "CREATE TABLE kept (n int)");
    let replica = primary.replica();
    assert!(!replica.try_sql("postgres", "INSERT INTO kept VALUES (1)").status.success());
    primary.sql("postgres", "INSERT INTO kept VALUES (7)");
    let followed = "SELECT pg_current_wal_flush_lsn() <= replay_lsn FROM pg_stat_replication";
    while primary.sql("postgres", followed) != "t" {}
    primary.kill();
    replica.promote();
    replica.sql("postgres", "INSERT INTO kept VALUES (8)");
    assert_eq!(replica.sql("postgres", "SELECT n FROM kept ORDER BY n"), "7\n8");
}
