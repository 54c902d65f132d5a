//! What may be done with a webhook.

use serde::{Deserialize, Serialize};

use super::{
    Delivery, PausedBecause, WebhookChanged, WebhookCreated, WebhookDeleted, WebhookDelivered, WebhookEvent,
    WebhookFailing, WebhookMoved, WebhookPaused, WebhookResumed, WebhookSecretRotated,
};
use crate::{
    ConversationId, Decider, KeyId, Personal, Timestamp, UserId,
    values::{WebhookSecret, WebhookTopic, WebhookUrl},
};

/// How long a secret signs beside the one that replaced it, in milliseconds: a day.
const OVERLAP: i64 = 24 * 3_600_000;

/// Where to, and signed by what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Where to.
    pub url: WebhookUrl,
    /// What signs.
    pub secret: WebhookSecret,
}

/// A secret that was replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviousSecret {
    /// What signs beside the present one.
    pub secret: WebhookSecret,
    /// Until then.
    pub until: Timestamp,
}

/// What its owner can change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Told of these.
    pub topics: Vec<WebhookTopic>,
    /// Told of this conversation only.
    pub conversation: Option<ConversationId>,
}

/// A webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// Whose.
    pub owner: UserId,
    /// The key of that person's data.
    pub key: KeyId,
    /// What it tells of.
    pub settings: Settings,
    /// None once its owner is forgotten.
    pub target: Option<Target>,
    /// The secret that was replaced last.
    pub previous: Option<PreviousSecret>,
    /// Why nothing is delivered, if so.
    pub paused: Option<PausedBecause>,
    /// All up to here is delivered, or was not for it.
    pub cursor: u64,
    /// How often it was told to go on from elsewhere: progress made from before counts no more.
    pub moves: u32,
    /// Since when deliveries fail.
    pub failing_since: Option<Timestamp>,
    /// Whether it is gone.
    pub deleted: bool,
}

/// `None` before it was created.
pub type WebhookState = Option<Webhook>;

/// What may be asked of a webhook.
#[derive(Debug, Clone, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum WebhookCommand {
    /// Make one.
    Create {
        /// Whose.
        owner: UserId,
        /// The key of that person's data.
        key: KeyId,
        /// Told of what happens after this.
        from: u64,
        /// What it tells of.
        settings: Settings,
        /// Where to.
        target: Target,
        /// Now.
        at: Timestamp,
    },
    /// What its owner changes, all at once.
    Change {
        /// Who asks.
        by: UserId,
        /// Where to; none leaves it.
        url: Option<WebhookUrl>,
        /// Told of what; none leaves it.
        topics: Option<Vec<WebhookTopic>>,
        /// Told of which conversation; none leaves it.
        conversation: Option<Option<ConversationId>>,
        /// Another secret.
        secret: Option<WebhookSecret>,
        /// Go on from here.
        from: Option<u64>,
        /// Stop or go on.
        paused: Option<bool>,
        /// Now.
        at: Timestamp,
    },
    /// Remove it.
    Delete {
        /// Who asks.
        by: UserId,
        /// Now.
        at: Timestamp,
    },
    /// Note how far deliveries have come.
    NoteDelivered {
        /// As of the state that was worked from: [`Webhook::moves`].
        moves: u32,
        /// All up to here.
        up_to: u64,
        /// The last few.
        recent: Vec<Delivery>,
        /// Now.
        at: Timestamp,
    },
    /// Note that deliveries fail.
    NoteFailing(WebhookFailing),
    /// Give the receiver up.
    GiveUp {
        /// Why.
        because: PausedBecause,
        /// Now.
        at: Timestamp,
    },
}

/// Why a webhook does not do what it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookRefusal {
    /// It never was, is gone, or is somebody else's.
    #[error("there is no such webhook")]
    NoSuchWebhook,
}

/// Decides about webhooks.
#[derive(Debug)]
pub struct WebhookDecider;

impl Decider for WebhookDecider {
    type Command = WebhookCommand;
    type Event = WebhookEvent;
    type State = WebhookState;
    type Refusal = WebhookRefusal;

