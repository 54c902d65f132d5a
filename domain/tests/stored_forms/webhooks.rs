//! Events of webhooks.

use tidings_domain::{
    ConversationId, Personal,
    values::{WebhookSecret, WebhookTopic},
    webhook::{
        Delivery, PausedBecause, Target, WebhookChanged, WebhookCreated, WebhookDeleted, WebhookDelivered,
        WebhookEvent, WebhookFailing, WebhookMoved, WebhookPaused, WebhookResumed, WebhookSecretRotated,
    },
};
use uuid::Uuid;

use crate::examples::{AT, KEY, user, valid};

pub(crate) fn webhooks() -> Vec<WebhookEvent> {
    let conversation = Some(ConversationId::new(Uuid::from_u128(3)));
    let secret = || WebhookSecret::from_bytes(&[0xa7; 32]);
    let created = |topics, conversation| {
        let target = Personal::Clear(Target { url: valid("https://example.org/hook"), secret: secret() });
        WebhookCreated { owner: user(1), key: KEY, from: 7, topics, conversation, at: AT, target }
    };
    let changed = |conversation| {
        let (topics, url) = (vec![WebhookTopic::Message], Personal::Clear(valid("http://example.org/")));
        WebhookChanged { key: KEY, topics, conversation, at: AT, url }
    };
    let failing =
        |status, reason: &str| WebhookFailing { position: 9, since: AT, status, reason: reason.to_owned(), at: AT };
    let delivery = Delivery { position: 9, topic: WebhookTopic::Reaction, status: 204, attempts: 2, at: AT };
    vec![
        created(WebhookTopic::ALL.to_vec(), conversation).into(),
        created(vec![WebhookTopic::Message], None).into(),
        changed(conversation).into(),
        changed(None).into(),
        WebhookSecretRotated { key: KEY, until: AT, at: AT, secret: Personal::Clear(secret()) }.into(),
        WebhookPaused { because: PausedBecause::Owner, at: AT }.into(),
        WebhookPaused { because: PausedBecause::Gone, at: AT }.into(),
        WebhookPaused { because: PausedBecause::Failing, at: AT }.into(),
        WebhookResumed { at: AT }.into(),
        WebhookMoved { to: 5, at: AT }.into(),
        WebhookDelivered { up_to: 9, recent: vec![delivery], at: AT }.into(),
        WebhookDelivered { up_to: 9, recent: vec![], at: AT }.into(),
        failing(Some(500), "500 Internal Server Error").into(),
        failing(None, "no connection").into(),
        WebhookDeleted { at: AT }.into(),
    ]
}
