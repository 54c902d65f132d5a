//! Configuration: every setting is a flag, an environment variable and a key of `tidings.toml`; flags win over the
//! environment, and that over the file.

mod addresses;
mod args;
mod attachments;
mod edge;
mod engines;
mod exports;
mod views;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use figment::{
    Figment,
    providers::{Format, Serialized, Toml},
};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use tidings_domain::values::Retention;
use tidings_event_store::database::DatabaseError;

use addresses::{address, collector, witness};

pub use args::{LogFormat, Settings};
pub use attachments::{AttachmentConfig, AttachmentPlace};
pub use edge::EdgeConfig;
pub use engines::{Engine, Engines, LogEngine, NodeRole};
pub use exports::ExportConfig;
pub use views::{LARGEST_SAMPLE, ViewsConfig};

/// The embedded log, in the data directory.
pub const EVENTS: &str = "events.db";

/// How long a node of several goes on serving once it is told to stop.
const DRAIN_SECONDS: u32 = 2;

/// Why the configuration cannot be used, in one sentence.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file, or a value in it, does not parse.
    #[error("the configuration cannot be read: {0}")]
    Unreadable(String),
    /// A value breaks a rule.
    #[error("{setting} {why}")]
    Invalid {
        /// The name of its environment variable.
        setting: &'static str,
        /// What is wrong.
        why: String,
    },
    /// A connection string is none.
    #[error(transparent)]
    Database(DatabaseError),
}

/// The configuration of a server, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen; port 0 picks one.
    pub listen: SocketAddr,
    /// The embedded stores, and the socket for operations.
    pub data_dir: PathBuf,
    /// Where log, keys and views are.
    pub engines: Engines,
    /// How large exports may be, and how long they are kept.
    pub exports: ExportConfig,
    /// How the views are looked after.
    pub views: ViewsConfig,
    /// Where attachments are, and how large they may be.
    pub attachments: AttachmentConfig,
    /// How clients are met.
    pub edge: EdgeConfig,
    /// What of the server runs here.
    pub role: NodeRole,
    /// The installation's secret, when it does not come from the data directory.
    pub secret: Option<SecretString>,
    /// How far back `GET /v1/messages` goes by itself; 0 is all.
    pub messages_window_days: u32,
    /// How long the messages of all conversations are kept at most; none for ever.
    pub retention: Option<Retention>,
    /// Whether webhooks may lead to addresses that are not of the public internet, and go without HTTPS.
    pub webhooks_private: bool,
    /// Where to serve the log over KurrentDB's protocol; nowhere when not given.
    pub grpc_listen: Option<SocketAddr>,
    /// Who is sent signed heads of the log.
    pub witness: Option<Url>,
    /// How long to go on serving once told to stop, so that load balancers notice first.
    pub drain: Duration,
    /// The `tracing` filter.
    pub log: String,
    /// How log lines look.
    pub log_format: LogFormat,
    /// The collector of traces, when it does not come from the environment's `OTEL_…` variables.
    pub otlp_endpoint: Option<String>,
}

/// Every setting as it may stand in the file; flags and environment have been laid over it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Merged {
    #[serde(default = "listen")]
    listen: String,
    #[serde(default = "data_dir")]
    data_dir: PathBuf,
    #[serde(default = "sqlite")]
    event_store: String,
    #[serde(default = "sqlite")]
    views: String,
    #[serde(default = "sqlite")]
    keys: String,
    #[serde(default, deserialize_with = "secret")]
    secret: Option<SecretString>,
    #[serde(default = "window")]
    messages_window_days: u32,
    #[serde(default)]
    retention_days: u32,
    #[serde(default = "info")]
    log: String,
    #[serde(default)]
    log_format: LogFormat,
    views_read: Option<String>,
    grpc_listen: Option<String>,
    witness: Option<String>,
    drain_seconds: Option<u32>,
    #[serde(default = "edge::rate_limit")]
    rate_limit: u32,
    #[serde(default = "edge::rate_burst")]
    rate_burst: u32,
    #[serde(default = "edge::max_connections")]
    max_connections: u32,
    #[serde(default = "edge::client_timeout")]
    client_timeout: u32,
    trusted_proxies: Option<String>,
    cors_origins: Option<String>,
    #[serde(default = "attachments::files")]
    attachments: String,
    #[serde(default = "attachments::max_mib")]
    attachments_max_mib: u32,
    #[serde(default = "attachments::unused_hours")]
    attachments_unused_hours: u32,
    s3_endpoint: Option<String>,
    s3_region: Option<String>,
    s3_access_key_id: Option<String>,
    #[serde(default, deserialize_with = "secret")]
    s3_secret_access_key: Option<SecretString>,
    tls_cert: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    webhooks_private: Option<bool>,
    #[serde(default = "exports::max_mib")]
    exports_max_mib: u32,
    #[serde(default = "exports::hours")]
    exports_hours: u32,
    #[serde(default = "views::rebuild_share")]
    rebuild_share: f64,
    #[serde(default = "views::verify_hours")]
    verify_hours: f64,
    #[serde(default = "views::verify_sample")]
    verify_sample: u32,
    acme_domains: Option<String>,
    acme_contact: Option<String>,
    acme_directory: Option<String>,
    acme_cache: Option<PathBuf>,
    acme_ca: Option<PathBuf>,
    otlp_endpoint: Option<String>,
}

