//! Measurements in Prometheus' text form.

use std::{
    cell::RefCell,
    collections::HashMap,
    sync::{Arc, OnceLock},
    thread,
    time::Duration,
};

use async_trait::async_trait;
use axum::{
    extract::State,
    http::{Method, StatusCode, header},
    response::IntoResponse,
};
use metrics::Histogram;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use utoipa_axum::{router::OpenApiRouter, routes};

const DURATION: &str = "tidings_http_request_duration_seconds";
const BUCKETS: &[f64] = &[0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];

const SIZES: &[f64] = &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0];

static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Begins to make this process measure, while other things start: first the recorder compares two clocks (`quanta`), which keeps a
/// processor busy for 1 to 200 ms.
pub fn prepare() {
    // where there is no thread for it, `install` does it
    let _ = thread::Builder::new().name("metrics".to_owned()).spawn(handle);
}

fn handle() -> Option<&'static PrometheusHandle> {
    let made = HANDLE.get_or_init(|| match build() {
        Ok(handle) => {
            super::explained::explain();
            Some(handle)
        }
        Err(error) => {
            tracing::warn!("nothing is measured: {error}");
            None
        }
    });
    made.as_ref()
}

/// Makes this process measure. Once a process: servers started side by side share the measurements.
pub fn install() {
    let Some(handle) = handle() else { return };
    // histograms gather until they are drained, whether anybody asks for them or not
    tokio::spawn(async move {
        let mut tick = tokio::time::interval(Duration::from_secs(5));
        loop {
            tick.tick().await;
            handle.run_upkeep();
        }
    });
}

fn build() -> Result<PrometheusHandle, BuildError> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), BUCKETS)?
        .set_buckets_for_metric(Matcher::Suffix("_events".to_owned()), SIZES)?
        .install_recorder()
}

/// The histograms of a route, by method and status.
type OfRoute = Vec<(&'static str, u16, Histogram)>;

thread_local! {
    /// Kept once a thread: to find a histogram by its labels costs more than to record in it. Routes are those there are.
    static HISTOGRAMS: RefCell<HashMap<Box<str>, OfRoute>> = RefCell::default();
}

pub(super) fn record(method: &Method, route: &str, status: StatusCode, taken: Duration) {
    let method = known(method);
    HISTOGRAMS.with_borrow_mut(|routes| {
        let of_route = match routes.get_mut(route) {
            Some(of_route) => of_route,
            None => routes.entry(route.into()).or_default(),
        };
        let found = of_route.iter().find(|(m, s, _)| *m == method && *s == status.as_u16());
        if let Some((_, _, histogram)) = found {
            histogram.record(taken);
        } else {
            let labels: [(&str, metrics::SharedString); 3] = [
                ("method", method.into()),
                ("route", route.to_owned().into()),
                ("status", status.as_str().to_owned().into()),
            ];
            let histogram = metrics::histogram!(DURATION, &labels);
            histogram.record(taken);
            of_route.push((method, status.as_u16(), histogram));
        }
    });
}

/// Anything a client makes up must not become a label.
fn known(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        _ => "other",
    }
}

/// What is looked at only when somebody asks.
#[async_trait]
pub trait Sampled: Send + Sync + 'static {
    /// Sets the gauges. Takes no longer than a moment, whatever is gone.
    async fn sample(&self);
}

/// The route of this module.
pub fn routes<S: Clone + Send + Sync + 'static>(sampled: Arc<dyn Sampled>) -> OpenApiRouter<S> {
    OpenApiRouter::new().routes(routes!(show_metrics)).with_state(sampled)
}

/// Measurements
///
/// In Prometheus' text form.
#[utoipa::path(get, path = "/metrics", tag = "Operation", responses(
    (status = 200, description = "The measurements", body = String, content_type = "text/plain")
))]
async fn show_metrics(State(sampled): State<Arc<dyn Sampled>>) -> impl IntoResponse {
    sampled.sample().await;
    let text = HANDLE.get().and_then(Option::as_ref).map(PrometheusHandle::render).unwrap_or_default();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}
