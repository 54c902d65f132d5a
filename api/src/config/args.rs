//! The settings as flags and environment variables.

use std::{fmt, path::PathBuf};

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Every setting, where it was given by flag or environment. The names of the fields are the keys of `tidings.toml`.
#[derive(Clone, Default, Args, Serialize)]
pub struct Settings {
    /// The configuration file [default: tidings.toml, if there is one]
    #[arg(long, global = true, env = "TIDINGS_CONFIG", value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<PathBuf>,

    /// Address to listen on; port 0 picks one and the first log line says which [default: 127.0.0.1:8080]
    #[arg(long, global = true, env = "TIDINGS_LISTEN", value_name = "ADDRESS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<String>,

    /// The embedded stores: events, views, keys, the secret [default: ./data]
    #[arg(long, global = true, env = "TIDINGS_DATA_DIR", value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,

    /// Where the events are: sqlite or postgres://… [default: sqlite]
    #[arg(long, global = true, env = "TIDINGS_EVENT_STORE", value_name = "STORE", hide_env_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_store: Option<String>,

    /// Where the views are: sqlite or postgres://… [default: sqlite]
    #[arg(long, global = true, env = "TIDINGS_VIEWS", value_name = "STORE", hide_env_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub views: Option<String>,

    /// Where reads of the views go instead: a replica of their database
    #[arg(long, global = true, env = "TIDINGS_VIEWS_READ", value_name = "STORE", hide_env_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub views_read: Option<String>,

    /// Where the keys are: sqlite or postgres://… [default: sqlite]
    #[arg(long, global = true, env = "TIDINGS_KEYS", value_name = "STORE", hide_env_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys: Option<String>,

    /// Address to serve the log on over KurrentDB's protocol, to auditors [default: not served]
    #[arg(long, global = true, env = "TIDINGS_GRPC_LISTEN", value_name = "ADDRESS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grpc_listen: Option<String>,

    /// Where signed heads of the log are sent, by POST [default: nowhere]
    #[arg(long, global = true, env = "TIDINGS_WITNESS", value_name = "URL", hide_env_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub witness: Option<String>,

    /// Signs tokens and wraps keys [default: the file `secret` of the data directory, made at need]
    #[arg(long, global = true, env = "TIDINGS_SECRET", value_name = "TEXT", hide_env_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,

    /// Requests a second for each caller, on each node; 0 is no limit [default: 100]
    #[arg(long, global = true, env = "TIDINGS_RATE_LIMIT", value_name = "NUMBER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<u32>,

    /// Requests at once for each caller; 0 is no limit [default: 1000]
    #[arg(long, global = true, env = "TIDINGS_RATE_BURST", value_name = "NUMBER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_burst: Option<u32>,

    /// Proxies believed about where requests come from: addresses or networks, with commas [default: none]
    #[arg(long, global = true, env = "TIDINGS_TRUSTED_PROXIES", value_name = "NETWORKS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted_proxies: Option<String>,

    /// Origins whose pages may ask from browsers, with commas; `*` is all [default: none]
    #[arg(long, global = true, env = "TIDINGS_CORS_ORIGINS", value_name = "ORIGINS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cors_origins: Option<String>,

    /// Connections at once; who comes then is sent away [default: 10000]
    #[arg(long, global = true, env = "TIDINGS_MAX_CONNECTIONS", value_name = "NUMBER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_connections: Option<u32>,

    /// Seconds that a client may take to send a request, or without sending one [default: 60]
    #[arg(long, global = true, env = "TIDINGS_CLIENT_TIMEOUT", value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_timeout: Option<u32>,

    /// Where attachments are: `files` of the data directory, or `s3://bucket/prefix` [default: files]
    #[arg(long, global = true, env = "TIDINGS_ATTACHMENTS", value_name = "STORE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attachments: Option<String>,

    /// The largest attachment, in MiB [default: 25]
    #[arg(long, global = true, env = "TIDINGS_ATTACHMENTS_MAX_MIB", value_name = "MIB")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attachments_max_mib: Option<u32>,

    /// Hours after which an upload that was put to no message is removed [default: 24]
    #[arg(long, global = true, env = "TIDINGS_ATTACHMENTS_UNUSED_HOURS", value_name = "HOURS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attachments_unused_hours: Option<u32>,

    /// Address of an S3-compatible store [default: Amazon's]
    #[arg(long, global = true, env = "TIDINGS_S3_ENDPOINT", value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s3_endpoint: Option<String>,

    /// Region of the S3 bucket [default: `AWS_REGION`]
    #[arg(long, global = true, env = "TIDINGS_S3_REGION", value_name = "REGION")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s3_region: Option<String>,

