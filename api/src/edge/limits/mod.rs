//! Rate limits, for each caller and on each node by itself.
//!
//! Who is signed in is limited as a user, wherever they come from; anybody else by address, where a network of 64 bits
//! counts as one in IPv6. Registration, sign-in and refresh cost the server much and open doors: a twentieth of the rate
//! and of the burst, by address, whoever asks. Without a limit nothing of this is in the way of a request.

mod budgets;

use std::{
    net::IpAddr,
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::{FromRequestParts, MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tidings_domain::UserId;

use super::ClientAddress;
use crate::{
    auth::Authenticator,
    extract::Caller,
    problem::{Kind, Problem},
};
use budgets::{Budgets, Verdict};

// draft-ietf-httpapi-ratelimit-headers-10
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// How much less strangers get who want to become somebody.
const STRICTER: u32 = 20;

/// How much each caller may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests a second, in the long run.
    pub per_second: NonZeroU32,
    /// Requests at once.
    pub burst: NonZeroU32,
}

/// Judges every request but those for health and metrics. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Limits(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    callers: Policy,
    entrances: Policy,
    authenticator: Authenticator,
}

#[derive(Debug)]
struct Policy {
    name: &'static str,
    budgets: Budgets,
    announced: HeaderValue,
}

/// Who has a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Who {
    User(UserId),
    /// See [`ClientAddress::network`].
    At(IpAddr),
    /// Nobody said where from: only requests that did not come by network.
    Nowhere,
}

impl Limits {
    /// Limits by this rate, for users whose tokens this one knows.
    pub fn new(rate: Rate, authenticator: Authenticator) -> Self {
        let interval = Duration::from_secs(1) / rate.per_second.get();
        let burst = rate.burst.get();
        Self(Arc::new(Inner {
            callers: Policy::new("caller", interval, burst),
            entrances: Policy::new("sign-in", interval * STRICTER, (burst / STRICTER).max(1)),
            authenticator,
        }))
    }

    async fn judge(&self, parts: &mut Parts) -> Option<(&Policy, Verdict)> {
        let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
        if matches!(route, "/health/live" | "/health/ready" | "/metrics") {
            return None;
        }
        let enters =
            parts.method == Method::POST && matches!(route, "/v1/users" | "/v1/sessions" | "/v1/sessions/refresh");
        let address = parts.extensions.get::<ClientAddress>().copied();
        let Inner { callers, entrances, authenticator } = &*self.0;
        let (policy, who) = if enters {
            (entrances, Who::at(address))
        } else {
            // a bad token is the handler's to refuse
            let caller = Caller::from_request_parts(parts, authenticator).await.ok();
            (callers, caller.map_or_else(|| Who::at(address), |caller| Who::User(caller.user)))
        };
        Some((policy, policy.budgets.take(who, Instant::now())))
    }
}

impl Who {
    fn at(address: Option<ClientAddress>) -> Self {
        address.map_or(Self::Nowhere, |address| Self::At(address.network()))
    }
}

impl Policy {
    fn new(name: &'static str, interval: Duration, burst: u32) -> Self {
        let budgets = Budgets::new(interval, burst);
        let announced = format!("\"{name}\";q={burst};w={}", whole_seconds(budgets.window()));
        Self { name, budgets, announced: visible(announced) }
    }

    fn announce(&self, verdict: Verdict, headers: &mut HeaderMap) {
        let Verdict { left, whole_in, .. } = verdict;
        let left = format!("\"{}\";r={left};t={}", self.name, whole_seconds(whole_in));
        headers.insert(RATE_LIMIT, visible(left));
        headers.insert(RATE_LIMIT_POLICY, self.announced.clone());
    }
}

/// Names and numbers are a header value.
fn visible(text: String) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

/// Rounded up: who comes back then does not come early.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// The middleware around every route.
pub(super) async fn limit(State(limits): State<Limits>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let Some((policy, verdict)) = limits.judge(&mut parts).await else {
        return next.run(Request::from_parts(parts, body)).await;
    };
    let mut response = match verdict.refused_for {
        None => next.run(Request::from_parts(parts, body)).await,
        Some(wait) => refuse(policy, wait),
    };
    policy.announce(verdict, response.headers_mut());
    response
}

fn refuse(policy: &Policy, wait: Duration) -> Response {
    let seconds = whole_seconds(wait).max(1);
    let detail = format!("the limit {:?} is reached: come back in {seconds} s", policy.name);
    let mut response = Problem::new(Kind::TooManyRequests, detail).into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> Who {
        Who::at(Some(ClientAddress(address.parse().unwrap())))
    }

    #[test]
    fn a_network_of_64_bits_is_one_caller_and_a_mapped_address_is_its_own() {
        assert_eq!(at("2001:db8:1:2::1"), at("2001:db8:1:2:ffff::9"));
        assert_ne!(at("2001:db8:1:2::1"), at("2001:db8:1:3::1"));
        assert_eq!(at("::ffff:192.0.2.1"), at("192.0.2.1"));
        assert_ne!(at("192.0.2.1"), at("192.0.2.2"));
    }

    #[test]
    fn a_policy_announces_itself_as_the_draft_says() {
        let policy = Policy::new("caller", Duration::from_millis(10), 1000);
        let mut headers = HeaderMap::new();
        policy.announce(policy.budgets.take(Who::Nowhere, Instant::now()), &mut headers);
        assert_eq!(headers[RATE_LIMIT_POLICY], "\"caller\";q=1000;w=10");
        assert_eq!(headers[RATE_LIMIT], "\"caller\";r=999;t=1");
        assert_eq!(refuse(&policy, Duration::from_millis(1500)).headers()[header::RETRY_AFTER], "2");
    }
}
