//! What operators do with the views.

use async_trait::async_trait;
use tidings_projections::model::{ProjectionStatus, Verification};

use crate::problem::Problem;

/// How the views are, and what can be done about it.
#[async_trait]
pub trait ViewsAdmin: Send + Sync + 'static {
    /// How every projection is doing.
    async fn status(&self) -> Result<Vec<ProjectionStatus>, Problem>;

    /// Begins to rebuild a projection beside the serving one.
    async fn rebuild(&self, name: &str) -> Result<(), Problem>;

    /// Compares the serving view with a fresh fold of the log.
    async fn verify(&self, name: &str) -> Result<Verification, Problem>;
}
