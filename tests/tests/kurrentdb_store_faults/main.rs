//! KurrentDB as the log when things go wrong: the connection cut and restored, nodes racing with one command, a server
//! that is not there.

mod cut;
mod race;
mod refusal;

use std::sync::Arc;

use tidings_event_store::KurrentEventStore;
use tidings_tests::stand_in::StandIn;

/// A node with an index of commands of its own.
async fn node(server: &StandIn, index: &str) -> Arc<KurrentEventStore> {
    let store = KurrentEventStore::connect(&server.connection_string(), &server.file(index)).await;
    Arc::new(store.expect("the server is there"))
}
