//! The routes, one file for each subject, with what they take and answer beside them.
//!
//! A handler takes an extractor for who asks ([`crate::app::Acting`] to do something, [`crate::app::Reading`] to ask the
//! views), what the path, query and body say, and is about ten lines.

mod accesses;
mod admin;
mod attachments;
mod audit;
mod audit_events;
mod audit_exports;
mod audit_life;
mod audit_past;
mod audit_people;
mod blocks;
mod contacts;
mod conversations;
mod devices;
mod erasures;
mod exports;
mod files;
mod holds;
mod live;
mod live_socket;
mod made;
mod me;
mod members;
mod message_actions;
mod messages;
mod offices;
mod past;
mod pins;
mod projections;
mod reading;
mod received;
mod retention;
mod scheduled;
mod search;
mod second_factor;
mod sending;
mod sessions;
mod shapes;
mod signing_in;
mod starting;
mod texts;
mod unread;
mod users;
mod webhook_body;
mod webhooks;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

pub use accesses::AccessBody;
pub use attachments::UPLOADS;
pub use blocks::BlockBody;
pub use contacts::ContactBody;
pub use devices::DeviceBody;
pub use exports::ExportBody;
pub use files::AttachmentBody;
pub use me::OwnProfile;
pub use scheduled::ScheduledBody;
pub use shapes::{
    ConversationBody, ConversationUnreadBody, List, MemberBody, MessageBody, ReactionBody, UserRefBody, shown,
    shown_option,
};
pub use texts::EmojiText;
pub use users::Profile;
pub use webhook_body::WebhookBody;

/// All routes below `/v1`, with their documentation.
pub fn all() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(users::routes())
        .merge(me::routes())
        .merge(exports::routes())
        .merge(audit_exports::routes())
        .merge(accesses::routes())
        .merge(signing_in::routes())
        .merge(sessions::routes())
        .merge(second_factor::routes())
        .merge(devices::routes())
        .merge(erasures::routes())
        .merge(starting::routes())
        .merge(conversations::routes())
        .merge(members::routes())
        .merge(retention::routes())
        .merge(reading::routes())
        .merge(pins::routes())
        .merge(sending::routes())
        .merge(attachments::routes())
        .merge(messages::routes())
        .merge(message_actions::routes())
        .merge(received::routes())
        .merge(search::routes())
        .merge(scheduled::routes())
        .merge(unread::routes())
        .merge(contacts::routes())
        .merge(blocks::routes())
        .merge(live::routes())
        .merge(live_socket::routes())
        .merge(webhooks::routes())
        .merge(projections::routes())
        .merge(admin::routes())
        .merge(audit::routes())
        .merge(audit_events::routes())
        .merge(audit_life::routes())
        .merge(audit_past::routes())
        .merge(audit_people::routes())
        .merge(holds::routes())
}
