//! Builds views anew from the log, or compares them with it.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use tidings_projections::{Projection, ViewsError, runner::Extent};
use tokio::sync::mpsc;

use super::{Ended, OperationError, Operator, Report, Reports, report};

/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_millis(200);
/// So many differing rows are named.
const MOST_DIFFERENCES: usize = 20;
/// The views may have to be built first, at the first start or by another release.
const CAUGHT_UP_WITHIN: Duration = Duration::from_hours(24);

impl From<ViewsError> for OperationError {
    fn from(error: ViewsError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl Operator {
    /// Builds each view beside the serving one and lets it serve at the head.
    pub(super) async fn replay(&self, names: &[String], reports: &Reports) -> Ended {
        let projections = named(names)?;
        self.caught_up(reports).await?;
        let (began, (tell, mut told)) = (Instant::now(), mpsc::unbounded_channel());
        let rebuild = self.views.rebuild_all(projections.clone(), self.pace, move |projection, outcome| {
            // whoever hears of it has gone only where nobody waits any more
            drop(tell.send((projection, outcome, began.elapsed())));
        });
        self.telling(&projections, reports, rebuild).await??;
        let (mut done, mut before) = (vec![], Duration::ZERO);
        while let Some((projection, outcome, at)) = told.recv().await {
            // side by side each took all of the time
            let took = if self.pace.share.is_some() { at.saturating_sub(before) } else { at };
            before = at;
            let position = outcome?;
            let rate = position.get() * 1_000 / u64::try_from(took.as_millis()).unwrap_or(1).max(1);
            done.push(format!("{}: {position} events, {rate} a second", projection.name()));
        }
        Ok((0, done.join("; ")))
    }

    /// Compares each view with a fresh replay; exit code 1 on a difference, with the first rows that differ as lines.
    pub(super) async fn verify(&self, names: &[String], sample: Option<usize>, reports: &Reports) -> Ended {
        let projections = named(names)?;
        self.caught_up(reports).await?;
        let (mut done, mut code) = (vec![], 0);
        for projection in projections {
            let verify = self.views.verify(projection, Extent { sample, most: MOST_DIFFERENCES }, self.pace);
            let found = self.telling(&[projection], reports, verify).await??;
            for difference in &found.differences {
                let how = match (difference.in_view, difference.in_log) {
                    (true, true) => format!("differs in {}", difference.columns.join(", ")),
                    (true, false) => "is in the view, but not in the log".to_owned(),
                    (false, _) => "is missing from the view".to_owned(),
                };
                let line = format!("{}.{} {}: {how}", found.name, difference.table, difference.key);
                report(reports, Report::Line(line)).await?;
            }
            code = code.max(u8::from(found.differing > 0));
            done.push(format!(
                "{}: {} rows compared at position {}, {} differ",
                found.name, found.rows, found.position, found.differing
            ));
        }
        Ok((code, done.join("; ")))
    }

    /// Waits until the views have come to the log's present end.
    pub(super) async fn caught_up(&self, reports: &Reports) -> Result<(), OperationError> {
        let head = self.store.head().await.map_err(|error| OperationError::Failed(error.to_string()))?;
        let mut applied = self.views.applied();
        let mut waiting = std::pin::pin!(self.views.wait_for(head, CAUGHT_UP_WITHIN));
        loop {
            tokio::select! {
                reached = &mut waiting => {
                    reached.map_err(|error| OperationError::Failed(error.to_string()))?;
                    let search = self.views.wait_for_view(Projection::Search, head, CAUGHT_UP_WITHIN).await;
                    return search.map_err(|error| OperationError::Failed(error.to_string()));
                }
                () = tokio::time::sleep(TELL_EVERY) => {
                    let done = applied.borrow_and_update().get();
                    let progress = Report::Progress { what: "views".to_owned(), done, total: Some(head.get()) };
                    report(reports, progress).await?;
                }
            }
        }
    }

    /// Tells how far work on projections is until it is done: of several, how far the last of them is.
    async fn telling<T>(
        &self,
        projections: &[Projection],
        reports: &Reports,
        work: impl Future<Output = T>,
    ) -> Result<T, OperationError> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                () = tokio::time::sleep(TELL_EVERY) => {
                    let mut all = self.views.status().await?;
                    all.retain(|status| projections.iter().any(|projection| projection.name() == status.name));
                    let under_way = all.iter().filter_map(|status| Some((status.name, status.rebuilding?)));
                    if let Some((name, last)) = under_way.min_by_key(|(_, progress)| progress.position) {
                        let what = if projections.len() > 1 && self.pace.share.is_none() { "views" } else { name };
                        let (done, total) = (last.position.get(), Some(last.head.get()));
                        report(reports, Report::Progress { what: what.to_owned(), done, total }).await?;
                    }
                }
            }
        }
    }
}

fn named(names: &[String]) -> Result<Vec<Projection>, OperationError> {
    if names.is_empty() {
        return Ok(Projection::ALL.to_vec());
    }
    let known = || Projection::ALL.map(Projection::name).join(", ");
    names
        .iter()
        .map(|name| {
            Projection::named(name)
                .ok_or_else(|| OperationError::Failed(format!("there is no projection {name}; there are: {}", known())))
        })
        .collect()
}
