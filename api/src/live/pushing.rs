//! From the log to the queues of those who listen.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
};

use tidings_domain::MessageId;
use tidings_event_store::{Position, RecordedEvent};

use super::{
    audience::Audience,
    fresh::Fresh,
    happened::{Membership, Told, Whom},
    hub::{Hub, State},
    render::{Happened, RenderError},
};

/// Events looked at in one go.
const PAGE: usize = 1_000;
/// Events whose messages are asked for at once: so many bodies are in memory.
const TOGETHER: usize = 100;

fn concerns(audience: &Audience, recorded: &RecordedEvent) -> bool {
    recorded.stream.id().is_ok_and(|stream| audience.concerns(&stream))
}

impl Hub {
    pub(super) async fn advance(&self, to: Position) {
        let mut state = self.state.lock().await;
        while state.position < to && !self.stopping.load(Ordering::Acquire) {
            if state.audience.is_empty() {
                state.position = to;
            } else if let Err(error) = self.push_page(&mut state, to).await {
                // Nobody is told less than all: they are cut off and resume from what they have.
                tracing::error!(%error, "live push is interrupted");
                state.audience.clear();
            }
        }
        if !state.audience.is_empty() {
            self.want_next(state.position);
        }
        self.position.send_replace(state.position);
    }

    async fn push_page(&self, state: &mut State, to: Position) -> Result<(), RenderError> {
        let page = self.renderer.page(state.position, PAGE).await?;
        let there = page.events.partition_point(|recorded| recorded.position <= to);
        for events in page.events[..there].chunks(TOGETHER) {
            if self.stopping.load(Ordering::Acquire) {
                return Ok(());
            }
            self.push_together(&mut state.audience, events).await?;
        }
        // a page that reaches beyond was looked at up to `to` only; an empty one has nothing more before it
        state.position = if page.scanned_to > state.position { page.scanned_to.min(to) } else { to };
        Ok(())
    }

    /// What is asked of the views for each message is asked for all of them at once: over the network that is most of the time.
    async fn push_together(&self, audience: &mut Audience, events: &[Arc<RecordedEvent>]) -> Result<(), RenderError> {
        let mut understood = Vec::with_capacity(events.len());
        for recorded in events {
            understood.push(if concerns(audience, recorded) { self.renderer.understand(recorded).await } else { None });
        }
        let fresh = self.renderer.all_fresh(understood.iter().flatten()).await?;
        for (recorded, understood) in events.iter().zip(understood) {
            let happened = match understood {
                // somebody may have joined by an event just before it
                None if concerns(audience, recorded) => self.renderer.understand(recorded).await,
                understood => understood,
            };
            if let Some(happened) = happened {
                self.push(audience, &happened, &fresh).await?;
            }
        }
        Ok(())
    }

    async fn push(
        &self,
        audience: &mut Audience,
        happened: &Happened,
        ahead: &HashMap<MessageId, Fresh>,
    ) -> Result<(), RenderError> {
        if let Some(Membership::Joined(conversation, users)) = &happened.membership {
            audience.join(*conversation, users);
        }
        if let Some(told) = &happened.told {
            self.tell(audience, happened.position, told, ahead).await?;
            if let Told::Contact(pair) = told {
                self.introduce(audience, *pair).await;
            }
        }
        match &happened.membership {
            Some(Membership::Left(conversation, user)) => audience.leave(*conversation, *user),
            Some(Membership::SessionOver(user, session)) => {
                audience.end(*user, |listener| listener.session == *session);
            }
            Some(Membership::AccountOver(user, kept)) => {
                audience.end(*user, |listener| Some(listener.session) != *kept);
            }
            Some(Membership::Joined(..)) | None => {}
        }
        Ok(())
    }

    async fn tell(
        &self,
        audience: &mut Audience,
        position: Position,
        told: &Told,
        ahead: &HashMap<MessageId, Fresh>,
    ) -> Result<(), RenderError> {
        let concerned = match told.whom() {
            Whom::In(conversation, only) => audience.of(conversation, only),
            Whom::One(user) => audience.of_users(&[user]),
            Whom::Both(pair) => audience.of_users(&pair.both()),
            Whom::OwnerOf(webhook) => match self.commands.webhook(webhook).await? {
                Some(webhook) => audience.of_users(&[webhook.owner]),
                None => Vec::new(),
            },
        };
        if concerned.is_empty() {
            return Ok(());
        }
        let fresh = match told {
            Told::Message { id, .. } => ahead.get(id),
            Told::Changed { .. }
            | Told::Conversation(_)
            | Told::Member { .. }
            | Told::Mark { .. }
            | Told::OwnCount { .. }
            | Told::OwnSettings { .. }
            | Told::OwnHidden { .. }
            | Told::Contact(_)
            | Told::OwnKeyPackages { .. }
            | Told::Webhook(_) => None,
        };
        for (user, listeners) in concerned {
            let pushed = match fresh {
                Some(fresh) => Some(fresh.as_seen_by(user, position)),
                None => self.renderer.render(user, position, told).await?,
            };
            if let Some(pushed) = pushed {
                audience.queue(&listeners, &pushed);
            }
        }
        Ok(())
    }
}
