//! Connections: taken up to a number, over TLS where there is a certificate, and ended when their clients are too slow.
//!
//! | limit | value |
//! |---|---|
//! | connections | `TIDINGS_MAX_CONNECTIONS`; who comes then is sent away at once |
//! | TLS handshake, and the head of a request, counted from the end of the last one | `TIDINGS_CLIENT_TIMEOUT` |
//! | body | the same, and a second for every 1024 bytes; then 408 |
//! | head | 100 headers, 64 KiB in all; then 431 |
//! | HTTP/2 | 200 streams at once, 64 KiB of headers, a ping every 20 s; resets as hyper counts them |
//!
//! | answers | whoever takes in nothing at all for `TIDINGS_CLIENT_TIMEOUT` is hung up on |
//!
//! Answers may take as long as they take: live streams have no end. A place among the connections is given back when the
//! socket is closed, whichever protocol it speaks by then.

mod acme;
mod anyone;
mod body;
mod certificates;
mod https;
mod kept;

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body};
use hyper::{
    Request,
    body::{Body as _, Incoming},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto::Builder,
        graceful::{GracefulShutdown, Watcher},
    },
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tower::Service;

pub use acme::AcmeSettings;
pub use anyone::with_anyone;
pub use body::TooSlow;
pub use certificates::{TlsError, TlsFiles};
pub use https::{CertificateSource, Https};

use crate::edge::{ClientAddress, TrustedProxies};
use body::Patient;
use kept::Kept;

/// How much of a request's head is kept.
const MOST_HEAD_BYTES: u32 = 64 * 1024;
const MOST_STREAMS: u32 = 200;
/// How often a quiet HTTP/2 connection is asked whether anybody is there, and how long it may take to say so.
const PING: Duration = Duration::from_secs(20);
/// How long nothing is taken after the system had no room for another connection.
const EXHAUSTED: Duration = Duration::from_millis(200);

/// What a client that is one too many may still be told.
const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// How clients are treated before they ask anything.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Connections at once.
    pub max_connections: usize,
    /// How long a client may take for what it has to send.
    pub client_timeout: Duration,
    /// Whose word is taken for where requests come from.
    pub trusted_proxies: TrustedProxies,
}

/// Serves connections until told to stop; then no more are taken, and it ends when the requests that were begun have
/// been answered.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<TlsAcceptor>,
    terms: Terms,
    mut stopping: watch::Receiver<bool>,
) {
    let room = Arc::new(Semaphore::new(terms.max_connections));
    let graceful = GracefulShutdown::new();
    let server = Arc::new(Server {
        // made ready once, not at every request
        router: router.with_state(()),
        tls,
        builder: builder(terms.client_timeout),
        terms,
        stopping: stopping.clone(),
    });
    let mut full = false;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopping.wait_for(|stop| *stop) => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                not_accepted(&error).await;
                continue;
            }
        };
        let Ok(place) = room.clone().try_acquire_owned() else {
            if !full {
                tracing::warn!(connections = server.terms.max_connections, "no room for more connections");
            }
            full = true;
            server.send_away(&stream);
            continue;
        };
        full = false;
        tokio::spawn(server.clone().welcome(stream, place, graceful.watcher()));
    }
    drop(listener);
    graceful.shutdown().await;
}

/// A connection that broke off before it was taken is nobody's concern; a system without room needs a moment.
async fn not_accepted(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        tracing::error!(%error, "a connection cannot be taken");
        sleep(EXHAUSTED).await;
    }
}

fn builder(patience: Duration) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // 100 headers are what hyper takes by itself
    builder.http1().timer(TokioTimer::new()).header_read_timeout(patience).max_buf_size(MOST_HEAD_BYTES as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MOST_STREAMS)
        .max_header_list_size(MOST_HEAD_BYTES)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING)
        .enable_connect_protocol();
    builder
}

/// A connection, as long as it is there.
struct Counted(metrics::Gauge);

impl Counted {
    fn new() -> Self {
        let gauge = metrics::gauge!("tidings_http_connections");
        gauge.increment(1);
        Self(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}

struct Server {
    router: Router,
    tls: Option<TlsAcceptor>,
    builder: Builder<TokioExecutor>,
    terms: Terms,
    stopping: watch::Receiver<bool>,
}

impl Server {
    /// Without a word over TLS, which would take a handshake.
    fn send_away(&self, stream: &TcpStream) {
        if self.tls.is_none() && stream.try_write(FULL).is_err() {
            tracing::debug!("a client that was one too many did not wait to be told");
        }
    }

    async fn welcome(self: Arc<Self>, stream: TcpStream, place: OwnedSemaphorePermit, watcher: Watcher) {
        let _counted = Counted::new();
        // answers are small, and nobody should wait for a full packet
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection has no TCP_NODELAY");
        }
        // one that is gone already needs nothing
        let Ok(peer) = stream.peer_addr() else { return };
        let peer = ClientAddress(peer.ip().to_canonical());
        match &self.tls {
            None => self.talk(stream, place, peer, watcher).await,
            Some(tls) => {
                let mut stopping = self.stopping.clone();
                let shaken = tokio::select! {
                    shaken = timeout(self.terms.client_timeout, tls.accept(stream)) => shaken,
                    _ = stopping.wait_for(|stop| *stop) => return,
                };
                match shaken {
                    Ok(Ok(stream)) if https::was_a_challenge(stream.get_ref().1) => {
                        tracing::debug!("an authority has looked who answers");
                    }
                    Ok(Ok(stream)) => self.talk(stream, place, peer, watcher).await,
                    Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                    Err(_) => tracing::debug!("a TLS handshake took too long"),
                }
            }
        }
    }

    async fn talk<S>(&self, stream: S, place: OwnedSemaphorePermit, peer: ClientAddress, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Terms { client_timeout, trusted_proxies, .. } = &self.terms;
        let proxies = trusted_proxies.trusts(peer.0).then(|| trusted_proxies.clone());
        let (router, patience, asked) = (self.router.clone(), *client_timeout, Arc::new(AtomicBool::new(false)));
        let noted = asked.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            noted.store(true, Ordering::Relaxed);
            let behind = |proxies: &TrustedProxies| ClientAddress(proxies.client(peer.0, request.headers()));
            let client = proxies.as_ref().map_or(peer, behind);
            request.extensions_mut().insert(client);
            router.clone().call(request.map(|body| patient(body, patience)))
        });
        let stream = TokioIo::new(Kept::new(stream, place, patience));
        let serving = self.builder.serve_connection_with_upgrades(stream, service);
        let mut serving = std::pin::pin!(watcher.watch(serving));
        // hyper watches over the heads of requests once it knows which protocol is spoken
        let ended = tokio::select! {
            ended = &mut serving => ended,
            () = sleep(patience) => if asked.load(Ordering::Relaxed) { serving.await } else { return },
        };
        if let Err(error) = ended {
            tracing::debug!(error, "a connection broke off");
        }
    }
}

/// Most requests have no body.
fn patient(body: Incoming, patience: Duration) -> Body {
    if body.is_end_stream() { Body::empty() } else { Body::new(Patient::new(body, patience)) }
}
