//! The certificate for HTTPS: from files, read again when they change.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use tokio::time::sleep;
use tokio_rustls::rustls::{
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Where certificate and key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain, the server's own first (PEM).
    pub certificate: PathBuf,
    /// Its private key (PEM).
    pub key: PathBuf,
}

/// Why there can be no HTTPS, in one sentence.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is not there, or not what it should be.
    #[error("{setting} names {}, which {why}", path.display())]
    File {
        /// The name of its environment variable.
        setting: &'static str,
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The two do not belong together, or are of a kind that cannot be used.
    #[error("TIDINGS_TLS_CERT and TIDINGS_TLS_KEY cannot be used together: {0}")]
    Pair(String),
}

/// The certificate as it stands now.
#[derive(Debug)]
pub(super) struct Certificates {
    files: TlsFiles,
    provider: Arc<CryptoProvider>,
    current: RwLock<Arc<CertifiedKey>>,
    /// What the files looked like before they were first read.
    loaded: [Stamp; 2],
}

/// What a file looks like from outside: when it was written, and its length.
type Stamp = Option<(SystemTime, u64)>;

impl Certificates {
    /// Reads the files.
    pub(super) fn load(files: TlsFiles) -> Result<Arc<Self>, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let loaded = stamps(&files);
        let current = RwLock::new(Arc::new(read(&files, &provider)?));
        Ok(Arc::new(Self { files, provider, current, loaded }))
    }

    /// Reads the files again whenever they change, for ever. What cannot be used changes nothing.
    pub(super) async fn follow_files(self: Arc<Self>) {
        let mut seen = self.loaded;
        loop {
            sleep(LOOK).await;
            let now = stamps(&self.files);
            if now == seen {
                continue;
            }
            seen = now;
            match read(&self.files, &self.provider) {
                Ok(next) => {
                    *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
                    tracing::info!("the certificate was read again");
                }
                Err(error) => tracing::error!("the certificate stays as it was: {error}"),
            }
        }
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

fn stamps(files: &TlsFiles) -> [Stamp; 2] {
    [&files.certificate, &files.key].map(|path| {
        let about = std::fs::metadata(path).ok()?;
        Some((about.modified().ok()?, about.len()))
    })
}

fn read(files: &TlsFiles, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let wrong = |setting, path: &Path, why| TlsError::File { setting, path: path.to_owned(), why };
    let TlsFiles { certificate, key } = files;
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|error| wrong("TIDINGS_TLS_CERT", certificate, because(&error)))?;
    if chain.is_empty() {
        return Err(wrong("TIDINGS_TLS_CERT", certificate, "holds no certificate in PEM form".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong("TIDINGS_TLS_KEY", key, because(&error)))?;
    CertifiedKey::from_der(chain, key, provider).map_err(|error| TlsError::Pair(error.to_string()))
}

/// The parser's own words are for programmers.
pub(super) fn because(error: &pem::Error) -> String {
    if let pem::Error::Io(error) = error {
        let absent = error.kind() == io::ErrorKind::NotFound;
        return if absent { "is not there".to_owned() } else { format!("cannot be read: {error}") };
    }
    if matches!(error, pem::Error::NoItemsFound) {
        return "holds no private key in PEM form".to_owned();
    }
    format!("is not in PEM form: {error}")
}
