//! Traces by OpenTelemetry, sent to a collector by OTLP over HTTP.
//!
//! Spans are `tracing` spans of one target that no log filter lets through by itself. Without a collector nothing is
//! interested in them, and each is one look at a flag.

use std::env;

use axum::http::{HeaderMap, Method, StatusCode};
use opentelemetry::{
    propagation::{Extractor, TextMapPropagator},
    trace::TracerProvider,
};
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{SdkTracerProvider, Tracer},
};
use tracing::{Span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::config::Config;

/// The target of all spans that are traced.
pub(super) const TARGET: &str = "tidings::span";

/// Where the standard names the collector.
const STANDARD: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// Sends what is left when it is dropped.
pub(super) struct Traces(SdkTracerProvider);

impl Traces {
    /// Begins to trace where a collector is configured. Sampling, limits, headers and the service's name come from the
    /// standard's own variables (`OTEL_…`). The error is why there is no exporter.
    pub(super) fn start(config: &Config) -> Result<Option<Self>, String> {
        let disabled = env::var("OTEL_SDK_DISABLED").is_ok_and(|value| value.eq_ignore_ascii_case("true"));
        let standard = STANDARD.into_iter().any(|name| env::var_os(name).is_some_and(|value| !value.is_empty()));
        if disabled || (config.otlp_endpoint.is_none() && !standard) {
            return Ok(None);
        }
        let mut exporter = SpanExporter::builder().with_http();
        if let Some(endpoint) = &config.otlp_endpoint {
            exporter = exporter.with_endpoint(endpoint);
        }
        let exporter = exporter.build().map_err(|error| error.to_string())?;
        let mut resource = Resource::builder();
        if env::var_os("OTEL_SERVICE_NAME").is_none() {
            resource = resource.with_service_name("tidings");
        }
        let provider =
            SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource.build()).build();
        Ok(Some(Self(provider)))
    }

    pub(super) fn tracer(&self) -> Tracer {
        self.0.tracer("tidings")
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown() {
            tracing::warn!(%error, "the last traces are lost");
        }
    }
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(axum::http::HeaderName::as_str).collect()
    }
}

/// The span of a request, below that of whoever asks (W3C `traceparent`). Disabled where nothing is traced.
pub(super) fn of_request(method: &Method, route: &str, id: &str, headers: &HeaderMap) -> Span {
    let span = tracing::debug_span!(
        target: TARGET,
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        http.request.method = %method,
        http.route = route,
        http.response.status_code = Empty,
        otel.status_code = Empty,
        tidings.request_id = id,
    );
    if !span.is_disabled() {
        let parent = TraceContextPropagator::new().extract(&Headers(headers));
        if let Err(error) = span.set_parent(parent) {
            tracing::debug!(%error, "a trace is not continued");
        }
    }
    span
}

/// Notes what came of a request.
pub(super) fn answered(span: &Span, status: StatusCode) {
    if span.is_disabled() {
        return;
    }
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
}
