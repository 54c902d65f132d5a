//! Requests as ACME signs them (RFC 7515, ES256).

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

/// Text as JOSE writes bytes.
pub(super) fn decoded(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A request whose signature is not looked at yet.
#[derive(Debug)]
pub(super) struct Signed {
    /// What is signed: both parts as they came.
    input: String,
    header: Value,
    payload: String,
    signature: Vec<u8>,
}

/// A public key on the curve P-256.
#[derive(Debug, Clone)]
pub(super) struct Key {
    x: String,
    y: String,
}

impl Signed {
    pub(super) fn read(body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).expect("it is JSON");
        let text = |member: &str| body[member].as_str().unwrap_or_else(|| panic!("{member}: {body}")).to_owned();
        let (protected, payload) = (text("protected"), text("payload"));
        Self {
            input: format!("{protected}.{payload}"),
            header: serde_json::from_slice(&decoded(&protected)).expect("it is JSON"),
            payload,
            signature: decoded(&text("signature")),
        }
    }

    pub(super) fn nonce(&self) -> &str {
        self.header["nonce"].as_str().expect("it has a nonce")
    }

    pub(super) fn url(&self) -> &str {
        self.header["url"].as_str().expect("it names its URL")
    }

    /// The key that a request brings itself.
    pub(super) fn own_key(&self) -> Option<Key> {
        let jwk = self.header.get("jwk")?;
        assert_eq!((&jwk["kty"], &jwk["crv"]), (&"EC".into(), &"P-256".into()));
        let text = |member: &str| jwk[member].as_str().expect("a coordinate").to_owned();
        Some(Key { x: text("x"), y: text("y") })
    }

    /// What it says, if this key signed it; null when it says nothing.
    pub(super) fn verified_by(&self, key: &Key) -> Value {
        assert_eq!(self.header["alg"], "ES256");
        let point = [vec![4], decoded(&key.x), decoded(&key.y)].concat();
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
        key.verify(self.input.as_bytes(), &self.signature).expect("the signature is right");
        let payload = decoded(&self.payload);
        if payload.is_empty() { Value::Null } else { serde_json::from_slice(&payload).expect("it is JSON") }
    }
}

impl Key {
    /// The digest of the key authorization (RFC 8555, 8.1): what answers for a token.
    pub(super) fn authorization(&self, token: &str) -> Vec<u8> {
        let jwk = format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, self.x, self.y);
        let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, jwk.as_bytes()));
        digest(&SHA256, format!("{token}.{thumbprint}").as_bytes()).as_ref().to_vec()
    }
}
