//! A webhook: an address to which what its owner may see live is posted, in order, from where it has come to.
//!
//! How far deliveries have come stands in the log, now and then: who takes over after a crash goes on from there, and may
//! deliver once more what was delivered since.

mod decide;
mod events;
#[cfg(test)]
mod tests;

pub use decide::{
    PreviousSecret, Settings, Target, Webhook, WebhookCommand, WebhookDecider, WebhookRefusal, WebhookState,
};
pub use events::{
    Delivery, PausedBecause, WebhookChanged, WebhookCreated, WebhookDeleted, WebhookDelivered, WebhookEvent,
    WebhookFailing, WebhookMoved, WebhookPaused, WebhookResumed, WebhookSecretRotated,
};
