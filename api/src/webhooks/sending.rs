//! One POST to a receiver: signed, short, and to nobody inside.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::{
    Client, StatusCode,
    dns::Resolve,
    header::{CONTENT_TYPE, RETRY_AFTER},
    redirect::Policy,
};
use tidings_domain::{
    Timestamp,
    values::{WebhookSecret, WebhookUrl},
    webhook::Webhook,
};

use super::address::{Guarded, Inside, System, is_public};
use crate::clock;

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// A connection that waits for the next delivery.
const KEEP_IDLE: Duration = Duration::from_secs(30);
/// What a receiver may ask for with `Retry-After`, at most.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(24);

/// Why a delivery failed. Nothing of the receiver's answer but its status is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failed {
    /// What the receiver answered, if it did.
    pub(super) status: Option<u16>,
    /// In a few words.
    pub(super) reason: String,
    /// When it wants to be asked again.
    pub(super) retry_after: Option<Duration>,
}

impl Failed {
    fn because(reason: &str) -> Self {
        Self { status: None, reason: reason.to_owned(), retry_after: None }
    }
}

/// Posts to receivers. Cheap to clone.
#[derive(Clone)]
pub struct Sender(Arc<Inner>);

struct Inner {
    resolver: Arc<dyn Resolve>,
    private: bool,
    /// Made for the first post: it reads the system's certificates, which takes time and may fail.
    client: OnceLock<Option<Client>>,
}

impl Sender {
    /// Posts to public addresses only, unless `private`.
    pub fn new(private: bool) -> Self {
        Self::resolving_by(Arc::new(System), private)
    }

    pub(super) fn resolving_by(resolver: Arc<dyn Resolve>, private: bool) -> Self {
        let resolver = if private { resolver } else { Arc::new(Guarded::new(resolver)) };
        Self(Arc::new(Inner { resolver, private, client: OnceLock::new() }))
    }

    fn client(&self) -> Option<&Client> {
        let made = || {
            let client = Client::builder()
                .dns_resolver(self.0.resolver.clone())
                // a proxy would connect to wherever it likes, and a redirect leads wherever the receiver likes
                .no_proxy()
                .redirect(Policy::none())
                .connect_timeout(CONNECT_WITHIN)
                .timeout(ANSWER_WITHIN)
                .pool_max_idle_per_host(1)
                .pool_idle_timeout(KEEP_IDLE)
                .user_agent(concat!("tidings/", env!("CARGO_PKG_VERSION")))
                .build();
            client.inspect_err(|error| tracing::error!(%error, "webhooks cannot be posted")).ok()
        };
        self.0.client.get_or_init(made).as_ref()
    }

    /// Whether a webhook may go there at all, or what is wrong; what its name leads to shows when it is connected to.
    pub fn admits(&self, url: &WebhookUrl) -> Result<(), &'static str> {
        if self.0.private {
            return Ok(());
        }
        if !url.is_https() {
            return Err("must begin with https://");
        }
        if url.address().is_some_and(|address| !is_public(address)) {
            return Err("must not lead to an address that is not of the public internet");
        }
        let local = |name: String| name == "localhost" || name.ends_with(".localhost");
        if url.host_name().is_some_and(local) {
            return Err("must not lead to an address that is not of the public internet");
        }
        Ok(())
    }

    /// Posts a body under this id; the status of a receiver that took it.
    pub(super) async fn post(&self, webhook: &Webhook, id: &str, body: Vec<u8>) -> Result<u16, Failed> {
        let Some(target) = &webhook.target else { return Err(Failed::because("no address")) };
        self.admits(&target.url).map_err(Failed::because)?;
        let now = clock::now();
        let seconds = now.millis() / 1000;
        let previous = webhook.previous.as_ref().filter(|previous| now < previous.until);
        let secrets = [Some(&target.secret), previous.map(|previous| &previous.secret)];
        let signatures: Vec<_> =
            secrets.into_iter().flatten().map(|secret| signature(secret, id, seconds, &body)).collect();
        let client = self.client().ok_or_else(|| Failed::because("no client"))?;
        let request = client
            .post(target.url.as_str())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", signatures.join(" "))
            .body(body);
        // the body of the answer is nobody's concern: it goes with the response, unread
        let response = request.send().await.map_err(|error| failed(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(status.as_u16());
        }
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        Err(Failed {
            status: Some(status.as_u16()),
            reason: named(status),
            retry_after: retry_after.and_then(|text| wanted(text, now)),
        })
    }
}

fn named(status: StatusCode) -> String {
    let name =
        if status.is_redirection() { Some("a redirect, which is not followed") } else { status.canonical_reason() };
    format!("{} {}", status.as_u16(), name.unwrap_or_default()).trim_end().to_owned()
}

/// What went wrong, without what the system or the receiver said about it.
fn failed(error: &reqwest::Error) -> Failed {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(inner) = cause {
        if inner.is::<Inside>() {
            return Failed::because("the name leads to an address that is not of the public internet");
        }
        cause = inner.source();
    }
    Failed::because(if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke off"
    })
}

/// `Retry-After` in seconds or as a date (RFC 9110).
fn wanted(text: &str, now: Timestamp) -> Option<Duration> {
    let after = if let Ok(seconds) = text.trim().parse() {
        Duration::from_secs(seconds)
    } else {
        let at = httpdate::parse_http_date(text).ok()?;
        let millis = u64::try_from(now.millis()).unwrap_or_default();
        at.duration_since(std::time::UNIX_EPOCH + Duration::from_millis(millis)).ok()?
    };
    Some(after.min(LONGEST_RETRY_AFTER))
}

/// Of the id, the time and the body (Standard Webhooks, version 1).
fn signature(secret: &WebhookSecret, id: &str, seconds: i64, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &secret.bytes());
    let mut signing = hmac::Context::with_key(&key);
    signing.update(format!("{id}.{seconds}.").as_bytes());
    signing.update(body);
    format!("v1,{}", BASE64_STANDARD.encode(signing.sign()))
}

#[cfg(test)]
mod tests;
