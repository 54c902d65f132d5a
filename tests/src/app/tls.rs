//! Clients of a server that speaks HTTPS itself.

use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, TcpStream as StdStream},
    path::Path,
    sync::Arc,
};

use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, ClientConnection, RootCertStore, StreamOwned,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};

use super::TestApp;

/// Writes a certificate for 127.0.0.1, made now and signed by nobody else, and its key.
pub fn make_certificate(certificate: &Path, key: &Path) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("an address can have one");
    // the key first: a server that looks between the two finds that they do not belong together, and waits
    std::fs::write(key, made.signing_key.serialize_pem()).expect("there is room");
    std::fs::write(certificate, made.cert.pem()).expect("there is room");
}

/// What a client knows that trusts this certificate and no other, and speaks these protocols.
fn trusting(certificate: &Path, protocols: &[&str]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(certificate).expect("the test wrote it");
    roots.add(certificate).expect("it is a certificate");
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has suites for them")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    Arc::new(config)
}

fn localhost() -> ServerName<'static> {
    ServerName::from(IpAddr::from(Ipv4Addr::LOCALHOST))
}

/// Connects as a client that trusts this certificate alone; an error when the server shows another.
pub async fn connect(app: &TestApp, certificate: &Path, protocols: &[&str]) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(app.address()).await?;
    TlsConnector::from(trusting(certificate, protocols)).connect(localhost(), stream).await
}

/// Connects for this name as a client that trusts this authority alone.
pub async fn connect_for(
    app: &TestApp,
    authority: &Path,
    name: &str,
    protocols: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(app.address()).await?;
    let name = ServerName::try_from(name.to_owned()).map_err(std::io::Error::other)?;
    TlsConnector::from(trusting(authority, protocols)).connect(name, stream).await
}

/// Whether a server with this certificate says that it is ready.
pub(super) fn is_ready(port: u16, certificate: &Path, request: &[u8]) -> std::io::Result<bool> {
    let session = ClientConnection::new(trusting(certificate, &[]), localhost()).map_err(std::io::Error::other)?;
    let mut stream = StreamOwned::new(session, StdStream::connect(("127.0.0.1", port))?);
    stream.write_all(request)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.starts_with("HTTP/1.1 200"))
}
