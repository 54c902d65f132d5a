//! Where a request comes from, also through proxies.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of the client, as far as it can be known. With every request that came by network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// What counts as one caller: an address, or a network of 64 bits in IPv6, which is what one customer gets.
    pub fn network(self) -> IpAddr {
        match self.0.to_canonical() {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        }
    }
}

/// The networks of the proxies whose word is taken for where requests come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Networks (`10.0.0.0/8`) or single addresses, with commas between them. The error is what cannot be read.
    pub fn parse(text: &str) -> Result<Self, String> {
        let network = |part: &str| {
            let single = part.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
            part.parse::<IpNet>().or(single).map_err(|_| part.to_owned())
        };
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(network).collect::<Result<_, _>>().map(Self)
    }

    /// Whether this is a proxy that is believed.
    pub fn trusts(&self, address: IpAddr) -> bool {
        !self.0.is_empty() && self.0.iter().any(|network| network.contains(&address.to_canonical()))
    }

    /// The client of a request that came from this peer: what trusted proxies say, from the nearest one on, up to the first
    /// address that is not one of them.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.trusts(peer) {
            return peer;
        }
        let forwarded = headers.contains_key(header::FORWARDED).then(|| self.furthest(peer, forwarded(headers)));
        let older = headers.contains_key(X_FORWARDED_FOR).then(|| self.furthest(peer, forwarded_for(headers)));
        match (forwarded, older) {
            // A proxy sets one of them, and hands on what a client has made up in the other.
            (Some(one), Some(other)) if one != other => peer,
            (Some(address), _) | (None, Some(address)) => address,
            (None, None) => peer,
        }
    }

    fn furthest(&self, peer: IpAddr, hops: Vec<Option<IpAddr>>) -> IpAddr {
        let mut known = peer;
        for hop in hops.into_iter().rev() {
            // what is no address hides where the request came from before
            let Some(hop) = hop else { break };
            known = hop;
            if !self.trusts(hop) {
                break;
            }
        }
        known
    }
}

fn parts(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(name).into_iter().map(|line| line.to_str().unwrap_or_default());
    lines.flat_map(|line| line.split(','))
}

/// `Forwarded: for=192.0.2.60;proto=http, for="[2001:db8::17]:47011"` (RFC 7239).
fn forwarded(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let hop = |element: &str| {
        let mut pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
        let (_, value) = pairs.find(|(name, _)| name.eq_ignore_ascii_case("for"))?;
        node(value.trim_matches('"'))
    };
    parts(headers, header::FORWARDED).map(hop).collect()
}

fn forwarded_for(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    parts(headers, X_FORWARDED_FOR).map(node).collect()
}

/// An address, perhaps in brackets, perhaps with a port.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))?;
    Some(IpAddr::to_canonical(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, lines: &[(&'static str, &str)]) -> String {
        let proxies = TrustedProxies::parse("10.0.0.0/8, 2001:db8:f::/48, 192.0.2.7").unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn a_stranger_is_not_believed() {
        assert_eq!(client("198.51.100.1", &[("x-forwarded-for", "203.0.113.5")]), "198.51.100.1");
        assert_eq!(client("198.51.100.1", &[("forwarded", "for=203.0.113.5")]), "198.51.100.1");
        assert!(!TrustedProxies::default().trusts("127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn a_trusted_proxy_is_believed_up_to_the_first_stranger_from_the_right() {
        for (value, address) in [
            ("203.0.113.5", "203.0.113.5"),
            ("1.2.3.4, 203.0.113.5", "203.0.113.5"),
            ("1.2.3.4, 203.0.113.5, 10.9.9.9", "203.0.113.5"),
            ("10.1.1.1, 10.9.9.9", "10.1.1.1"),
            ("203.0.113.5:4711", "203.0.113.5"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("::ffff:203.0.113.5", "203.0.113.5"),
            ("203.0.113.5, unknown", "10.0.0.1"),
            ("203.0.113.5, unknown, 10.9.9.9", "10.9.9.9"),
            ("", "10.0.0.1"),
        ] {
            assert_eq!(client("10.0.0.1", &[("x-forwarded-for", value)]), address, "{value}");
        }
        let lines = [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-for", "203.0.113.5")];
        assert_eq!(client("192.0.2.7", &lines), "203.0.113.5");
        assert_eq!(client("::ffff:10.0.0.1", &lines), "203.0.113.5");
    }

    #[test]
    fn the_standard_header_is_read_too() {
        let value = "for=1.2.3.4, FOR=\"[2001:db8::17]:47011\";proto=https, for=10.2.2.2;by=10.0.0.1";
        assert_eq!(client("10.0.0.1", &[("forwarded", value)]), "2001:db8::17");
        assert_eq!(client("10.0.0.1", &[("forwarded", "proto=https")]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &[("forwarded", "for=_hidden")]), "10.0.0.1");
    }

    #[test]
    fn two_headers_that_disagree_are_not_believed() {
        let made_up = ("forwarded", "for=1.2.3.4");
        assert_eq!(client("10.0.0.1", &[made_up, ("x-forwarded-for", "203.0.113.5")]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &[made_up, ("x-forwarded-for", "1.2.3.4")]), "1.2.3.4");
    }

    #[test]
    fn what_is_no_network_is_named() {
        assert_eq!(TrustedProxies::parse("10.0.0.0/8, nowhere"), Err("nowhere".to_owned()));
        assert_eq!(TrustedProxies::parse(" , "), Ok(TrustedProxies::default()));
    }
}
