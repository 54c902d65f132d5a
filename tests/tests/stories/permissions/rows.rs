//! How a route is asked.

use serde_json::Value;

use super::scene::Scene;

/// What a request needs to be there.
#[derive(Debug, Clone, Copy)]
pub(super) enum Where {
    Anything,
    /// A group with a message.
    Group,
    /// A picture on the message.
    Picture,
    /// A message that the sender has scheduled.
    Scheduled,
    /// A webhook of the sender.
    Webhook,
    /// A secret that who asks was offered for a second factor.
    TotpOffered,
    /// A second factor of who asks.
    Totp,
    /// A device of who asks.
    Device,
    /// An export of who asks.
    Export,
}

/// What stands for the names in a path.
pub(super) type Names = Vec<(&'static str, String)>;

/// A route and how it is asked.
pub(super) struct Row {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) query: &'static str,
    pub(super) about: Where,
    pub(super) body: fn(&Scene<'_>) -> Option<Value>,
    pub(super) names: fn(&Scene<'_>) -> Names,
    pub(super) headers: &'static [(&'static str, &'static str)],
    /// Whether a file is sent.
    pub(super) uploads: bool,
    /// Whether who asks is not of much use after it.
    pub(super) spoils: bool,
}

pub(super) fn row(method: &'static str, path: &'static str) -> Row {
    let group = path.contains("{conversation}") || path.contains("{message}");
    Row {
        method,
        path,
        query: "",
        about: if group { Where::Group } else { Where::Anything },
        body: |_| None,
        names: |_| vec![],
        headers: &[],
        uploads: false,
        spoils: false,
    }
}

impl Row {
    pub(super) fn body(self, body: fn(&Scene<'_>) -> Option<Value>) -> Self {
        Self { body, ..self }
    }

    pub(super) fn names(self, names: fn(&Scene<'_>) -> Names) -> Self {
        Self { names, ..self }
    }

    pub(super) fn about(self, about: Where) -> Self {
        Self { about, ..self }
    }

    pub(super) fn query(self, query: &'static str) -> Self {
        Self { query, ..self }
    }

    pub(super) fn headers(self, headers: &'static [(&'static str, &'static str)]) -> Self {
        Self { headers, ..self }
    }

    pub(super) fn uploads(self) -> Self {
        Self { uploads: true, ..self }
    }

    pub(super) fn spoils(self) -> Self {
        Self { spoils: true, ..self }
    }
}
