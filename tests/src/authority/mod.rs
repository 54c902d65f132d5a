//! An authority that gives certificates by ACME (RFC 8555), as far as a client notices: one account, one order at a time,
//! `tls-alpn-01` alone (RFC 8737). It checks what an authority has to: signatures, nonces, and who answers at the address.

#![expect(clippy::missing_panics_doc, reason = "everything here panics where the test is to fail")]

mod challenge;
mod signed;

use std::{
    collections::HashSet,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::{get, head, post},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use rcgen::{BasicConstraints, CertificateParams, CertificateSigningRequestParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateSigningRequestDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

use signed::{Key, Signed};

/// What the token of the only challenge is.
const TOKEN: &str = "only-a-token-for-tests";

/// An authority that runs.
#[derive(Debug)]
pub struct Authority {
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

struct Shared {
    port: u16,
    /// Whom it looks at when it is to find out who answers for a name.
    looks_at: SocketAddr,
    issuer: CertifiedIssuer<'static, KeyPair>,
    books: Mutex<Books>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("looks_at", &self.looks_at).field("books", &self.books).finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Books {
    nonces: HashSet<String>,
    given: u64,
    account: Option<Key>,
    contact: Value,
    domain: String,
    proved: bool,
    certificate: Option<String>,
    orders: usize,
}

impl Drop for Authority {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Authority {
    /// One that looks at this address, whatever the name. Its own certificate goes to `file`: who asks it trusts that.
    pub async fn start(looks_at: SocketAddr, file: &Path) -> Self {
        let mut ca = CertificateParams::new(vec![]).expect("no name is fine");
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(ca, KeyPair::generate().expect("there is randomness"));
        let issuer = issuer.expect("an authority certifies itself");
        std::fs::write(file, issuer.pem()).expect("there is room");
        let tls = acceptor(&issuer);

        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let shared = Arc::new(Shared { port, looks_at, issuer, books: Mutex::default() });
        let service = TowerToHyperService::new(router(shared.clone()));
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, service) = (tls.clone(), service.clone());
                tokio::spawn(async move {
                    let Ok(stream) = tls.accept(stream).await else { return };
                    // a client that is gone has its answer, or does not want it
                    Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await.ok();
                });
            }
        });
        Self { shared, serving }
    }

    /// Where its directory is.
    pub fn directory(&self) -> String {
        self.shared.url("/directory")
    }

    /// How many certificates were asked for.
    pub fn orders(&self) -> usize {
        self.shared.books().orders
    }

    /// Where its account's owner may be written to.
    pub fn contact(&self) -> Value {
        self.shared.books().contact.clone()
    }
}

fn acceptor(issuer: &CertifiedIssuer<'static, KeyPair>) -> TlsAcceptor {
    let key = KeyPair::generate().expect("there is randomness");
    let own = CertificateParams::new(vec!["localhost".to_owned()]).expect("it is a name");
    let own = own.signed_by(&key, issuer).expect("an authority signs");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has suites for them")
        .with_no_client_auth()
        .with_single_cert(vec![own.der().clone()], key)
        .expect("they belong together");
    TlsAcceptor::from(Arc::new(config))
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/directory", get(directory))
        .route("/nonce", head(|State(shared): State<Arc<Shared>>| async move { shared.answer(200, "", &Value::Null) }))
        .route("/account", post(account))
        .route("/order", post(order))
        .route("/order/1", post(show_order))
        .route("/authorization", post(authorization))
        .route("/challenge", post(challenge))
        .route("/finalize", post(finalize))
        .route("/certificate", post(certificate))
        .with_state(shared)
}

impl Shared {
    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An answer with a nonce for the next request, and where it is about.
    fn answer(&self, status: u16, location: &str, body: &Value) -> Response {
        let nonce = {
            let mut books = self.books();
            books.given += 1;
            let nonce = format!("nonce-{}", books.given);
            books.nonces.insert(nonce.clone());
            nonce
        };
        let headers = [("replay-nonce", nonce), ("location", self.url(location))];
        let status = StatusCode::from_u16(status).expect("it is one");
        (status, headers, if body.is_null() { String::new() } else { body.to_string() }).into_response()
    }

    /// What a request says, if it is signed by the account's key for this URL with a nonce that was not used before.
    fn open(&self, uri: &Uri, body: &Bytes) -> Value {
        let signed = Signed::read(body);
        let mut books = self.books();
        assert!(books.nonces.remove(signed.nonce()), "this nonce was not given, or was used: {signed:?}");
        assert_eq!(signed.url(), self.url(uri.path()), "it is for another URL");
        let key = match (&books.account, signed.own_key()) {
            (_, Some(own)) if uri.path() == "/account" => own,
            (Some(account), None) => account.clone(),
            (known, _) => panic!("who is it? {known:?} {signed:?}"),
        };
        let payload = signed.verified_by(&key);
        if uri.path() == "/account" {
            books.account = Some(key);
        }
        payload
    }

    fn order(&self) -> Value {
        let books = self.books();
        let status = match (&books.certificate, books.proved) {
            (Some(_), _) => "valid",
            (None, true) => "ready",
            (None, false) => "pending",
        };
        json!({
            "status": status, "identifiers": [{"type": "dns", "value": books.domain}],
            "authorizations": [self.url("/authorization")], "finalize": self.url("/finalize"),
            "certificate": self.url("/certificate"),
        })
    }
}

type Authoritys = State<Arc<Shared>>;

async fn directory(State(shared): Authoritys) -> String {
    let url = |path| shared.url(path);
    json!({"newNonce": url("/nonce"), "newAccount": url("/account"), "newOrder": url("/order")}).to_string()
}

async fn account(State(shared): Authoritys, uri: Uri, body: Bytes) -> Response {
    let said = shared.open(&uri, &body);
    assert_eq!(said["termsOfServiceAgreed"], true);
    shared.books().contact = said["contact"].clone();
    shared.answer(201, "/account/1", &json!({"status": "valid"}))
}

async fn order(State(shared): Authoritys, uri: Uri, body: Bytes) -> Response {
    let said = shared.open(&uri, &body);
    {
        let mut books = shared.books();
        books.orders += 1;
        said["identifiers"][0]["value"].as_str().expect("a name").clone_into(&mut books.domain);
        (books.proved, books.certificate) = (false, None);
    }
    shared.answer(201, "/order/1", &shared.order())
}

async fn show_order(State(shared): Authoritys, uri: Uri, body: Bytes) -> Response {
    shared.open(&uri, &body);
    shared.answer(200, "/order/1", &shared.order())
}

async fn authorization(State(shared): Authoritys, uri: Uri, body: Bytes) -> Response {
    shared.open(&uri, &body);
    let (domain, proved) = {
        let books = shared.books();
        (books.domain.clone(), books.proved)
    };
    let status = if proved { "valid" } else { "pending" };
    let challenge =
        |kind: &str| json!({"type": kind, "url": shared.url("/challenge"), "token": TOKEN, "status": status});
    let challenges = json!([challenge("http-01"), challenge("tls-alpn-01")]);
    let identifier = json!({"type": "dns", "value": domain});
    shared.answer(200, "", &json!({"status": status, "identifier": identifier, "challenges": challenges}))
}

async fn challenge(State(shared): Authoritys, uri: Uri, body: Bytes) -> Response {
    shared.open(&uri, &body);
    let (domain, key) = {
        let books = shared.books();
        (books.domain.clone(), books.account.clone().expect("who asks has an account"))
    };
    challenge::look(shared.looks_at, &domain, &key.authorization(TOKEN)).await;
    shared.books().proved = true;
    shared.answer(200, "", &json!({"type": "tls-alpn-01", "url": shared.url("/challenge"), "token": TOKEN}))
}

async fn finalize(State(shared): Authoritys, uri: Uri, body: Bytes) -> Response {
    let said = shared.open(&uri, &body);
    assert!(shared.books().proved, "nobody proved to be who they say");
    let request = signed::decoded(said["csr"].as_str().expect("a request"));
    let request = CertificateSigningRequestParams::from_der(&CertificateSigningRequestDer::from(request));
    let request = request.expect("it is a request");
    let names: Vec<String> = request.params.subject_alt_names.iter().map(|name| format!("{name:?}")).collect();
    assert!(names.len() == 1 && names[0].contains(&shared.books().domain), "{names:?}");
    let made = request.signed_by(&shared.issuer).expect("an authority signs");
    shared.books().certificate = Some(made.pem());
    shared.answer(200, "/order/1", &shared.order())
}

async fn certificate(State(shared): Authoritys, uri: Uri, body: Bytes) -> Response {
    shared.open(&uri, &body);
    let certificate = shared.books().certificate.clone().expect("it was made");
    certificate.into_response()
}