    fn name(command: &WebhookCommand) -> &'static str {
        command.into()
    }

    fn decide(state: &WebhookState, command: &WebhookCommand) -> Result<Vec<WebhookEvent>, WebhookRefusal> {
        let Some(webhook) = state else {
            return match command {
                WebhookCommand::Create { owner, key, from, settings, target, at } => {
                    let Settings { topics, conversation } = settings.clone();
                    let target = Personal::Clear(target.clone());
                    let (owner, key, from, at) = (*owner, *key, *from, *at);
                    Ok(vec![WebhookCreated { owner, key, from, topics, conversation, at, target }.into()])
                }
                WebhookCommand::Change { .. }
                | WebhookCommand::Delete { .. }
                | WebhookCommand::NoteDelivered { .. }
                | WebhookCommand::NoteFailing(_)
                | WebhookCommand::GiveUp { .. } => Err(WebhookRefusal::NoSuchWebhook),
            };
        };
        if webhook.deleted {
            return match command {
                // told again, and nothing to note about what is gone
                WebhookCommand::Delete { by, .. } if *by == webhook.owner => Ok(vec![]),
                WebhookCommand::NoteDelivered { .. }
                | WebhookCommand::NoteFailing(_)
                | WebhookCommand::GiveUp { .. } => Ok(vec![]),
                WebhookCommand::Create { .. } | WebhookCommand::Change { .. } | WebhookCommand::Delete { .. } => {
                    Err(WebhookRefusal::NoSuchWebhook)
                }
            };
        }
        match command {
            WebhookCommand::Create { .. } => Ok(vec![]),
            WebhookCommand::Change { by, .. } | WebhookCommand::Delete { by, .. } if *by != webhook.owner => {
                Err(WebhookRefusal::NoSuchWebhook)
            }
            WebhookCommand::Change { .. } => Ok(change(webhook, command)),
            WebhookCommand::Delete { at, .. } => Ok(vec![WebhookDeleted { at: *at }.into()]),
            WebhookCommand::NoteDelivered { moves, up_to, recent, at } => {
                let news = *moves == webhook.moves && (*up_to > webhook.cursor || webhook.failing_since.is_some());
                let event = || WebhookDelivered { up_to: *up_to, recent: recent.clone(), at: *at }.into();
                Ok(news.then(event).into_iter().collect())
            }
            WebhookCommand::NoteFailing(failing) => {
                let news = webhook.failing_since.is_none() && webhook.paused.is_none();
                Ok(news.then(|| failing.clone().into()).into_iter().collect())
            }
            WebhookCommand::GiveUp { because, at } => {
                let event = || WebhookPaused { because: *because, at: *at }.into();
                Ok(webhook.paused.is_none().then(event).into_iter().collect())
            }
        }
    }

    fn evolve(state: &mut WebhookState, event: &WebhookEvent) {
        match (state, event) {
            (state @ None, WebhookEvent::Created(event)) => {
                *state = Some(Webhook {
                    owner: event.owner,
                    key: event.key,
                    settings: Settings { topics: event.topics.clone(), conversation: event.conversation },
                    target: event.target.clear().cloned(),
                    previous: None,
                    paused: None,
                    cursor: event.from,
                    moves: 0,
                    failing_since: None,
                    deleted: false,
                });
            }
            (Some(webhook), event) => follow(webhook, event),
            (None, _) => {}
        }
    }
}

/// What follows from a change: an event for each thing that is not so yet.
fn change(webhook: &Webhook, command: &WebhookCommand) -> Vec<WebhookEvent> {
    let WebhookCommand::Change { url, topics, conversation, secret, from, paused, at, .. } = command else {
        return vec![];
    };
    let (key, at) = (webhook.key, *at);
    let mut events = vec![];
    let was = webhook.target.as_ref().map(|target| &target.url);
    let settings = Settings {
        topics: topics.clone().unwrap_or_else(|| webhook.settings.topics.clone()),
        conversation: conversation.unwrap_or(webhook.settings.conversation),
    };
    let now = url.as_ref().or(was);
    if now != was || settings != webhook.settings {
        let Settings { topics, conversation } = settings;
        let url = now.cloned().map_or(Personal::Withheld, Personal::Clear);
        events.push(WebhookChanged { key, topics, conversation, at, url }.into());
    }
    if let Some(secret) = secret {
        let secret = Personal::Clear(secret.clone());
        events.push(WebhookSecretRotated { key, until: at.plus_millis(OVERLAP), at, secret }.into());
    }
    if let Some(to) = from {
        events.push(WebhookMoved { to: *to, at }.into());
    }
    match (paused, webhook.paused) {
        (Some(true), None) => events.push(WebhookPaused { because: PausedBecause::Owner, at }.into()),
        (Some(false), Some(_)) => events.push(WebhookResumed { at }.into()),
        (Some(true) | None, Some(_)) | (Some(false) | None, None) => {}
    }
    events
}

fn follow(webhook: &mut Webhook, event: &WebhookEvent) {
    match event {
        WebhookEvent::Created(_) => {}
        WebhookEvent::Changed(event) => {
            webhook.settings = Settings { topics: event.topics.clone(), conversation: event.conversation };
            match (&mut webhook.target, event.url.clear()) {
                (Some(target), Some(url)) => target.url = url.clone(),
                (target, _) => *target = None,
            }
        }
        WebhookEvent::SecretRotated(event) => match (&mut webhook.target, event.secret.clear()) {
            (Some(target), Some(secret)) => {
                let secret = std::mem::replace(&mut target.secret, secret.clone());
                webhook.previous = Some(PreviousSecret { secret, until: event.until });
            }
            (target, _) => *target = None,
        },
        WebhookEvent::Paused(event) => webhook.paused = Some(event.because),
        WebhookEvent::Resumed(_) => {
            (webhook.paused, webhook.failing_since, webhook.moves) = (None, None, webhook.moves.saturating_add(1));
        }
        WebhookEvent::Moved(event) => (webhook.cursor, webhook.moves) = (event.to, webhook.moves.saturating_add(1)),
        WebhookEvent::Delivered(event) => (webhook.cursor, webhook.failing_since) = (event.up_to, None),
        WebhookEvent::Failing(event) => webhook.failing_since = Some(event.since),
        WebhookEvent::Deleted(_) => (webhook.deleted, webhook.target, webhook.previous) = (true, None, None),
    }
}
