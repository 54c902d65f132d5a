//! A node is lost under load: its clients go on with the same keys through another.

use tidings_tests::postgres::Cluster;

use crate::{
    load::{Bears, Load},
    node,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn when_a_node_is_killed_its_clients_go_on_at_another_and_each_message_is_there_once() {
    let database = Cluster::shared().create_database();
    let url = database.url();
    // the first has folded the views from the start
    let nodes = [node(&url, &url, &[]), node(&url, &url, &[])];
    let mut load = Load::on(&nodes, Bears::LostNodes).await;
    for lost in [0, 1, 0] {
        load.go_on(200).await;
        nodes[lost].kill();
        load.expect_folding(&nodes[1 - lost]).await;
        load.go_on(200).await;
        nodes[lost].restart();
    }
    assert!(load.progress().unanswered > 0, "nobody noticed");
    load.end().await.check(&nodes).await;
}
