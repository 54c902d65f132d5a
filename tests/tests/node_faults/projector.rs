//! The node that folds the views is lost in the middle of its batches: another folds on.

use tidings_tests::postgres::Cluster;

use crate::{
    load::{Bears, Load},
    node,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn when_a_projector_is_killed_another_folds_on_from_where_it_was() {
    let database = Cluster::shared().create_database();
    let url = database.url();
    // whoever comes first has the leases
    let first = node(&url, &url, &["--role", "projector"]);
    let second = node(&url, &url, &["--role", "projector"]);
    let projectors = [first, second];
    let nodes = [node(&url, &url, &["--role", "api"]), node(&url, &url, &["--role", "api"])];
    let mut load = Load::on(&nodes, Bears::Refusals).await;
    for folds in [0, 1, 0] {
        load.go_on(150).await;
        projectors[folds].kill();
        load.expect_folding(&nodes[0]).await;
        load.expect_folding(&nodes[1]).await;
        projectors[folds].restart();
    }
    load.go_on(100).await;
    load.end().await.check(&nodes).await;
    for projector in &projectors {
        projector.tool_done(&["replay", "--verify"]);
    }
}
