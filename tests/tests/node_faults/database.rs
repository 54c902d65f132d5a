//! PostgreSQL is lost under two nodes: killed and started again, or lost for good and replaced by its replica.

use tidings_tests::{front::Front, postgres::Cluster};

use crate::{
    load::{Bears, Load},
    node,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_killed_database_costs_refusals_and_nothing_that_was_acknowledged() {
    let cluster = Cluster::start();
    let url = cluster.url("postgres");
    let nodes = [node(&url, &url, &[]), node(&url, &url, &[])];
    let load = Load::on(&nodes, Bears::Refusals).await;
    for _ in 0..3 {
        load.go_on(150).await;
        cluster.kill();
        load.be_refused(20).await;
        for node in &nodes {
            node.get("/health/ready").await.expect(503);
            node.get("/health/live").await.expect(200);
        }
        cluster.start_again();
    }
    load.go_on(150).await;
    load.end().await.check(&nodes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_replica_that_takes_the_place_of_a_lost_primary_has_all_that_was_acknowledged() {
    let primary = Cluster::start();
    let replica = primary.replica();
    // an answer means from here on that the replica has it too
    primary.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'");
    primary.sql("postgres", "SELECT pg_reload_conf()");
    // the address that moves from the one to the other
    let front = Front::start().await;
    front.lead_to(&[primary.port()]);
    let url = primary.url_by(front.port(), "postgres");
    let nodes = [node(&url, &url, &[]), node(&url, &url, &[])];
    let load = Load::on(&nodes, Bears::Refusals).await;
    load.go_on(300).await;
    primary.kill();
    load.be_refused(20).await;
    replica.promote();
    front.lead_to(&[replica.port()]);
    load.go_on(300).await;
    load.end().await.check(&nodes).await;
}
