//! The rows of the directory projection, and how a database reads and writes them.

use std::collections::BTreeSet;

use tidings_domain::{SessionId, UserId, WebhookId, values::Role};

use super::{
    WebhookRow,
    devices::{DeviceKey, DeviceRow},
};
use crate::fold::Done;

/// A row of `users`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct UserRow {
    pub(crate) username: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) phone_number: Option<String>,
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
    pub(crate) created_at: i64,
    pub(crate) modified_at: i64,
    /// Names with a space between.
    pub(crate) roles: String,
    pub(crate) credential: i64,
    pub(crate) kept_session: Option<SessionId>,
    pub(crate) imported: bool,
    pub(crate) suspended: bool,
    /// Signing in takes a second factor.
    pub(crate) mfa: bool,
    pub(crate) closed_at: Option<i64>,
}

impl UserRow {
    /// What they are found by: every word of their names, and the whole username, so that `ada.l` finds ada.lovelace.
    pub(crate) fn terms(&self) -> BTreeSet<String> {
        let Some(username) = &self.username else { return BTreeSet::new() };
        let names = [Some(username), self.first_name.as_ref(), self.last_name.as_ref()];
        let mut terms: BTreeSet<String> = names.into_iter().flatten().flat_map(|name| words(name)).collect();
        terms.insert(username.clone());
        terms
    }
}

/// A row of `sessions`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SessionRow {
    pub(crate) user: UserId,
    pub(crate) credential: i64,
    pub(crate) device_name: Option<String>,
    pub(crate) opened_at: i64,
    pub(crate) refreshed_at: i64,
}

/// What a batch changed: rows as they stand after it; none is a row that must go. Terms follow the row of their user.
pub(crate) struct DirectoryChanges<'a> {
    pub(crate) users: Vec<(UserId, &'a UserRow)>,
    pub(crate) sessions: Vec<(SessionId, Option<&'a SessionRow>)>,
    pub(crate) devices: Vec<(DeviceKey, Option<&'a DeviceRow>)>,
    pub(crate) webhooks: Vec<(WebhookId, Option<&'a WebhookRow>)>,
}

/// The tables, in a database. What is asked for and not there is left out.
pub(crate) trait DirectoryTables: Send {
    /// Rows of `users`.
    fn users(&mut self, ids: &[UserId]) -> impl Future<Output = Done<Vec<(UserId, UserRow)>>> + Send;

    /// Rows of `sessions`.
    fn sessions(&mut self, ids: &[SessionId]) -> impl Future<Output = Done<Vec<(SessionId, SessionRow)>>> + Send;

    /// The sessions of a user.
    fn sessions_of(&mut self, user: UserId) -> impl Future<Output = Done<Vec<(SessionId, SessionRow)>>> + Send;

    /// Rows of `devices`.
    fn devices(&mut self, keys: &[DeviceKey]) -> impl Future<Output = Done<Vec<(DeviceKey, DeviceRow)>>> + Send;

    /// The devices of a user.
    fn devices_of(&mut self, user: UserId) -> impl Future<Output = Done<Vec<(DeviceKey, DeviceRow)>>> + Send;

    /// Rows of `webhooks`.
    fn webhooks(&mut self, ids: &[WebhookId]) -> impl Future<Output = Done<Vec<(WebhookId, WebhookRow)>>> + Send;

    /// The webhooks of a user.
    fn webhooks_of(&mut self, owner: UserId) -> impl Future<Output = Done<Vec<(WebhookId, WebhookRow)>>> + Send;

    /// Writes what a batch changed.
    fn write_directory(&mut self, changes: &DirectoryChanges<'_>) -> impl Future<Output = Done> + Send;
}

/// The words of a text that people are found by: letters and digits, in lower case.
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// What must begin some term: the words of the query, or the whole of it where it may be the start of a username.
pub(crate) fn wanted(query: &str) -> Vec<String> {
    let whole = query.trim().to_lowercase();
    let of_username = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '_' | '.' | '-');
    if whole.chars().all(of_username) && whole.chars().any(char::is_alphanumeric) {
        return vec![whole];
    }
    words(&whole).collect()
}

/// Roles as the column keeps them: names with a space between.
pub(crate) fn parse_roles(stored: &str) -> impl Iterator<Item = Role> {
    stored.split(' ').filter_map(|role| role.parse().ok())
}
