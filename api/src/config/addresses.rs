//! Settings that name places.

use std::net::SocketAddr;

use axum::http::Uri;
use reqwest::Url;

use super::{ConfigError, invalid};

pub(super) fn address(setting: &'static str, text: &str) -> Result<SocketAddr, ConfigError> {
    text.parse().map_err(|_| invalid(setting, format!("is {text:?}, not an address such as 127.0.0.1:8080")))
}

/// Where traces go: the collector's own path for them, unless another is given.
pub(super) fn collector(text: &str) -> Result<String, ConfigError> {
    let uri: Option<Uri> = text.parse().ok().filter(|uri: &Uri| matches!(uri.scheme_str(), Some("http" | "https")));
    let Some(uri) = uri else {
        return Err(invalid("TIDINGS_OTLP_ENDPOINT", format!("is {text:?}, not a URL such as http://localhost:4318")));
    };
    Ok(if uri.path() == "/" { format!("{}/v1/traces", text.trim_end_matches('/')) } else { text.to_owned() })
}

/// The address may hold a password: it is not repeated.
pub(super) fn witness(text: &str) -> Result<Url, ConfigError> {
    let url = text.parse().ok().filter(|url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| invalid("TIDINGS_WITNESS", "is no address such as https://witness.example/tidings"))
}
