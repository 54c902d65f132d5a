//! Which other origins' pages may ask from browsers (the Fetch standard's CORS protocol).

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, Uri};
use tower_http::cors::{AllowOrigin, Any, CorsLayer};

/// How long a browser may remember what it was allowed.
const REMEMBERED: Duration = Duration::from_hours(1);

/// The origins that are let in; by default none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Origins {
    /// Only the server's own pages.
    #[default]
    Own,
    /// These too, with the refresh cookie where the browser sends it.
    These(Vec<HeaderValue>),
    /// Every page there is, which then has to bring its tokens itself.
    Any,
}

impl Origins {
    /// Origins (`https://chat.example`) with commas between them, or `*`. The error is what is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts: Vec<_> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
        match parts.as_slice() {
            [] => Ok(Self::Own),
            ["*"] => Ok(Self::Any),
            parts => parts.iter().map(|part| origin(part)).collect::<Result<_, _>>().map(Self::These),
        }
    }

    /// Whether a page of this origin may open a WebSocket to this host, which no browser asks about beforehand.
    pub fn admits(&self, origin: &HeaderValue, host: Option<&str>) -> bool {
        let text = origin.to_str().unwrap_or_default();
        let own = host.is_some_and(|host| text.split_once("://").is_some_and(|(_, from)| from == host));
        match self {
            Self::Own => own,
            Self::These(origins) => own || origins.contains(origin),
            Self::Any => true,
        }
    }

    /// What answers browsers that ask; nothing when there are no other origins.
    pub(super) fn layer(self) -> Option<CorsLayer> {
        let layer = CorsLayer::new()
            .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
            .allow_headers(ASKED.map(HeaderName::from_static))
            .expose_headers(TOLD.map(HeaderName::from_static))
            .max_age(REMEMBERED);
        match self {
            Self::Own => None,
            Self::Any => Some(layer.allow_origin(Any)),
            Self::These(origins) => Some(layer.allow_origin(AllowOrigin::list(origins)).allow_credentials(true)),
        }
    }
}

/// What pages may send.
const ASKED: [&str; 8] = [
    "accept",
    "authorization",
    "content-type",
    "idempotency-key",
    "last-event-id",
    "range",
    "tidings-min-position",
    "x-request-id",
];

/// What pages may see.
const TOLD: [&str; 8] = [
    "content-range",
    "idempotency-replayed",
    "location",
    "ratelimit",
    "ratelimit-policy",
    "retry-after",
    "tidings-position",
    "x-request-id",
];

/// As browsers write it: scheme, host, and the port where it is not the scheme's own.
fn origin(text: &str) -> Result<HeaderValue, String> {
    let uri: Option<Uri> = text.parse().ok();
    let bare = uri.as_ref().and_then(|uri| Some(format!("{}://{}", uri.scheme_str()?, uri.authority()?)));
    let written = bare.filter(|bare| bare == text && text == text.to_ascii_lowercase());
    written.and_then(|text| HeaderValue::try_from(text).ok()).ok_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_opens_sockets_to_its_own_host_or_where_it_is_let_in() {
        let admits = |allowed: &str, origin| {
            Origins::parse(allowed).unwrap().admits(&HeaderValue::from_static(origin), Some("chat.example:8080"))
        };
        assert!(admits("", "http://chat.example:8080") && admits("https://a.example", "https://a.example"));
        assert!(admits("*", "null") && admits("https://a.example", "http://chat.example:8080"));
        for strange in ["null", "", "http://chat.example", "https://b.example", "chat.example:8080"] {
            assert!(!admits("https://a.example", strange) && !admits("", strange), "{strange}");
        }
    }

    #[test]
    fn origins_are_read_as_browsers_write_them() {
        assert_eq!(Origins::parse(""), Ok(Origins::Own));
        assert_eq!(Origins::parse("*"), Ok(Origins::Any));
        let two = ["https://chat.example", "http://localhost:3000"];
        assert_eq!(Origins::parse(&two.join(", ")), Ok(Origins::These(two.map(HeaderValue::from_static).to_vec())));
        for wrong in ["chat.example", "https://chat.example/", "https://Chat.example", "https://a.example, *", "null"] {
            assert!(Origins::parse(wrong).is_err(), "{wrong}");
        }
    }
}