    /// Who asks the S3 store [default: `AWS_ACCESS_KEY_ID`, or what the machine is]
    #[arg(long, global = true, env = "TIDINGS_S3_ACCESS_KEY_ID", value_name = "ID", hide_env_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s3_access_key_id: Option<String>,

    /// The secret that goes with it [default: `AWS_SECRET_ACCESS_KEY`]
    #[arg(long, global = true, env = "TIDINGS_S3_SECRET_ACCESS_KEY", value_name = "TEXT", hide_env_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s3_secret_access_key: Option<String>,

    /// Certificate chain for HTTPS (PEM), read again when it changes
    #[arg(long, global = true, env = "TIDINGS_TLS_CERT", value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_cert: Option<PathBuf>,

    /// Private key for HTTPS (PEM)
    #[arg(long, global = true, env = "TIDINGS_TLS_KEY", value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_key: Option<PathBuf>,

    /// Domains to get certificates for by ACME, with commas: HTTPS without files [default: none]
    #[arg(long, global = true, env = "TIDINGS_ACME_DOMAINS", value_name = "DOMAINS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acme_domains: Option<String>,

    /// Mail addresses that the authority may write to, with commas [default: none]
    #[arg(long, global = true, env = "TIDINGS_ACME_CONTACT", value_name = "ADDRESSES")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acme_contact: Option<String>,

    /// The authority's directory [default: Let's Encrypt]
    #[arg(long, global = true, env = "TIDINGS_ACME_DIRECTORY", value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acme_directory: Option<String>,

    /// Where account and certificate are kept [default: `acme` in the data directory]
    #[arg(long, global = true, env = "TIDINGS_ACME_CACHE", value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acme_cache: Option<PathBuf>,

    /// Certificates (PEM) that the authority's own server is trusted by, of a private authority [default: the public ones]
    #[arg(long, global = true, env = "TIDINGS_ACME_CA", value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acme_ca: Option<PathBuf>,

    /// Collector for traces, by OTLP over HTTP, such as `http://localhost:4318` [default: that of the variables `OTEL_…`, else
    /// nothing is traced]
    #[arg(long, global = true, env = "TIDINGS_OTLP_ENDPOINT", value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otlp_endpoint: Option<String>,

    /// How many days `GET /v1/messages` goes back by itself; 0 is all [default: 30]
    #[arg(long, global = true, env = "TIDINGS_MESSAGES_WINDOW_DAYS", value_name = "DAYS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages_window_days: Option<u32>,

    /// How many days messages are kept in all conversations, unless their own rule keeps them for less; 0 is for ever
    /// [default: 0]
    #[arg(long, global = true, env = "TIDINGS_RETENTION_DAYS", value_name = "DAYS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<u32>,

    /// Whether webhooks may lead to private addresses, and go without HTTPS
    #[arg(long, global = true, env = "TIDINGS_WEBHOOKS_PRIVATE", value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhooks_private: Option<bool>,

    /// The largest export of somebody's data, in MiB [default: 4096]
    #[arg(long, global = true, env = "TIDINGS_EXPORTS_MAX_MIB", value_name = "MIB")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exports_max_mib: Option<u32>,

    /// Hours after which an export is removed [default: 24]
    #[arg(long, global = true, env = "TIDINGS_EXPORTS_HOURS", value_name = "HOURS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exports_hours: Option<u32>,

    /// What of the time a rebuild beside the serving view may work, above 0 and at most 1 [default: 0.5]
    #[arg(long, global = true, env = "TIDINGS_REBUILD_SHARE", value_name = "PART")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rebuild_share: Option<f64>,

    /// How often a sample of the views is compared with the log; 0 is never [default: 24]
    #[arg(long, global = true, env = "TIDINGS_VERIFY_HOURS", value_name = "HOURS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify_hours: Option<f64>,

    /// How many conversations and people that sample has, 1 to 500 [default: 100]
    #[arg(long, global = true, env = "TIDINGS_VERIFY_SAMPLE", value_name = "NUMBER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify_sample: Option<u32>,

    /// How many seconds the server goes on serving once it is told to stop and says that it is not ready: longer than the
    /// load balancer before it takes to notice [default: 2 where nodes share their log, else 0]
    #[arg(long, global = true, env = "TIDINGS_DRAIN_SECONDS", value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drain_seconds: Option<u32>,

    /// Which log lines are written: a `tracing` filter [default: info]
    #[arg(long, global = true, env = "TIDINGS_LOG", value_name = "FILTER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,

    /// How log lines look [default: text]
    #[arg(long, global = true, env = "TIDINGS_LOG_FORMAT", value_name = "FORMAT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_format: Option<LogFormat>,
}

impl fmt::Debug for Settings {
    /// Settings hold secrets: their names are enough.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Settings(…)")
    }
}
