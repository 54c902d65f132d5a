//! Recorded events line by line, as fast as they are taken and no faster.

use axum::body::{Body, Bytes};
use futures::stream;
use tidings_domain::values::Role;

use super::{Audit, Bounds, Wanted};
use crate::{
    app::Acting,
    problem::{Kind, Problem},
};

/// Events in one piece of the answer: the most that is in memory for it.
const PIECE: usize = 250;

/// All that is wanted of a part of the log, one event a line. Ends early, and so that it shows, when its reader's session or role
/// ends, or the log cannot be read.
pub fn lines(acting: Acting, wanted: Wanted, part: Bounds) -> Body {
    let reader = Reader { acting, wanted };
    Body::from_stream(stream::try_unfold((reader, Some(part)), |(reader, part)| async move {
        let Some(part) = part else { return Ok(None) };
        let (piece, next) = reader.piece(part).await.map_err(|problem| {
            tracing::warn!(%problem, "an auditor's reading of the log ends early");
            std::io::Error::other(problem.to_string())
        })?;
        Ok::<_, std::io::Error>(Some((piece, (reader, next))))
    }))
}

struct Reader {
    acting: Acting,
    wanted: Wanted,
}

impl Reader {
    /// The next lines, perhaps none, and what is left.
    async fn piece(&self, part: Bounds) -> Result<(Bytes, Option<Bounds>), Problem> {
        self.may_go_on().await?;
        let audit: &Audit = &self.acting.app.audit;
        // what was erased since the last piece is not in this one
        audit.head().await?;
        let found = audit.next_of(&self.wanted, part, PIECE).await?;
        let mut lines = Vec::new();
        for event in audit.opened(&found.events).await? {
            serde_json::to_writer(&mut lines, &event)
                .map_err(|error| Problem::new(Kind::Internal, error.to_string()))?;
            lines.push(b'\n');
        }
        Ok((lines.into(), found.next.map(|after| Bounds { after, ..part })))
    }

    async fn may_go_on(&self) -> Result<(), Problem> {
        let (app, caller) = (&self.acting.app, self.acting.caller);
        if !app.authenticator.stands(caller).await? {
            return Err(Kind::SessionEnded.into());
        }
        let account = app.commands.account(caller.user).await?;
        let still = account.is_some_and(|account| account.roles.contains(&Role::Auditor));
        if still { Ok(()) } else { Err(Kind::Forbidden.into()) }
    }
}
