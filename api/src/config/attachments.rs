//! Where attachments are kept, and how large they may be.

use std::time::Duration;

use secrecy::ExposeSecret;
use tidings_attachments::blobs::S3;

use super::{ConfigError, Merged, invalid};

/// A store of attachments.
#[derive(Debug, Clone)]
pub enum AttachmentPlace {
    /// Files of the data directory, which only this node sees.
    Files,
    /// A bucket, which other nodes may share.
    S3(S3),
}

/// Attachments of a server.
#[derive(Debug, Clone)]
pub struct AttachmentConfig {
    /// Where they are.
    pub place: AttachmentPlace,
    /// How large each may be.
    pub max_bytes: u64,
    /// How long they wait to be put to a message.
    pub unused: Duration,
}

pub(super) fn files() -> String {
    "files".to_owned()
}

pub(super) const fn max_mib() -> u32 {
    25
}

pub(super) const fn unused_hours() -> u32 {
    24
}

impl AttachmentConfig {
    pub(super) fn check(merged: &Merged) -> Result<Self, ConfigError> {
        if merged.attachments_max_mib == 0 {
            return Err(invalid("TIDINGS_ATTACHMENTS_MAX_MIB", "must be at least 1"));
        }
        let place = match merged.attachments.strip_prefix("s3://") {
            Some(place) => AttachmentPlace::S3(s3(place, merged)?),
            None if merged.attachments == "files" => AttachmentPlace::Files,
            None => return Err(invalid("TIDINGS_ATTACHMENTS", "is neither files nor s3://bucket/prefix")),
        };
        Ok(Self {
            place,
            max_bytes: u64::from(merged.attachments_max_mib) * 1024 * 1024,
            unused: Duration::from_secs(u64::from(merged.attachments_unused_hours) * 3_600),
        })
    }
}

fn s3(place: &str, merged: &Merged) -> Result<S3, ConfigError> {
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    if bucket.is_empty() {
        return Err(invalid("TIDINGS_ATTACHMENTS", "names no bucket: s3://bucket/prefix"));
    }
    if merged.s3_endpoint.as_deref().is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
        return Err(invalid("TIDINGS_S3_ENDPOINT", "must begin with https:// or http://"));
    }
    let credentials = match (&merged.s3_access_key_id, &merged.s3_secret_access_key) {
        (Some(id), Some(secret)) => Some((id.clone(), secret.expose_secret().to_owned())),
        (None, None) => None,
        (Some(_), None) => {
            return Err(invalid("TIDINGS_S3_ACCESS_KEY_ID", "needs TIDINGS_S3_SECRET_ACCESS_KEY beside it"));
        }
        (None, Some(_)) => {
            return Err(invalid("TIDINGS_S3_SECRET_ACCESS_KEY", "needs TIDINGS_S3_ACCESS_KEY_ID beside it"));
        }
    };
    Ok(S3 {
        bucket: bucket.to_owned(),
        prefix: prefix.to_owned(),
        endpoint: merged.s3_endpoint.clone(),
        region: merged.s3_region.clone(),
        credentials,
    })
}
