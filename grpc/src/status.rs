//! What clients are told when something fails.

use std::time::Duration;

use tidings_event_store::StoreError;
use tokio::time::timeout;
use tonic::Status;

/// How long one question to the log may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// The outcome of a question to the store, or what the client is told.
pub(crate) async fn asked<T>(question: impl Future<Output = Result<T, StoreError>>) -> Result<T, Status> {
    match timeout(ANSWER_WITHIN, question).await {
        Ok(answer) => answer.map_err(|error| of_store(&error)),
        Err(_) => Err(Status::unavailable("the log does not answer in time")),
    }
}

pub(crate) fn of_store(error: &StoreError) -> Status {
    tracing::warn!(%error, "the log cannot be served");
    match error {
        StoreError::Overloaded => Status::resource_exhausted("too much is waiting: try again later"),
        StoreError::Unavailable(_) => Status::unavailable("the log is unavailable: try again later"),
        StoreError::Corrupt(_) => Status::data_loss("the log is damaged"),
    }
}

/// What is answered to whoever would write.
pub(crate) fn read_only() -> Status {
    Status::unimplemented("the log can be read here, not written to: commands go through the API")
}
