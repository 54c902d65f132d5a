//! What several nodes over one database make of a bad world: databases, nodes and projectors lost under load, and
//! restarts that nobody notices.

mod database;
mod kurrentdb;
mod load;
mod lost;
mod projector;
mod rolling;
mod talked;

use tidings_tests::app::{Backend, Setup, TestApp};

/// A node with its log here, and its keys and views there.
fn node(log: &str, database: &str, arguments: &[&'static str]) -> TestApp {
    node_with(log, database, arguments, vec![])
}

/// The same, with more settings.
fn node_with(log: &str, database: &str, arguments: &[&'static str], more: Vec<(&'static str, String)>) -> TestApp {
    let mut env = vec![
        ("TIDINGS_EVENT_STORE", log.to_owned()),
        ("TIDINGS_KEYS", database.to_owned()),
        ("TIDINGS_VIEWS", database.to_owned()),
        ("TIDINGS_SECRET", "only for tests, and shared by the nodes of one installation".to_owned()),
    ];
    env.extend(more);
    // whatever these tests share is their own
    TestApp::with(Setup { backend: Backend::Embedded, env, arguments: arguments.to_vec(), ..Setup::default() })
}
