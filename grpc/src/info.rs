//! What clients ask before they read: who is there, and what can be done. Anybody may ask; nothing of the log shows.

use std::time::{SystemTime, UNIX_EPOCH};

use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::{
    proto::event_store::client::{
        gossip::{ClusterInfo, EndPoint, MemberInfo, gossip_server::Gossip, member_info::VNodeState},
        server_features::{SupportedMethod, SupportedMethods, server_features_server::ServerFeatures},
    },
    wire::{self, IdForm},
};

/// The version of the protocol's server that this one answers like.
const PROTOCOL_VERSION: &str = "24.10.0";

/// Tells about this server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Info {
    instance: Uuid,
    appends: bool,
}

impl Info {
    pub(crate) fn new(appends: bool) -> Self {
        Self { instance: Uuid::new_v4(), appends }
    }
}

#[tonic::async_trait]
impl Gossip for Info {
    /// One member, always the leader: every node reads the same log.
    async fn read(&self, request: Request<()>) -> Result<Response<ClusterInfo>, Status> {
        let reached = request.local_addr();
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let member = MemberInfo {
            instance_id: Some(wire::id(self.instance, IdForm::Structured)),
            // in steps of 100 ns
            time_stamp: i64::try_from(since_1970.as_nanos() / 100).unwrap_or(i64::MAX),
            state: VNodeState::Leader.into(),
            is_alive: true,
            http_end_point: reached
                .map(|addr| EndPoint { address: addr.ip().to_string(), port: u32::from(addr.port()) }),
        };
        Ok(Response::new(ClusterInfo { members: vec![member] }))
    }
}

#[tonic::async_trait]
impl ServerFeatures for Info {
    async fn get_supported_methods(&self, _request: Request<()>) -> Result<Response<SupportedMethods>, Status> {
        const STREAMS: &str = "event_store.client.streams.streams";
        let method = |service: &str, method: &str, features: &[&str]| SupportedMethod {
            method_name: method.to_owned(),
            service_name: service.to_owned(),
            features: features.iter().map(|&feature| feature.to_owned()).collect(),
        };
        let mut methods = vec![
            method(STREAMS, "read", &["position", "events"]),
            method("event_store.client.gossip.gossip", "read", &[]),
            method("event_store.client.server_features.serverfeatures", "getsupportedmethods", &[]),
        ];
        if self.appends {
            methods.extend(["append", "batchappend", "delete", "tombstone"].map(|name| method(STREAMS, name, &[])));
        }
        Ok(Response::new(SupportedMethods { methods, event_store_server_version: PROTOCOL_VERSION.to_owned() }))
    }
}