fn listen() -> String {
    "127.0.0.1:8080".to_owned()
}

fn data_dir() -> PathBuf {
    "./data".into()
}

fn sqlite() -> String {
    "sqlite".to_owned()
}

const fn window() -> u32 {
    30
}

fn info() -> String {
    "info".to_owned()
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Option::<String>::deserialize(deserializer).map(|text| text.map(SecretString::from))
}

impl Config {
    /// Reads the file, lays environment and flags over it, and checks the whole.
    pub fn load(settings: &Settings) -> Result<Self, ConfigError> {
        let one_line = |error: figment::Error| error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        let file = match &settings.config {
            Some(path) if !path.is_file() => {
                return Err(invalid("TIDINGS_CONFIG", format!("names {}, which is no file", path.display())));
            }
            Some(path) => Some(path.clone()),
            None => Some(PathBuf::from("tidings.toml")).filter(|path| path.is_file()),
        };
        let file = file.map(|file| Figment::from(Toml::file_exact(file)));
        let merged = file
            .unwrap_or_default()
            .merge(Serialized::defaults(settings))
            .extract::<Merged>()
            .map_err(|error| ConfigError::Unreadable(one_line(error)))?;
        merged.check()
    }
}

impl Config {
    /// The file of the log, where it is in one.
    pub fn log_file(&self) -> Option<PathBuf> {
        (!self.engines.share_the_log()).then(|| self.data_dir.join(EVENTS))
    }

    /// This node runs only a part of the server, which takes nodes that run the others.
    pub fn with_role(self, role: NodeRole) -> Result<Self, ConfigError> {
        let shared = !matches!(self.engines.views, Engine::Sqlite) && self.engines.share_the_log();
        if role != NodeRole::All && !shared {
            return Err(invalid(
                "--role",
                "splits the server over several nodes: TIDINGS_EVENT_STORE and TIDINGS_VIEWS must then be databases that \
                 they share",
            ));
        }
        Ok(Self { role, ..self })
    }
}

fn invalid(setting: &'static str, why: impl Into<String>) -> ConfigError {
    ConfigError::Invalid { setting, why: why.into() }
}

impl Merged {
    fn check(self) -> Result<Config, ConfigError> {
        let listen = address("TIDINGS_LISTEN", &self.listen)?;
        let grpc_listen = self.grpc_listen.as_deref().map(|text| address("TIDINGS_GRPC_LISTEN", text)).transpose()?;
        if self.secret.as_ref().is_some_and(|secret| secret.expose_secret().len() < 32) {
            return Err(invalid(
                "TIDINGS_SECRET",
                "must have at least 32 characters; `openssl rand -hex 32` makes a good one",
            ));
        }
        if let Err(error) = self.log.parse::<tracing_subscriber::filter::EnvFilter>() {
            return Err(invalid("TIDINGS_LOG", format!("is no filter: {error}")));
        }
        let engines = Engines::check(&self)?;
        // where there is no other node, nobody can be sent elsewhere
        let drain = self.drain_seconds.unwrap_or(if engines.share_the_log() { DRAIN_SECONDS } else { 0 });
        Ok(Config {
            listen,
            engines,
            exports: ExportConfig::check(&self)?,
            views: ViewsConfig::check(&self)?,
            attachments: AttachmentConfig::check(&self)?,
            edge: EdgeConfig::check(&self)?,
            drain: Duration::from_secs(drain.into()),
            role: NodeRole::default(),
            data_dir: self.data_dir,
            secret: self.secret,
            messages_window_days: self.messages_window_days,
            retention: match self.retention_days {
                0 => None,
                days => Some(
                    Retention::of_days(days.into())
                        .map_err(|error| invalid("TIDINGS_RETENTION_DAYS", error.to_string()))?,
                ),
            },
            webhooks_private: self.webhooks_private.unwrap_or(false),
            grpc_listen,
            witness: self.witness.as_deref().map(witness).transpose()?,
            log: self.log,
            log_format: self.log_format,
            otlp_endpoint: self.otlp_endpoint.as_deref().map(collector).transpose()?,
        })
    }
}

#[cfg(test)]
mod tests;
