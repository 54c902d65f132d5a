//! Looking for messages by what they say.

use serde::{Deserialize, Serialize};
use tidings_domain::{ConversationId, Timestamp};
use tidings_projections::{
    Projection,
    model::{SearchCursor, SearchFilter, SearchHit, Snippet, Wanted},
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::shapes::{List, MessageBody};
use crate::{
    app::{App, Reading},
    extract::{InQuery, Limit, parsed},
    json::Json,
    problem::{Kind, Problem},
};

/// The longest query, in bytes.
const LONGEST_QUERY: usize = 512;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(search_messages))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct SearchQuery {
    /// What to look for: all of up to 16 words, each found where a word begins with it (one of one or two letters only as a whole).
    /// In scripts without spaces any characters that stand together are found, and an emoji as it is. Case and diacritics make no
    /// difference.
    #[param(min_length = 1, max_length = 512, example = "engine")]
    q: String,
    /// Only in this conversation.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>, format = "uuid")]
    conversation: Option<ConversationId>,
    /// Only what this person sent: an id, a username, or `me`.
    from: Option<String>,
    /// Only what was sent at or after this time.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// Only what was sent before this time.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
    /// `next` of the page before.
    #[param(ignore)]
    cursor: Option<String>,
}

impl SearchQuery {
    fn wanted(&self) -> Result<Wanted, Problem> {
        if self.q.len() > LONGEST_QUERY {
            return Err(Problem::malformed("/q", format!("must have at most {LONGEST_QUERY} bytes")));
        }
        Wanted::parse(&self.q).map_err(|why| Problem::malformed("/q", why.to_string()))
    }
}

/// A message that was found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SearchHit)]
struct HitBody {
    message: MessageBody,
    /// A part of it as HTML: its text, escaped, with what was found between `<mark>` and `</mark>` and no other tags.
    #[schema(example = "Is the <mark>engine</mark> on? &lt;3")]
    snippet: String,
}

impl From<SearchHit> for HitBody {
    fn from(hit: SearchHit) -> Self {
        Self { message: hit.message.into(), snippet: as_html(&hit.snippet) }
    }
}

/// A snippet that is safe wherever HTML may stand.
fn as_html(snippet: &Snippet) -> String {
    let mut html = String::with_capacity(snippet.text.len() + 16);
    let mut at = 0;
    for mark in &snippet.marks {
        escape(&snippet.text[at..mark.start], &mut html);
        html.push_str("<mark>");
        escape(&snippet.text[mark.clone()], &mut html);
        html.push_str("</mark>");
        at = mark.end;
    }
    escape(&snippet.text[at..], &mut html);
    html
}

fn escape(text: &str, html: &mut String) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
}

/// Search messages
///
/// In everything the caller may see, newest first. A page may hold fewer than `limit`, even none, while `next` says that the list
/// goes on: much was looked through.
#[utoipa::path(get, path = "/v1/search", tag = "Messages", params(SearchQuery), responses(
    (status = 200, description = "What was found", body = List<HitBody>),
))]
async fn search_messages(
    reading: Reading,
    InQuery(asked): InQuery<SearchQuery>,
) -> Result<Json<List<HitBody>>, Problem> {
    let wanted = asked.wanted()?;
    let list =
        format!("search {:?} {:?} {:?} {:?} {:?}", asked.q, asked.conversation, asked.from, asked.since, asked.until);
    let cursor = reading.app.cursors.open_some(&list, asked.cursor.as_deref())?.map(SearchCursor);
    let from = match &asked.from {
        Some(name) => Some(reading.app.commands.resolve_user(name, reading.user()).await?),
        None => None,
    };
    if let Some(conversation) = asked.conversation
        && reading.views().membership(reading.user(), conversation).await?.is_none()
    {
        // says which: no such conversation, or not in it
        reading.app.commands.standing(conversation, reading.user()).await?;
        return Err(Kind::NotAMember.into());
    }
    reading.wait_for(Projection::Search).await?;
    let filter = SearchFilter { conversation: asked.conversation, from, since: asked.since, until: asked.until };
    let page = reading.views().search(reading.user(), &wanted, filter, cursor, asked.limit.0).await?;
    let next = page.next.map(|SearchCursor(next)| reading.app.cursors.seal(&list, &next)).transpose()?;
    Ok(Json(List { items: page.items.into_iter().map(Into::into).collect(), next }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snippet_is_escaped_but_for_its_marks() {
        let snippet = Snippet { text: "<b>bold</b> & \"brave\"".to_owned(), marks: vec![3..7, 15..20] };
        assert_eq!(as_html(&snippet), "&lt;b&gt;<mark>bold</mark>&lt;/b&gt; &amp; &quot;<mark>brave</mark>&quot;");
    }
}
