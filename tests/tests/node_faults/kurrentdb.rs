//! The connection to KurrentDB is cut under two nodes, and comes back.

use tidings_tests::{postgres::Cluster, stand_in::StandIn};

use crate::{
    load::{Bears, Load},
    node,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_log_that_is_cut_off_costs_refusals_and_nothing_that_was_acknowledged() {
    let log = StandIn::start();
    let database = Cluster::shared().create_database();
    let (log_url, url) = (log.connection_string(), database.url());
    let nodes = [node(&log_url, &url, &[]), node(&log_url, &url, &[])];
    let load = Load::on(&nodes, Bears::Refusals).await;
    for _ in 0..3 {
        load.go_on(100).await;
        log.kill();
        load.be_refused(10).await;
        log.start_again();
    }
    load.go_on(100).await;
    load.end().await.check(&nodes).await;
}
