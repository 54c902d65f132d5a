//! What each measurement means, for those who read `/metrics`.

/// How a measurement is to be read.
enum Form {
    Counter,
    Gauge,
    Histogram,
}

use Form::{Counter, Gauge, Histogram};

const ALL: &[(Form, &str, &str)] = &[
    (Histogram, "tidings_http_request_duration_seconds", "Requests by method, route and status"),
    (Gauge, "tidings_http_connections", "Connections of clients"),
    (Gauge, "tidings_live_connections", "Open live streams"),
    (Counter, "tidings_live_cut_off_total", "Live streams that were too slow"),
    (Counter, "tidings_webhook_deliveries_total", "Posts to addresses, by what came of them"),
    (
        Histogram,
        "tidings_command_duration_seconds",
        "Commands by stream, name and what came of them, durable when answered",
    ),
    (Counter, "tidings_commands_decided_again_total", "Commands that another writer was faster than"),
    (Counter, "tidings_events_total", "Events appended by this node, by name"),
    (Histogram, "tidings_query_duration_seconds", "Questions to the views, by name"),
    (Counter, "tidings_query_failures_total", "Questions to the views without an answer"),
    (Counter, "tidings_failures_total", "Answers of 500 and 503 that failures inside are the reason of, by problem"),
    (Histogram, "tidings_log_commit_seconds", "Batches of events made durable"),
    (Histogram, "tidings_log_batch_events", "Events in a batch"),
    (Counter, "tidings_log_failed_batches_total", "Batches of events that could not be written"),
    (Gauge, "tidings_log_queue_requests", "Appends that wait for the writer"),
    (Gauge, "tidings_log_head_position", "The last position of the log"),
    (Gauge, "tidings_projection_position", "Everything up to here is in the view"),
    (Gauge, "tidings_projection_lag", "Positions between the view and the head of the log"),
    (Gauge, "tidings_projection_rate", "Events folded a second"),
    (Gauge, "tidings_projection_generation", "The generation of the view that serves"),
    (Gauge, "tidings_projection_parked", "Events that could not be folded and wait for somebody"),
    (Gauge, "tidings_projection_stopped", "1 while the view does not go on"),
    (Gauge, "tidings_projection_rebuilding", "1 while the view is built anew, or compared with the log"),
    (Gauge, "tidings_projection_rebuild_position", "Everything up to here is in the view that is being built"),
    (Gauge, "tidings_projection_rebuild_rate", "Positions a second since that was begun, rests included"),
    (Gauge, "tidings_projection_rebuild_seconds_left", "How long that will take to the head of the log"),
    (Gauge, "tidings_projection_failed", "1 when the last rebuild or comparison did not come to its end"),
    (Gauge, "tidings_projection_verified_timestamp_seconds", "When the view was last compared with the log"),
    (Gauge, "tidings_projection_verified_rows", "Rows that were compared then"),
    (Gauge, "tidings_projection_verified_differing", "Rows of them that were not what the log says"),
    (Gauge, "tidings_notary_signed_entries", "Events in the newest signed tree"),
    (Gauge, "tidings_notary_lag_positions", "Positions between the signed tree and the head of the log"),
    (Gauge, "tidings_notary_refused", "1 once the log is not the one that was signed"),
    (Counter, "tidings_witness_failures_total", "Signed heads that the witness did not take"),
    (Gauge, "tidings_pool_connections", "Connections to databases and files, by pool and state"),
    (Gauge, "tidings_pool_connections_max", "Connections that a pool may have"),
    (Gauge, "tidings_keys_ready", "Keys that are durable and wait to be used"),
    (Gauge, "tidings_passwords_hashing", "Passwords that are hashed, or wait for it"),
    (Gauge, "tidings_up", "1 where a part (log, views, keys) answers"),
    (Gauge, "tidings_build_info", "The version of the server"),
];

/// Counters that are there before anything has happened: who watches them sees 0, and not nothing.
const FROM_THE_START: [&str; 3] =
    ["tidings_live_cut_off_total", "tidings_commands_decided_again_total", "tidings_log_failed_batches_total"];

/// Says it all to the recorder that is installed.
pub(super) fn explain() {
    for (form, name, help) in ALL {
        match form {
            Counter => metrics::describe_counter!(*name, *help),
            Gauge => metrics::describe_gauge!(*name, *help),
            Histogram => metrics::describe_histogram!(*name, *help),
        }
    }
    for name in FROM_THE_START {
        metrics::counter!(name).absolute(0);
    }
    for outcome in ["delivered", "failed"] {
        metrics::counter!("tidings_webhook_deliveries_total", "outcome" => outcome).absolute(0);
    }
    metrics::counter!("tidings_failures_total", "problem" => crate::problem::Kind::Unavailable.uri()).absolute(0);
    for gauge in ["tidings_live_connections", "tidings_log_queue_requests"] {
        metrics::gauge!(gauge).increment(0);
    }
}
