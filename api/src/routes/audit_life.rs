//! The life of a message, for auditors.

use serde::Serialize;
use tidings_domain::{
    MessageId, UserId,
    access::{ContentAccessed, Shown},
};
use tidings_event_store::Position;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    accesses::AccessBody,
    offices::Auditor,
    shapes::{UserRefBody, shown},
};
use crate::{
    app::App,
    audit::{self, LifeEvent, What},
    extract::Path,
    problem::{Kind, Problem},
    reply::Reply,
};

/// The most accesses that are told of.
const MOST_ACCESSES: usize = 100;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show_life))
}

/// The life of a message.
#[derive(Debug, Serialize, ToSchema)]
struct LifeBody {
    /// Which.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String)]
    id: MessageId,
    /// Who sent it.
    sender: UserRefBody,
    /// Whether its text is gone for ever. Who did what and when stays.
    erased: bool,
    /// Everything that happened to it, in the order of the log.
    events: Vec<LifeEvent>,
    /// Who is who in `events`.
    people: Vec<UserRefBody>,
    /// What auditors were shown of it or of its conversation before: the first hundred times.
    accesses: Vec<AccessBody>,
}

/// The life of a message
///
/// Sent, edited, delivered, read, reacted to, pinned, deleted: by whom, and when; also after its erasure, without its text.
#[utoipa::path(get, path = "/v1/audit/messages/{message}", tag = "Audit",
    params(("message" = String, Path, description = "Which")),
    responses((status = 200, description = "All of it", body = LifeBody)),
)]
async fn show_life(Auditor(acting): Auditor, Path((id,)): Path<(MessageId,)>) -> Result<Reply<LifeBody>, Problem> {
    let app = &acting.app;
    let head = app.audit.head().await?;
    let events = app.audit.life(id).await?;
    // the views know who is who, and who looked, as far as the log was read
    app.consistency.wait(acting.user(), Some(head)).await?;
    let Some((sent, Some(sender))) = events.first().map(|sent| (Position::new(sent.position), sent.by)) else {
        return Err(Kind::NoSuchMessage.into());
    };
    let accesses = app.queries.accesses_to(id, sent, MOST_ACCESSES).await?;
    let mut ids: Vec<UserId> = events.iter().filter_map(|event| event.by).collect();
    ids.sort_unstable();
    ids.dedup();
    let people = app.queries.users(&ids).await?.into_iter();
    let people: Vec<_> = people.map(|user| UserRefBody { id: user.id, username: user.username }).collect();
    let known = people.iter().find(|person| person.id == sender).cloned();
    let holds = app.commands.holds().await?;
    let has = |what| events.iter().any(|event: &LifeEvent| event.what == what);
    // a person's key may be held for another conversation of theirs: then only the receipt says that it is gone
    let erased = has(What::Erased)
        || has(What::Deleted) && !holds.covers(id.conversation, sender)
        || has(What::SenderClosed) && holds.is_empty();
    let body = LifeBody {
        id,
        sender: known.unwrap_or(UserRefBody { id: sender, username: None }),
        erased,
        events,
        people,
        accesses: accesses.into_iter().map(Into::into).collect(),
    };
    let access = audit::shown_to(&acting, Shown::Message);
    let access = ContentAccessed { conversation: Some(id.conversation), message: Some(id), ..access };
    Ok(Reply::ok(&audit::note(&acting, access).await?, body))
}
