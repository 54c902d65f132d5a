//! HTTPS, and what keeps its certificate fresh.

use std::sync::Arc;

use futures::{FutureExt, future::BoxFuture};
use rustls_acme::acme::ACME_TLS_ALPN_NAME;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, ServerConnection, crypto::aws_lc_rs, server::ResolvesServerCert},
};

use super::{
    acme::{self, AcmeSettings},
    certificates::{Certificates, TlsError, TlsFiles},
};

/// Where the certificate comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateSource {
    /// Two files, written by somebody else.
    Files(TlsFiles),
    /// An authority that is asked.
    Acme(AcmeSettings),
}

/// Ready to take TLS connections.
pub struct Https {
    /// Takes them.
    pub acceptor: TlsAcceptor,
    /// Looks after the certificate as long as it runs.
    pub upkeep: BoxFuture<'static, ()>,
}

impl std::fmt::Debug for Https {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Https(…)")
    }
}

impl Https {
    /// Reads the files, or what is kept of the authority's. Must be called where a runtime is.
    pub fn open(source: CertificateSource) -> Result<Self, TlsError> {
        Ok(match source {
            CertificateSource::Files(files) => {
                let certificates = Certificates::load(files)?;
                let acceptor = acceptor(certificates.clone(), &[]);
                Self { acceptor, upkeep: certificates.follow_files().boxed() }
            }
            CertificateSource::Acme(settings) => {
                let (resolver, state) = acme::open(settings)?;
                let acceptor = acceptor(resolver, &[ACME_TLS_ALPN_NAME]);
                Self { acceptor, upkeep: acme::obtain(state).boxed() }
            }
        })
    }
}

/// Takes TLS connections, each with the certificate as it stands then: HTTP/2 where the client speaks it.
fn acceptor(certificate: Arc<dyn ResolvesServerCert>, more: &[&[u8]]) -> TlsAcceptor {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has suites for TLS 1.2 and 1.3")
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    let protocols: [&[u8]; 2] = [b"h2", b"http/1.1"];
    config.alpn_protocols = protocols.iter().chain(more).map(|protocol| protocol.to_vec()).collect();
    TlsAcceptor::from(Arc::new(config))
}

/// Whether a connection was only there to see who answers (RFC 8737): nothing is said on it.
pub(super) fn was_a_challenge(connection: &ServerConnection) -> bool {
    connection.alpn_protocol() == Some(ACME_TLS_ALPN_NAME)
}
