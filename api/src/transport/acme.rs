//! The certificate for HTTPS: from an authority that speaks ACME (RFC 8555). It proves who it is on the server's own
//! listener (tls-alpn-01, RFC 8737), so nothing else has to be reachable.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use futures::StreamExt;
use rustls_acme::{AcmeConfig, AcmeState, EventOk, ResolvesServerCertAcme, caches::DirCache};
use tokio_rustls::rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::certificates::{TlsError, because};

/// What an authority is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcmeSettings {
    /// The names of the certificate.
    pub domains: Vec<String>,
    /// Where the authority may write to (`mailto:…`).
    pub contact: Vec<String>,
    /// The authority's directory.
    pub directory: String,
    /// Where account and certificate are kept.
    pub cache: PathBuf,
    /// What the authority's own server is trusted by (PEM); the public roots when not given.
    pub trusted: Option<PathBuf>,
}

/// What goes on with an authority.
pub(super) type Acme = AcmeState<std::io::Error>;

/// Begins with the certificate that is kept, if one is. Nothing is asked of the authority before [`obtain`].
pub(super) fn open(settings: AcmeSettings) -> Result<(Arc<ResolvesServerCertAcme>, Acme), TlsError> {
    let trusted = settings.trusted.as_deref().map(trusting).transpose()?;
    let mut config = AcmeConfig::new(settings.domains)
        .contact(settings.contact)
        .cache(DirCache::new(settings.cache))
        .directory(settings.directory);
    if let Some(trusted) = trusted {
        config = config.client_tls_config(trusted);
    }
    let state = config.state();
    Ok((state.resolver(), state))
}

/// Gets the certificate, and the next one in time, for ever. What fails is tried again, less and less often.
pub(super) async fn obtain(mut acme: Acme) {
    while let Some(event) = acme.next().await {
        match event {
            Ok(EventOk::DeployedNewCert) => tracing::info!("there is a new certificate"),
            Ok(EventOk::DeployedCachedCert) => tracing::info!("the certificate that was kept is used"),
            Ok(EventOk::CertCacheStore | EventOk::AccountCacheStore) => {}
            Err(error) => tracing::error!("ACME: {error}"),
        }
    }
}

fn trusting(file: &Path) -> Result<Arc<ClientConfig>, TlsError> {
    let wrong = |why| TlsError::File { setting: "TIDINGS_ACME_CA", path: file.to_owned(), why };
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    for certificate in certificates.map_err(|error| wrong(because(&error)))? {
        roots.add(certificate).map_err(|error| wrong(format!("holds what is no certificate: {error}")))?;
    }
    if roots.is_empty() {
        return Err(wrong("holds no certificate in PEM form".to_owned()));
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| wrong(error.to_string()))?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}
