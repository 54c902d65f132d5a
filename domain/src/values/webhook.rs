//! What a webhook is made of.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::{Invalid, text_value};

/// The longest address.
const MAX_URL_BYTES: usize = 2_048;

text_value! {
    /// Where a webhook posts to: `http` or `https`, at most 2,048 bytes, without user, password or fragment. In the form in
    /// which browsers understand it, so that `http://0x7f.1/` is seen to be `http://127.0.0.1/`.
    WebhookUrl
}

impl WebhookUrl {
    /// Checks and normalizes.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        const NONE: Invalid = Invalid("must be the URL of a web server");
        if text.len() > MAX_URL_BYTES {
            return Err(Invalid("must have at most 2048 bytes"));
        }
        let url = Url::parse(text).map_err(|_| NONE)?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(NONE);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Invalid("must not name a user"));
        }
        if url.fragment().is_some() {
            return Err(Invalid("must not have a fragment"));
        }
        if url.as_str().len() > MAX_URL_BYTES {
            return Err(Invalid("must have at most 2048 bytes"));
        }
        Ok(Self(url.into()))
    }

    /// Whether what is sent there is encrypted.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https:")
    }

    /// The address of a host that is not named but numbered.
    pub fn address(&self) -> Option<std::net::IpAddr> {
        match Url::parse(&self.0).ok()?.host()? {
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
            Host::Domain(_) => None,
        }
    }

    /// The name of a host that is not numbered, in lower case, without the dot of the root.
    pub fn host_name(&self) -> Option<String> {
        match Url::parse(&self.0).ok()?.host()? {
            Host::Domain(name) => Some(name.trim_end_matches('.').to_ascii_lowercase()),
            Host::Ipv4(_) | Host::Ipv6(_) => None,
        }
    }
}

/// What signs: `whsec_` and base64 (Standard Webhooks). Never shown but once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WebhookSecret(String);

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

impl WebhookSecret {
    const PREFIX: &str = "whsec_";

    /// From random bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(format!("{}{}", Self::PREFIX, BASE64_STANDARD.encode(bytes)))
    }

    /// As its owner keeps it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key itself.
    pub fn bytes(&self) -> Vec<u8> {
        BASE64_STANDARD.decode(self.0.trim_start_matches(Self::PREFIX)).unwrap_or_default()
    }
}

/// What a webhook can tell of: the events of the live stream that are in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookTopic {
    /// A message was sent.
    Message,
    /// A message was edited, or pinned.
    MessageEdited,
    /// A message was deleted.
    MessageDeleted,
    /// Somebody reacted, or not any more.
    Reaction,
    /// Somebody has read more.
    Read,
    /// Somebody has got more.
    Delivered,
    /// Somebody came, went, or has another role.
    Member,
    /// A conversation was started or is called otherwise.
    Conversation,
}

impl WebhookTopic {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Message,
        Self::MessageEdited,
        Self::MessageDeleted,
        Self::Reaction,
        Self::Read,
        Self::Delivered,
        Self::Member,
        Self::Conversation,
    ];

    /// The name of the event.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::MessageEdited => "message_edited",
            Self::MessageDeleted => "message_deleted",
            Self::Reaction => "reaction",
            Self::Read => "read",
            Self::Delivered => "delivered",
            Self::Member => "member",
            Self::Conversation => "conversation",
        }
    }

    /// The topic of this name.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|topic| topic.as_str() == text);
        found.ok_or(Invalid("must be the name of an event of the live stream"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_understood_as_browsers_understand_it() {
        for (written, meant) in [
            ("http://2130706433/", "http://127.0.0.1/"),
            ("http://0x7f.1/x", "http://127.0.0.1/x"),
            ("http://017700000001/", "http://127.0.0.1/"),
            ("https://127.1", "https://127.0.0.1/"),
            ("http://[::ffff:7f00:1]/", "http://[::ffff:7f00:1]/"),
            ("https://EXAMPLE.org:443/a?b=c", "https://example.org/a?b=c"),
            ("http://①②⑦.0.0.1/", "http://127.0.0.1/"),
        ] {
            assert_eq!(WebhookUrl::parse(written).unwrap().as_str(), meant, "{written}");
        }
        let url = |text| WebhookUrl::parse(text).unwrap();
        assert_eq!(url("http://0x7f.1/").address(), Some([127, 0, 0, 1].into()));
        assert_eq!(url("https://Example.org./").host_name().as_deref(), Some("example.org"));
        assert!(url("https://a.example").is_https() && !url("http://a.example").is_https());
    }

    #[test]
    fn what_is_no_address_of_a_web_server_is_refused() {
        let long = format!("https://example.org/{}", "x".repeat(2_048));
        for wrong in [
            "",
            "example.org",
            "/path",
            "ftp://example.org/",
            "file:///etc/passwd",
            "https://",
            "https://u@example.org/",
            "https://u:p@example.org/",
            "https://example.org/#a",
            "gopher://x",
            "http://256.1.1.1/",
            &long,
        ] {
            assert!(WebhookUrl::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_secret_is_base64_with_a_prefix_and_never_printed() {
        let secret = WebhookSecret::from_bytes(&[0xfb; 32]);
        assert!(secret.as_str().starts_with("whsec_") && secret.bytes() == [0xfb; 32]);
        assert_eq!(format!("{secret:?}"), "WebhookSecret(…)");
    }

    #[test]
    fn every_topic_reads_back() {
        for topic in WebhookTopic::ALL {
            assert_eq!(WebhookTopic::parse(topic.as_str()), Ok(topic));
            assert_eq!(serde_json::to_string(&topic).unwrap(), format!("\"{}\"", topic.as_str()));
        }
        assert!(WebhookTopic::parse("typing").is_err());
    }
}
