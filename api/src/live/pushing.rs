//! From the log to the queues of those who listen: in its order, messages ahead of the views, all else behind them.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
};

use tidings_domain::{MessageId, StreamId, UserId};
use tidings_event_store::{Position, RecordedEvent};

use super::{
    Pushed,
    audience::{Audience, ListenerId},
    fresh::{Fresh, is_message},
    happened::{Membership, Told, Whom},
    hub::{Hub, State},
    render::{Happened, RenderError},
};

/// Events looked at in one go.
const PAGE: usize = 1_000;
/// Events whose messages are asked for at once: so many bodies are in memory.
const TOGETHER: usize = 100;

fn concerns(audience: &Audience, recorded: &RecordedEvent) -> bool {
    let Ok(stream) = recorded.stream.id() else { return false };
    // unlike everything else that happens in a conversation, a message makes nobody listen
    if let StreamId::Conversation(conversation) = stream
        && is_message(recorded)
    {
        return audience.listen_to(conversation);
    }
    audience.concerns(&stream)
}

impl Hub {
    /// Pushes what the log has up to `to`, but for what has to be rendered from the views, which have come to `viewed`, and
    /// what is behind that.
    pub(super) async fn advance(&self, to: Position, viewed: Position) {
        let mut state = self.state.lock().await;
        let mut waits_for = None;
        while state.position < to && waits_for.is_none() && !self.stopping.load(Ordering::Acquire) {
            if state.audience.is_empty() {
                state.position = to;
                break;
            }
            match self.push_page(&mut state, to, viewed).await {
                Ok(waits) => waits_for = waits,
                Err(error) => {
                    // Nobody is told less than all: they are cut off and resume from what they have.
                    tracing::error!(%error, "live push is interrupted");
                    state.audience.clear();
                }
            }
        }
        if let Some(position) = waits_for {
            self.want(position);
        }
        self.position.send_replace(state.position);
    }

    /// Answers where it stops because the views are not there yet.
    async fn push_page(
        &self,
        state: &mut State,
        to: Position,
        viewed: Position,
    ) -> Result<Option<Position>, RenderError> {
        let page = self.renderer.page(state.position, PAGE).await?;
        let there = page.events.partition_point(|recorded| recorded.position <= to);
        let seen = page.events[..there].partition_point(|recorded| recorded.position <= viewed);
        for events in page.events[..seen].chunks(TOGETHER) {
            if self.stopping.load(Ordering::Acquire) {
                return Ok(None);
            }
            self.push_together(&mut state.audience, events).await?;
        }
        for recorded in &page.events[seen..there] {
            if !self.push_ahead(&mut state.audience, recorded).await? {
                state.position = Position::new(recorded.position.get() - 1);
                return Ok(Some(recorded.position));
            }
        }
        // a page that reaches beyond was looked at up to `to` only; an empty one has nothing more before it
        state.position = if page.scanned_to > state.position { page.scanned_to.min(to) } else { to };
        Ok(None)
    }

    /// Pushes what the views do not show yet. `false` for what has to be rendered from them.
    async fn push_ahead(&self, audience: &mut Audience, recorded: &RecordedEvent) -> Result<bool, RenderError> {
        if !concerns(audience, recorded) {
            return Ok(true);
        }
        if !is_message(recorded) {
            let Some(happened) = self.renderer.understand(recorded).await else { return Ok(true) };
            if let Some(Membership::Joined(conversation, users)) = &happened.membership {
                audience.join(*conversation, users);
            }
            // what changes who listens needs no views, nor what nobody hears of
            let ahead = !happened.told.is_some_and(|told| audience.hears_of(told.whom()));
            if ahead {
                self.push(audience, &happened, &HashMap::new()).await?;
            }
            return Ok(ahead);
        }
        let Some(fresh) = self.just_sent(recorded).await? else { return Ok(false) };
        for (user, listeners) in audience.of(fresh.id().conversation, None) {
            self.hand_over(audience, user, &listeners, &fresh.as_seen_by(user, recorded.position));
        }
        Ok(true)
    }

    /// What a person is about to see, they find in the views.
    fn hand_over(&self, audience: &mut Audience, user: UserId, listeners: &[ListenerId], pushed: &Pushed) {
        if let Some(position) = pushed.position {
            self.consistency.acknowledge(user, position);
        }
        audience.queue(listeners, pushed);
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
                self.hand_over(audience, user, &listeners, &pushed);
            }
        }
        Ok(())
    }
}
