//! Who is in a conversation.

use serde::Deserialize;
use tidings_domain::{ConversationId, conversation::MemberRole};
use tidings_projections::model::MemberCursor;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    past::{Shown, View, Which},
    shapes::{List, MemberBody},
};
use crate::{
    app::{Acting, App, Reading},
    extract::{AsOf, Checked, InQuery, Limit, MaybeBody, Path, parsed},
    problem::{Checks, Kind, Problem},
    reply::Reply,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_members)).routes(routes!(put_member, remove_member))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct MembersQuery {
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
    /// `next` of the page before.
    #[param(ignore)]
    cursor: Option<String>,
    /// As of this position of the log or this time.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<AsOf>, inline)]
    as_of: Option<AsOf>,
}

/// The members
///
/// The longest-standing first, with how far each of them has read.
#[utoipa::path(get, path = "/v1/conversations/{conversation}/members", tag = "Conversations",
    params(("conversation" = String, Path, format = "uuid", description = "Which"), MembersQuery),
    responses((status = 200, description = "The members", body = List<MemberBody>)),
)]
async fn list_members(
    reading: Reading,
    Path((id,)): Path<(ConversationId,)>,
    InQuery(asked): InQuery<MembersQuery>,
) -> Result<Shown<List<MemberBody>>, Problem> {
    let view = View::of(&reading, asked.as_of, Which::WithReaders(id)).await?;
    match &view {
        View::Now(_) => {
            reading.app.commands.standing(id, reading.user()).await?.member()?;
        }
        // who was in it then
        View::Then(past, _) => {
            let here = past.membership(reading.user(), id).await?.is_some_and(|here| here.left_seq.is_none());
            if !here {
                return Err(Kind::NotAMember.into());
            }
        }
    }
    let list = view.list(format!("members {id}"));
    let cursor = reading.app.cursors.open_some(&list, asked.cursor.as_deref())?.map(MemberCursor);
    let page = view.views().members(id, cursor, asked.limit.0).await?;
    let next = page.next.map(|MemberCursor(next)| reading.app.cursors.seal(&list, &next)).transpose()?;
    Ok(view.answer(List { items: page.items.into_iter().map(Into::into).collect(), next }))
}

/// What a member may do.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum GivenRole {
    Member,
    Admin,
}

/// The role to give; none leaves it as it is, or makes a member.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PutMemberRequest {
    role: Option<GivenRole>,
}

impl Checked for PutMemberRequest {
    type Valid = Option<MemberRole>;

    fn check(self, _checks: &mut Checks) -> Option<Option<MemberRole>> {
        Some(self.role.map(|role| match role {
            GivenRole::Member => MemberRole::Member,
            GivenRole::Admin => MemberRole::Admin,
        }))
    }
}

/// Add a member, or give a role
///
/// Any member adds; owner and admins give roles. The people of a direct conversation are fixed: 409.
#[utoipa::path(put, path = "/v1/conversations/{conversation}/members/{user}", tag = "Conversations",
    request_body = Option<PutMemberRequest>,
    params(
        ("conversation" = String, Path, format = "uuid", description = "Which"),
        ("user" = String, Path, description = "An id, a username, or `me`"),
    ),
    responses((status = 200, description = "The member now", body = MemberBody)),
)]
async fn put_member(
    acting: Acting,
    Path((id, user)): Path<(ConversationId, String)>,
    MaybeBody(role): MaybeBody<PutMemberRequest>,
) -> Result<Reply<MemberBody>, Problem> {
    let (commands, me) = (&acting.app.commands, acting.user());
    let user = commands.resolve_user(&user, me).await?;
    let outcome = acting.done(commands.put_member(id, me, user, role.flatten(), &acting.context).await?);
    let member = acting.reading().await?.member(id, user).await?;
    let member = member.ok_or_else(|| Problem::new(Kind::NoSuchUser, "they have left meanwhile"))?;
    Ok(Reply::ok(&outcome, member.into()))
}

/// Leave, or remove a member
///
/// Owner and admins remove members, only the owner removes an admin.
#[utoipa::path(delete, path = "/v1/conversations/{conversation}/members/{user}", tag = "Conversations",
    params(
        ("conversation" = String, Path, format = "uuid", description = "Which"),
        ("user" = String, Path, description = "An id, a username, or `me`"),
    ),
    responses((status = 204, description = "They are not in it")),
)]
async fn remove_member(acting: Acting, Path((id, user)): Path<(ConversationId, String)>) -> Result<Reply<()>, Problem> {
    let (commands, me) = (&acting.app.commands, acting.user());
    let user = commands.resolve_user(&user, me).await?;
    let outcome = commands.remove_member(id, me, user, &acting.context).await?;
    Ok(Reply::no_content(&acting.done(outcome)))
}
