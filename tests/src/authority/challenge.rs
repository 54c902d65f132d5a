//! Looks who answers for a name (RFC 8737).

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    rustls::{
        CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
        client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        crypto::{CryptoProvider, aws_lc_rs, verify_tls13_signature_with_raw_key},
        pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime},
        version::TLS13,
    },
};

/// The object identifier of the extension `acmeIdentifier`, 1.3.6.1.5.5.7.1.31, in DER.
const EXTENSION: [u8; 10] = [0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x1f];

/// How a key on the curve P-256 begins in DER (`SubjectPublicKeyInfo`), before its point of 65 bytes.
const KEY: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// Keeps what it is shown.
#[derive(Debug)]
struct Looks {
    provider: Arc<CryptoProvider>,
    shown: Mutex<Vec<u8>>,
}

/// Connects for the name and expects a certificate with the answer in it, marked critical.
pub(super) async fn look(address: SocketAddr, domain: &str, answer: &[u8]) {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let looks = Arc::new(Looks { provider: provider.clone(), shown: Mutex::default() });
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .expect("the provider has suites for them")
        .dangerous()
        .with_custom_certificate_verifier(looks.clone())
        .with_no_client_auth();
    config.alpn_protocols = vec![b"acme-tls/1".to_vec()];
    let stream = TcpStream::connect(address).await.expect("the server listens");
    let name = ServerName::try_from(domain.to_owned()).expect("it is a name");
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect("it answers for the name");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"acme-tls/1".as_slice()));
    let shown = looks.shown.lock().unwrap_or_else(PoisonError::into_inner).clone();
    // BOOLEAN TRUE, then an OCTET STRING that holds an OCTET STRING of 32 bytes
    let critical: [u8; 7] = [0x01, 0x01, 0xff, 0x04, 0x22, 0x04, 0x20];
    let extension = [EXTENSION.as_slice(), &critical, answer].concat();
    let found = shown.windows(extension.len()).any(|window| window == extension);
    assert!(found, "the certificate shown does not answer the challenge");
    assert!(shown.windows(domain.len()).any(|window| window == domain.as_bytes()), "it is for another name");
}

impl ServerCertVerifier for Looks {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = certificate.to_vec();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("it is not offered".to_owned()))
    }

    /// By the bare key: a certificate with a critical extension that it does not know is not opened by `webpki`.
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let begins = certificate.windows(KEY.len()).position(|window| window == KEY);
        let key = begins.and_then(|begins| certificate.get(begins..begins + KEY.len() + 65));
        let key = SubjectPublicKeyInfoDer::from(key.ok_or(CertificateError::BadEncoding)?);
        verify_tls13_signature_with_raw_key(message, &key, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
