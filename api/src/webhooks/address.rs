//! Where a webhook may connect to: addresses of the public internet, judged when the connection is made.
//!
//! A name is resolved once for each connection, and the very addresses that were judged are connected to: a name whose
//! answer changes afterwards (DNS rebinding) gains nothing. A number in the URL is judged before anything is sent.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, LazyLock},
};

use ipnet::{Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Not of the public internet (IANA's special-purpose registries, RFC 6890 and later).
const INSIDE_V4: [&str; 16] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "192.175.48.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/3",
];

/// All there is of the public internet in IPv6.
const PUBLIC_V6: &str = "2000::/3";

/// What of it is not: tunnels that lead to an IPv4 address within, and what is for documents.
const INSIDE_V6: [&str; 5] = ["2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"];

static V4: LazyLock<Vec<Ipv4Net>> = LazyLock::new(|| INSIDE_V4.iter().filter_map(|net| net.parse().ok()).collect());
static V6: LazyLock<Vec<Ipv6Net>> = LazyLock::new(|| INSIDE_V6.iter().filter_map(|net| net.parse().ok()).collect());
static ALL_V6: LazyLock<Option<Ipv6Net>> = LazyLock::new(|| PUBLIC_V6.parse().ok());

/// Whether an address is one of the public internet. Of IPv6 that wraps IPv4 (mapped, translated, tunnelled) none is.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !V4.iter().any(|net| net.contains(&address))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    ALL_V6.is_some_and(|all| all.contains(&address)) && !V6.iter().any(|net| net.contains(&address))
}

/// A name leads inside.
#[derive(Debug, thiserror::Error)]
#[error("the address is not one of the public internet")]
pub(super) struct Inside;

/// Asks another resolver and lets only public addresses through. One address inside spoils all: whoever publishes such a
/// pair is up to something.
pub(super) struct Guarded {
    inner: Arc<dyn Resolve>,
}

impl Guarded {
    pub(super) fn new(inner: Arc<dyn Resolve>) -> Self {
        Self { inner }
    }
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let resolving = self.inner.resolve(name);
        Box::pin(async move {
            let addresses: Vec<SocketAddr> = resolving.await?.collect();
            if addresses.iter().all(|address| is_public(address.ip())) {
                Ok(Box::new(addresses.into_iter()) as Addrs)
            } else {
                Err(Inside.into())
            }
        })
    }
}

/// What the system says.
pub(super) struct System;

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_is_one() {
        assert_eq!((V4.len(), V6.len(), ALL_V6.is_some()), (INSIDE_V4.len(), INSIDE_V6.len(), true));
    }

    #[test]
    fn only_the_public_internet_is_outside() {
        for inside in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.19.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::7f00:1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["8.8.8.8", "1.1.1.1", "100.63.255.255", "172.32.0.1", "223.255.255.1", "2606:4700::1111"] {
            assert!(is_public(outside.parse().unwrap()), "{outside}");
        }
    }
}
