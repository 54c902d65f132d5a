//! The server: opens the stores, takes requests, and stops without losing what it has begun.

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use axum::Router;
use tidings_event_store::Position;
use tidings_notary::key::BadSeed;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle, time::timeout};
use utoipa_axum::router::OpenApiRouter;

use crate::{
    app::{App, Shared},
    attachments::Attachments,
    audit::Audit,
    auditing,
    auth::Authenticator,
    config::{Config, NodeRole},
    consistency::Consistency,
    control,
    edge::{self, Around, Limits, Readiness},
    exports::{self, Exports, ExportsError},
    extract::Cursors,
    idempotency::Idempotency,
    live::Live,
    notary::Notary,
    openapi,
    processes::{self, Forgetting, ForgettingError, Notarizing, Verifying, witness},
    routes,
    stores::{Stores, StoresError},
    transport::{self, Https, TlsError},
    watched::Watched,
    webhooks::{Deliveries, Parts, Sender},
};

/// How long requests that were begun may take once the server is told to stop.
const GRACE: Duration = Duration::from_secs(20);

/// Why the server does not run, in one sentence.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The stores cannot be opened.
    #[error(transparent)]
    Stores(#[from] StoresError),
    /// Erasures cannot be completed.
    #[error("what was erased cannot be forgotten: {0}")]
    Forgetting(#[from] ForgettingError),
    /// The log cannot be signed.
    #[error(transparent)]
    Notary(#[from] BadSeed),
    /// Exports cannot be kept.
    #[error(transparent)]
    Exports(#[from] ExportsError),
    /// There is no certificate for HTTPS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The socket of the data directory cannot be made.
    #[error("cannot take operations from the command line: {0}")]
    Control(io::Error),
    /// Nobody can write the log lines.
    #[error("cannot write log lines: {0}")]
    Log(io::Error),
    /// The signals of the system cannot be heard.
    #[error("cannot listen for signals: {0}")]
    Signals(io::Error),
}

/// A server that runs.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub addr: SocketAddr,
    readiness: Readiness,
    drain: Duration,
    stop: watch::Sender<bool>,
    ended: JoinHandle<()>,
}

impl Running {
    /// Stops the server. First it only says that it is not ready, for as long as load balancers take to notice; then it
    /// takes no more requests, finishes those it has begun, ends live streams, and leaves its files whole. Returns when
    /// all of that is done.
    pub async fn shutdown(self) {
        self.readiness.stop();
        tokio::time::sleep(self.drain).await;
        self.stop.send_replace(true);
        if let Err(error) = self.ended.await {
            tracing::error!(%error, "the server did not stop as it should");
        }
    }
}

/// Runs a server until the process is told to stop (SIGTERM or SIGINT).
pub async fn run(config: Config) -> Result<(), ServeError> {
    let _flush = edge::start_logging(&config).map_err(ServeError::Log)?;
    let stopped = signals().map_err(ServeError::Signals)?;
    let running = serve(config).await?;
    stopped.await;
    tracing::info!("stopping");
    running.shutdown().await;
    Ok(())
}

fn signals() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Starts a server in this process. It serves when this returns.
pub async fn serve(config: Config) -> Result<Running, ServeError> {
    edge::prepare_metrics();
    let tls = config.edge.tls.clone().map(Https::open).transpose()?;
    // First of all: whoever starts the server on port 0 reads the address from the first line of its log. Who connects
    // already waits until the stores are open.
    let failed = |source| ServeError::Listen { address: config.listen, source };
    let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
    let addr = listener.local_addr().map_err(failed)?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    tracing::info!("listening on {scheme}://{addr}");
    let log_listener = auditing::listener(&config).await?;

    let stores = Stores::open(&config).await?;
    let mut forgetting =
        Forgetting::new(stores.store.clone(), stores.codec.clone(), stores.commands.clone(), stores.views.clone())
            .await?;
    forgetting.catch_up().await?;
    let (forgotten, asked) = (forgetting.watch(), forgetting.watch_asked());
    let forgetting = tokio::spawn(forgetting.run());
    let (notarizing, notary) = Notarizing::new(stores.store.clone(), &stores.secret, &config.data_dir)?;
    // nothing is served that was erased
    let (exports, exporting) = exports::start(&config.data_dir, &stores, notary.clone(), config.exports).await?;
    let operator = stores.operator(Some(notary.clone()), config.views.pace);
    let control = control::listen(&config.data_dir, operator).map_err(ServeError::Control)?;

    stores.wait_for_views().await?;

    let demand = stores.views.demand();
    let consistency = Arc::new(Consistency::new(stores.views.applied(), move |position| demand.want(position)));
    let (live, following) = Live::start(&stores, consistency.clone());
    let sender = Sender::new(config.webhooks_private);
    let watched = Arc::new(Watched::new(&stores));
    let readiness = Readiness::new(watched.clone());
    edge::install_metrics();
    let router = match config.role {
        NodeRole::All | NodeRole::Api => {
            let live = (live.clone(), consistency);
            router(&config, &stores, live, sender.clone(), (forgotten.clone(), notary, exports), &readiness, watched)
        }
        NodeRole::Projector => {
            let https = tls.is_some();
            edge::around(
                operation_routes(readiness.clone(), watched).into(),
                &readiness,
                Around { https, ..Around::default() },
            )
        }
    };

    let (stop, stopping) = watch::channel(false);
    let mut background = vec![forgetting, control, following];
    background.extend(processes::start(&config, &stores, asked));
    background.extend(exporting);
    if let Some(url) = config.witness.clone() {
        background.push(tokio::spawn(witness(url, notarizing.newest())));
    }
    background.push(tokio::spawn(notarizing.run()));
    background.extend(log_listener.map(|listener| auditing::serve(listener, &stores, stopping.clone())));
    background.extend(Verifying::new(&stores.views, &config.views).map(|verifying| tokio::spawn(verifying.run())));
    let acceptor = tls.map(|Https { acceptor, upkeep }| {
        background.push(tokio::spawn(upkeep));
        acceptor
    });
    let serving = transport::serve(listener, router, acceptor, config.edge.terms.clone(), stopping.clone());
    let deliveries = Deliveries::start(Parts {
        store: stores.store.clone(),
        codec: stores.codec.clone(),
        commands: stores.commands.clone(),
        views: stores.views.clone(),
        live: live.clone(),
        sender,
    });
    let begun = Begun { stores, live, deliveries, background, forgotten, data_dir: config.data_dir };
    let ended = tokio::spawn(until_stopped(serving, stopping, begun));
    Ok(Running { addr, readiness, drain: config.drain, stop, ended })
}

/// All routes with everything around them.
fn router(
    config: &Config,
    stores: &Stores,
    (live, consistency): (Live, Arc<Consistency>),
    sender: Sender,
    (forgotten, notary, exports): (watch::Receiver<Position>, Notary, Exports),
    readiness: &Readiness,
    watched: Arc<Watched>,
) -> Router {
    let authenticator = Authenticator::new(&stores.secret, Arc::new(stores.commands.clone()));
    let app = App::new(Shared {
        commands: stores.commands.clone(),
        queries: stores.views.queries(),
        consistency,
        authenticator: authenticator.clone(),
        cursors: Cursors::new(&stores.secret),
        attachments: Attachments::new(stores.vault.clone(), config.attachments.max_bytes),
        exports,
        live,
        webhooks: sender,
        origins: config.edge.origins.clone(),
        audit: Audit::new(stores.store.clone(), stores.codec.clone()).once_forgotten(forgotten.clone()),
        forgotten,
        notary,
        past: stores.past.clone(),
        views: stores.views.clone(),
        rebuild_pace: config.views.pace,
        messages_window_days: config.messages_window_days,
        retention: config.retention,
    });
    let idempotency = Idempotency::new(app.clone(), &stores.secret);
    let api = routes::all().with_state(app).layer(idempotency).merge(operation_routes(readiness.clone(), watched));
    let around = Around {
        limits: config.edge.rate.map(|rate| Limits::new(rate, authenticator)),
        origins: config.edge.origins.clone(),
        https: config.edge.tls.is_some(),
    };
    edge::around(openapi::with_documentation(api), readiness, around)
}

/// What every node answers, whatever it runs.
fn operation_routes(readiness: Readiness, watched: Arc<Watched>) -> OpenApiRouter {
    edge::health_routes(readiness).merge(edge::metrics_routes(watched))
}

/// What ends with the server.
struct Begun {
    stores: Stores,
    live: Live,
    deliveries: Deliveries,
    background: Vec<JoinHandle<()>>,
    forgotten: watch::Receiver<Position>,
    data_dir: PathBuf,
}

async fn until_stopped(serving: impl Future<Output = ()>, mut stopping: watch::Receiver<bool>, begun: Begun) {
    let Begun { stores, live, deliveries, background, forgotten, data_dir } = begun;
    let mut serving = std::pin::pin!(serving);
    let stopped = async {
        if stopping.wait_for(|stop| *stop).await.is_ok() {
            live.stop().await;
        }
    };
    tokio::select! {
        () = &mut serving => {}
        () = stopped => if timeout(GRACE, serving).await.is_err() {
            tracing::warn!("requests were still under way");
        }
    }
    deliveries.stop().await;
    for task in background {
        task.abort();
    }
    // the next start needs not go over the log from where this was noted last
    let forgotten = *forgotten.borrow();
    if let Err(error) = stores.codec.keyring().set_erased_to(forgotten).await {
        tracing::debug!(%error, "how far erasures are complete is not noted");
    }
    control::unlink(&data_dir);
    stores.close().await;
}
