//! Inboxes, accounts and the directory as they stood, for auditors.

use serde::{Deserialize, Serialize};
use tidings_domain::{
    UserId,
    access::{ContentAccessed, Shown},
};
use tidings_event_store::Position;
use tidings_projections::model::{InboxCursor, InboxFilter, UserCursor};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    audit_past::{MomentQuery, PastList, noted},
    me::OwnProfile,
    offices::Auditor,
    shapes::{ConversationBody, List},
};
use crate::{
    app::{Acting, App},
    audit,
    extract::{AsOf, InQuery, Limit, Path, parsed},
    problem::{Kind, Problem},
    reply::Reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(show_inbox_as_of))
        .routes(routes!(show_user_as_of))
        .routes(routes!(find_users_as_of))
}

/// Whom a path names: an id of anybody, also of an account that is closed, or a name that somebody has.
async fn named(acting: &Acting, text: &str) -> Result<UserId, Problem> {
    match text.parse() {
        Ok(id) => Ok(id),
        Err(_) => Ok(acting.app.commands.resolve_user(text, acting.user()).await?),
    }
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct InboxQuery {
    /// A position of the log, or a time: then what the store had taken by it. The end of the log when not given.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<AsOf>, inline)]
    as_of: Option<AsOf>,
    /// Only the archived, or only the others.
    archived: Option<bool>,
    /// Only those with unread messages, or only those without.
    unread: Option<bool>,
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
    /// `next` of the page before.
    #[param(ignore)]
    cursor: Option<String>,
}

/// An inbox as it stood.
#[derive(Debug, Serialize, ToSchema)]
struct PastInbox {
    #[serde(flatten)]
    list: PastList<ConversationBody>,
    /// What was unread in all conversations.
    unread: u64,
}

/// An inbox as it stood
///
/// As its owner saw it, with exact unread counts. What was erased since stays erased.
#[utoipa::path(get, path = "/v1/audit/users/{user}/inbox", tag = "Audit",
    params(("user" = String, Path, description = "An id, a username, or `me`"), InboxQuery),
    responses((status = 200, description = "Conversations then", body = PastInbox)),
)]
async fn show_inbox_as_of(
    Auditor(acting): Auditor,
    Path((user,)): Path<(String,)>,
    InQuery(asked): InQuery<InboxQuery>,
) -> Result<Reply<PastInbox>, Problem> {
    let (app, user) = (&acting.app, named(&acting, &user).await?);
    let as_of = app.audit.position_of(asked.as_of).await?;
    if app.commands.account(user).await?.is_none() {
        return Err(Kind::NoSuchUser.into());
    }
    // in whatever they were then, the view says by then that they are or were in it
    app.consistency.wait(acting.user(), Some(as_of)).await?;
    let memberships = app.queries.memberships(user).await?;
    let ids: Vec<_> = memberships.into_iter().map(|membership| membership.conversation).collect();
    let past = app.past.of_auditors.conversations(&ids, Some(user), as_of).await?;
    let list = format!("inbox of {user} as of {as_of} {:?} {:?}, audited", asked.archived, asked.unread);
    let place: Option<(Position, Position)> = app.cursors.open_some(&list, asked.cursor.as_deref())?;
    let cursor = place.map(|(began, after)| InboxCursor { began, after });
    let filter = InboxFilter { archived: asked.archived, unread: asked.unread };
    let page = past.inbox(user, filter, cursor, asked.limit.0).await?;
    let next = page.next.map(|next| app.cursors.seal(&list, &(next.began, next.after))).transpose()?;
    let list = List { items: page.items.into_iter().map(Into::into).collect(), next };
    let unread = past.unread_summary(user).await?.total;
    let body = PastInbox { list: PastList::of(as_of, list), unread };
    noted(&acting, audit::shown_of(&acting, Shown::Inbox, user), as_of, body).await
}

/// An account as it was.
#[derive(Debug, Serialize, ToSchema)]
struct PastUser {
    /// As of this position.
    as_of: u64,
    user: OwnProfile,
    /// Whether it could not be used.
    suspended: bool,
    /// Whether it was closed.
    closed: bool,
}

/// An account as it was
///
/// Whole, with addresses and roles. What was erased since stays erased.
#[utoipa::path(get, path = "/v1/audit/users/{user}", tag = "Audit",
    params(("user" = String, Path, description = "An id, a username, or `me`"), MomentQuery),
    responses((status = 200, description = "The account then", body = PastUser)),
)]
async fn show_user_as_of(
    Auditor(acting): Auditor,
    Path((user,)): Path<(String,)>,
    InQuery(asked): InQuery<MomentQuery>,
) -> Result<Reply<PastUser>, Problem> {
    let user = named(&acting, &user).await?;
    let as_of = acting.app.audit.position_of(asked.as_of).await?;
    let past = acting.app.past.of_auditors.users(&[user], as_of).await?;
    let found = past.user(user).await?.ok_or_else(|| Problem::from(Kind::NoSuchUser))?;
    let (suspended, closed) = (found.suspended, found.closed);
    let body = PastUser { as_of: as_of.get(), user: found.into(), suspended, closed };
    noted(&acting, audit::shown_of(&acting, Shown::Account, user), as_of, body).await
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct DirectoryQuery {
    /// A position of the log, or a time: then what the store had taken by it. The end of the log when not given.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<AsOf>, inline)]
    as_of: Option<AsOf>,
    /// Beginnings of words of the username, first or last name; all must match.
    #[serde(default)]
    query: String,
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
    /// `next` of the page before.
    #[param(ignore)]
    cursor: Option<String>,
}

/// The directory as it was
///
/// Accounts by the beginnings of their names then; all, by username, without a query.
#[utoipa::path(get, path = "/v1/audit/users", tag = "Audit", params(DirectoryQuery), responses(
    (status = 200, description = "Accounts then", body = PastList<OwnProfile>),
))]
async fn find_users_as_of(
    Auditor(acting): Auditor,
    InQuery(asked): InQuery<DirectoryQuery>,
) -> Result<Reply<PastList<OwnProfile>>, Problem> {
    let app = &acting.app;
    let as_of = app.audit.position_of(asked.as_of).await?;
    let past = app.past.of_auditors.directory(as_of).await?;
    let list = format!("users {} as of {as_of}, audited", asked.query);
    let place: Option<(String, String)> = app.cursors.open_some(&list, asked.cursor.as_deref())?;
    let cursor = place.map(|(term, username)| UserCursor { term, username });
    let page = past.search_users(&asked.query, cursor.as_ref(), asked.limit.0).await?;
    let next = page.next.map(|next| app.cursors.seal(&list, &(next.term, next.username))).transpose()?;
    let users: Vec<UserId> = page.items.iter().map(|user| user.id).collect();
    let list = List { items: page.items.into_iter().map(Into::into).collect(), next };
    let access = ContentAccessed { users, ..audit::shown_to(&acting, Shown::Directory) };
    noted(&acting, access, as_of, PastList::of(as_of, list)).await
}
