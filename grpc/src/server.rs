//! The server: its services on a listener, bounded, until it is told to stop.

use std::{sync::Arc, time::Duration};

use futures::TryStreamExt as _;
use tidings_event_store::{Codec, EventStore};
use tokio::{net::TcpListener, sync::watch};
use tonic::transport::{Server, server::TcpIncoming};

use crate::{
    Gatekeeper,
    acknowledging::Acknowledging,
    append::Writing,
    info::Info,
    proto::event_store::client::{
        gossip::gossip_server::GossipServer, server_features::server_features_server::ServerFeaturesServer,
        streams::streams_server::StreamsServer,
    },
    streams::StreamsService,
};

/// Calls at once on one connection.
const MOST_CALLS: u32 = 256;
/// The longest request; appends of the tests are the longest there are.
const LONGEST_REQUEST: usize = 4 * 1024 * 1024;
/// A client that does not answer a ping for so long is gone, and what it had open is closed.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_ANSWERED_WITHIN: Duration = Duration::from_secs(20);

/// The server failed.
#[derive(Debug, thiserror::Error)]
#[error("the log's gRPC server failed: {0}")]
pub struct ServeError(#[from] tonic::transport::Error);

/// The log over KurrentDB's protocol.
pub struct LogServer {
    store: Arc<dyn EventStore>,
    codec: Option<Codec>,
    gate: Arc<dyn Gatekeeper>,
    writing: Option<Writing>,
}

impl std::fmt::Debug for LogServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogServer").field("writes", &self.writing.is_some()).finish_non_exhaustive()
    }
}

impl LogServer {
    /// Serves this log to whom the gatekeeper lets in.
    pub fn new(store: Arc<dyn EventStore>, codec: Codec, gate: Arc<dyn Gatekeeper>) -> Self {
        Self { store, codec: Some(codec), gate, writing: None }
    }

    /// A stand-in for KurrentDB itself: anybody reads and appends, and what they append is kept as it is.
    #[cfg(feature = "append")]
    pub fn throw_away(store: Arc<dyn EventStore>) -> Self {
        let log = crate::append::Deletions::of(store);
        Self { store: log.clone(), codec: None, gate: Arc::new(crate::append::Everybody), writing: Some(log) }
    }

    /// Serves on a listener until `stop` is true. Subscriptions are ended then; other answers may finish.
    pub async fn serve(self, listener: TcpListener, mut stop: watch::Receiver<bool>) -> Result<(), ServeError> {
        let info = Info::new(self.writing.is_some());
        let streams = StreamsService::new(self.store, self.codec, self.gate, stop.clone(), self.writing);
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true)).map_ok(Acknowledging::new);
        let stopped = async move {
            if stop.wait_for(|stop| *stop).await.is_err() {
                tracing::debug!("nobody is left to stop the log's gRPC server");
            }
        };
        Server::builder()
            .http2_keepalive_interval(Some(PING_EVERY))
            .http2_keepalive_timeout(Some(PING_ANSWERED_WITHIN))
            .max_concurrent_streams(MOST_CALLS)
            .add_service(StreamsServer::new(streams).max_decoding_message_size(LONGEST_REQUEST))
            .add_service(GossipServer::new(info))
            .add_service(ServerFeaturesServer::new(info))
            .serve_with_incoming_shutdown(incoming, stopped)
            .await?;
        Ok(())
    }
}
