//! Recorded events as `CloudEvents` 1.0 (<https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md>).

use serde::Serialize;
use serde_json::{Map, Value};
use tidings_domain::{StoredEvent, Timestamp, UserId};
use tidings_event_store::{DecodedEvent, Metadata, RecordedEvent};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    notary,
    routes::{shown, shown_option},
};

/// Where events come from, whatever the installation is called: with `id` it names one of them.
const SOURCE: &str = "/v1/audit/events";

/// What nobody is shown, wherever it stands in a payload: it opens accounts, or proves who signs. The answer to a request may hold
/// such, too.
const SECRET: [&str; 4] = ["password_hash", "secret", "recovery_codes", "answer"];

/// A recorded event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CloudEvent {
    /// The version of the specification.
    #[schema(example = "1.0")]
    pub specversion: &'static str,
    /// Unique.
    #[schema(value_type = String, format = "uuid")]
    pub id: Uuid,
    /// The log.
    #[schema(example = "/v1/audit/events")]
    pub source: &'static str,
    /// What happened: the stored name.
    #[serde(rename = "type")]
    #[schema(example = "message_sent")]
    pub name: String,
    /// The stream.
    #[schema(example = "conversation-0190c5f2-7b7a-4f0e-9d3b-1a2c3d4e5f60")]
    pub subject: String,
    /// When the store took it.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = DateTime)]
    pub time: Timestamp,
    /// What `data` is.
    #[schema(example = "application/json")]
    pub datacontenttype: &'static str,
    /// Where in the whole log.
    pub position: u64,
    /// Which place in its stream, from 1.
    pub streamversion: u64,
    /// The hash of its leaf in the notary's tree, in base64.
    #[schema(min_length = 44, max_length = 44)]
    pub leafhash: String,
    /// Who caused it; absent for the installation itself.
    #[serde(serialize_with = "shown_option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub actor: Option<UserId>,
    /// The command that it follows from, when that was given a key (32 hex digits).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The request in which it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The shape in which it is stored.
    pub schema: u16,
    /// Its personal part is erased for ever: it is `null` in `data`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub erased: bool,
    /// Part of it is a secret that nobody is shown: it is `null` in `data`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub withheld: bool,
    /// This version of the program does not understand it: `data` is what is stored.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unreadable: bool,
    /// What happened, opened as far as there are keys.
    #[schema(value_type = Object)]
    pub data: Value,
}

impl CloudEvent {
    /// A recorded event, and the same understood, if it was.
    pub(super) fn of(recorded: &RecordedEvent, decoded: Option<&DecodedEvent>) -> Self {
        let metadata: Metadata = serde_json::from_slice(&recorded.metadata).unwrap_or_default();
        let opened = decoded.and_then(open);
        let unreadable = opened.is_none();
        let stored = || serde_json::from_slice(&recorded.data).unwrap_or(Value::Null);
        let (mut data, erased) = opened.unwrap_or_else(|| (stored(), false));
        let withheld = !unreadable && withhold(&mut data);
        Self {
            specversion: "1.0",
            id: recorded.id,
            source: SOURCE,
            name: recorded.name.to_string(),
            subject: recorded.stream.to_string(),
            time: recorded.recorded_at,
            datacontenttype: "application/json",
            position: recorded.position.get(),
            streamversion: recorded.version,
            leafhash: notary::entry(recorded).leaf_hash().to_string(),
            actor: metadata.actor,
            command: metadata.command,
            request: metadata.request,
            schema: metadata.v,
            erased,
            withheld,
            unreadable,
            data,
        }
    }
}

/// The open part with the personal one as its member, and whether that is erased.
fn open(decoded: &DecodedEvent) -> Option<(Value, bool)> {
    let event = &decoded.event;
    let mut members: Map<String, Value> = serde_json::from_slice(&event.open_part().ok()?).ok()?;
    let Some(member) = event.private_member() else { return Some((Value::Object(members), false)) };
    let private = event.private_part().ok()?.map(|private| serde_json::from_slice(&private)).transpose().ok()?;
    let erased = private.is_none();
    members.insert(member.to_owned(), private.unwrap_or(Value::Null));
    Some((Value::Object(members), erased))
}

/// Takes secrets out; whether there were any.
fn withhold(data: &mut Value) -> bool {
    let mut any = false;
    match data {
        Value::Object(members) => {
            for (name, value) in members {
                if SECRET.contains(&name.as_str()) && !value.is_null() {
                    (*value, any) = (Value::Null, true);
                }
                any |= withhold(value);
            }
        }
        Value::Array(values) => {
            for value in values {
                any |= withhold(value);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    any
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn no_secret_is_shown_wherever_it_stands() {
        let mut data = json!({"identity": {"username": "ada", "password_hash": "x"}, "list": [{"secret": [1]}]});
        assert!(withhold(&mut data));
        assert_eq!(data, json!({"identity": {"username": "ada", "password_hash": null}, "list": [{"secret": null}]}));
        assert!(!withhold(&mut data));
    }
}
