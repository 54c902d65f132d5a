//! What people saw themselves: their own views as they stood. What was erased since stays erased, whatever else they saw then they
//! may see again.

use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tidings_domain::ConversationId;
use tidings_event_store::Position;
use tidings_projections::{Past, Queries, model::Message};

use crate::{
    app::Reading,
    extract::AsOf,
    json::{in_json, json_response},
    problem::{Kind, Problem},
    reply::TIDINGS_AS_OF,
};

/// Views as they are, or as they stood.
pub(super) enum View<'a> {
    /// Now.
    Now(&'a Reading),
    /// As of a position.
    Then(Past, Position),
}

/// What of the past is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// All conversations of who asks.
    Own,
    /// One conversation, as who asks saw it.
    One(ConversationId),
    /// One conversation with what everybody had read.
    WithReaders(ConversationId),
}

impl<'a> View<'a> {
    /// Those of a caller, of the moment unless another is named.
    pub(super) async fn of(reading: &'a Reading, as_of: Option<AsOf>, which: Which) -> Result<Self, Problem> {
        let Some(as_of) = as_of else { return Ok(Self::Now(reading)) };
        let (app, me) = (&reading.app, reading.user());
        let position = app.audit.position_of(Some(as_of)).await?;
        // whoever is in a conversation then is in the view by then
        app.consistency.wait(me, Some(position)).await?;
        let past = match which {
            Which::Own => {
                let memberships = reading.views().memberships(me).await?;
                let ids: Vec<_> = memberships.into_iter().map(|membership| membership.conversation).collect();
                app.past.of_people.conversations(&ids, Some(me), position).await?
            }
            Which::One(id) => app.past.of_people.conversations(&known(reading, id).await?, Some(me), position).await?,
            Which::WithReaders(id) => {
                app.past.of_people.conversations(&known(reading, id).await?, None, position).await?
            }
        };
        Ok(Self::Then(past, position))
    }

    /// The questions.
    pub(super) fn views(&self) -> &dyn Queries {
        match self {
            Self::Now(reading) => reading.views(),
            Self::Then(past, _) => &***past,
        }
    }

    /// Takes out of the past what was deleted since and is held: it has its key still, and is for nobody to see but auditors.
    pub(super) async fn hide(&self, reading: &Reading, messages: &mut [&mut Message]) -> Result<(), Problem> {
        let commands = &reading.app.commands;
        if matches!(self, Self::Now(_)) || messages.is_empty() || commands.holds().await?.is_empty() {
            return Ok(());
        }
        for message in messages {
            if commands.is_hidden(message.id).await? {
                (message.subject, message.body, message.attachments) = (None, None, vec![]);
            }
        }
        Ok(())
    }

    /// The name of a list, for its cursors: no two moments share them.
    pub(super) fn list(&self, name: String) -> String {
        match self {
            Self::Now(_) => name,
            Self::Then(_, position) => format!("{name} as of {position}"),
        }
    }

    /// What was asked.
    pub(super) fn answer<T>(&self, body: T) -> Shown<T> {
        let as_of = match self {
            Self::Now(_) => None,
            Self::Then(_, position) => Some(*position),
        };
        Shown { as_of, body }
    }
}

/// The conversation, if who asks ever was in it: nothing is looked up for others.
async fn known(reading: &Reading, id: ConversationId) -> Result<[ConversationId; 1], Problem> {
    if reading.views().membership(reading.user(), id).await?.is_some() {
        return Ok([id]);
    }
    // says which: no such conversation, or not in it
    reading.app.commands.standing(id, reading.user()).await?;
    Err(Kind::NotAMember.into())
}

/// An answer that says as of which position it is.
pub(super) struct Shown<T> {
    as_of: Option<Position>,
    body: T,
}

impl<T: Serialize> IntoResponse for Shown<T> {
    fn into_response(self) -> Response {
        let mut response = match in_json(&self.body) {
            Ok(json) => json_response(json.into()),
            Err(problem) => return problem.into_response(),
        };
        if let Some(position) = self.as_of {
            response.headers_mut().insert(TIDINGS_AS_OF, position.get().into());
        }
        response
    }
}
