//! What stands around every route: request ids, one log line, one measurement and one span a request, rate limits, other origins,
//! compression, panics, headers, the answers to unknown routes and methods.

mod address;
mod compressing;
mod explained;
mod health;
mod limits;
mod lines;
mod logging;
mod metrics;
mod observe;
mod origins;
mod traces;

use std::any::Any;

use axum::{
    Router,
    http::{Method, Uri},
    response::{IntoResponse, Response},
};
use tower_http::catch_panic::CatchPanicLayer;

use crate::problem::{Kind, Problem};

pub use address::{ClientAddress, TrustedProxies};
pub use health::{Part, Probe, Readiness, routes as health_routes};
pub use limits::{Limits, Rate};
pub use logging::{Logging, start as start_logging};
pub use metrics::{Sampled, install as install_metrics, prepare as prepare_metrics, routes as metrics_routes};
use observe::Observed;
pub use origins::Origins;

/// What an edge has that not every server needs.
#[derive(Debug, Default)]
pub struct Around {
    /// How much each caller may ask.
    pub limits: Option<Limits>,
    /// Whose pages may ask from browsers.
    pub origins: Origins,
    /// The server speaks HTTPS itself: browsers are told to come no other way.
    pub https: bool,
}

/// Puts the edge around all routes.
pub fn around(router: Router, readiness: &Readiness, around: Around) -> Router {
    let mut router = router.fallback(unknown_route).method_not_allowed_fallback(unknown_method);
    if let Some(limits) = around.limits {
        router = router.layer(axum::middleware::from_fn_with_state(limits, limits::limit));
    }
    if let Some(origins) = around.origins.layer() {
        // a page is to see that it met a panic, too
        router = router.layer(CatchPanicLayer::custom(panicked)).layer(origins);
    }
    // One layer for all the rest: each is a box, a clone of all below it and some moves of the request, every time.
    router.layer(Observed::new(readiness.clone(), around.https))
}

async fn unknown_route(uri: Uri) -> Problem {
    Problem::new(Kind::NotFound, format!("there is no route {}", uri.path()))
}

async fn unknown_method(method: Method) -> Problem {
    Problem::new(Kind::MethodNotAllowed, format!("this route does not answer to {method}"))
}

#[expect(clippy::needless_pass_by_value, reason = "panics are handed over so")]
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let said = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = said.unwrap_or("?"), "a handler panicked");
    Problem::from(Kind::Internal).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use async_trait::async_trait;
    use axum::{
        body::{Body, to_bytes},
        http::{HeaderMap, HeaderValue, Request, header},
        routing::{get, post},
    };
    use serde_json::Value;
    use tower::ServiceExt;

    struct NoStores;

    #[async_trait]
    impl Probe for NoStores {
        async fn probe(&self) -> Vec<Part> {
            vec![]
        }
    }

    async fn ask(method: &str, path: &str, id: Option<&str>) -> (u16, HeaderMap, Value) {
        ask_while(&Readiness::new(Arc::new(NoStores)), method, path, id).await
    }

    async fn ask_while(readiness: &Readiness, method: &str, path: &str, id: Option<&str>) -> (u16, HeaderMap, Value) {
        async fn broken() -> &'static str {
            panic!("the password is hunter2")
        }
        let routes = Router::new().route("/fine", get(|| async { "fine" }).post(post_fine));
        let app = around(routes.route("/panic", post(broken)), readiness, Around::default());
        let mut request = Request::builder().method(method).uri(path);
        if let Some(id) = id {
            request = request.header("x-request-id", id);
        }
        let response = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 10_000).await.unwrap();
        (parts.status.as_u16(), parts.headers, serde_json::from_slice(&body).unwrap_or_default())
    }

    async fn post_fine() -> &'static str {
        "fine"
    }

    #[tokio::test]
    async fn an_unknown_route_and_method_are_problems() {
        let (status, _, body) = ask("GET", "/nowhere", None).await;
        assert_eq!((status, body["type"].as_str()), (404, Some("/problems/not-found")));
        let (status, headers, body) = ask("DELETE", "/fine", None).await;
        assert_eq!((status, body["type"].as_str()), (405, Some("/problems/method-not-allowed")));
        let allow = headers[header::ALLOW].to_str().unwrap();
        assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
    }

    #[tokio::test]
    async fn a_panic_is_a_500_without_internals() {
        let (status, _, body) = ask("POST", "/panic", None).await;
        assert_eq!(status, 500);
        assert!(!body.to_string().contains("hunter2"));
    }

    #[tokio::test]
    async fn a_sane_request_id_comes_back_and_another_is_replaced() {
        assert_eq!(ask("GET", "/fine", Some("abc-1")).await.1["x-request-id"], "abc-1");
        let made = ask("GET", "/fine", Some("a b")).await.1["x-request-id"].clone();
        assert_ne!(made, "a b");
        assert_ne!(made, ask("GET", "/fine", None).await.1["x-request-id"]);
    }

    #[tokio::test]
    async fn a_server_that_is_about_to_stop_answers_and_ends_the_connection() {
        let readiness = Readiness::new(Arc::new(NoStores));
        assert_eq!(ask_while(&readiness, "GET", "/fine", None).await.1.get(header::CONNECTION), None);
        readiness.stop();
        let (status, headers, _) = ask_while(&readiness, "GET", "/fine", None).await;
        assert_eq!((status, &headers[header::CONNECTION]), (200, &HeaderValue::from_static("close")));
    }

    #[tokio::test]
    async fn answers_carry_the_security_headers() {
        let (_, headers, _) = ask("GET", "/fine", None).await;
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    }
}
