//! Events of second factors, devices, failed sign-ins and audits.

use tidings_domain::{
    ConversationId, MessageId, Personal,
    access::{AccessEvent, AccessFilter, ContentAccessed, Shown},
    attempts::{AttemptsEvent, SignInRecognized, SignInsFailed},
    devices::{DevicePublished, DeviceRemoved, DevicesEvent, KeyPackageClaimed, PublishedKeys},
    factor::{FactorEvent, RecoveryCodeUsed, TotpCodeUsed, TotpDisabled, TotpEnabled, TotpOffered},
    hold::{HoldEvent, HoldPlaced, HoldReleased, HoldTarget},
    session::TokenHash,
    values::{TOTP_SECRET_BYTES, TotpSecret},
};

use uuid::Uuid;

use crate::examples::{AT, KEY, user, valid};

pub(crate) fn factors() -> Vec<FactorEvent> {
    let secret = Personal::Clear(TotpSecret::from_bytes([0xa7; TOTP_SECRET_BYTES]));
    let recovery_codes = Personal::Clear(vec![TokenHash([0xa7; 32]), TokenHash([0x7a; 32])]);
    vec![
        TotpOffered { key: KEY, at: AT, secret }.into(),
        TotpEnabled { key: KEY, step: 36_684_036, at: AT, recovery_codes }.into(),
        TotpCodeUsed { step: 36_684_037, at: AT }.into(),
        RecoveryCodeUsed { which: 9, at: AT }.into(),
        TotpDisabled { at: AT }.into(),
    ]
}

pub(crate) fn holds() -> Vec<HoldEvent> {
    let (one, other) = (HoldTarget::Conversation(ConversationId::new(Uuid::from_u128(3))), HoldTarget::User(user(2)));
    let reason = || Personal::Clear(valid("case 12/2026"));
    vec![
        HoldPlaced { target: one, by: Some(user(1)), at: AT, key: KEY, reason: reason() }.into(),
        HoldPlaced { target: other, by: None, at: AT, key: KEY, reason: reason() }.into(),
        HoldReleased { target: one, by: Some(user(1)), at: AT }.into(),
        HoldReleased { target: other, by: None, at: AT }.into(),
    ]
}

pub(crate) fn devices() -> Vec<DevicesEvent> {
    let full = PublishedKeys {
        device: valid("phone"),
        identity_key: valid("AAAA"),
        key_packages: vec![valid("AAAB"), valid("AAAC")],
        fallback: Some(valid("AAAD")),
    };
    let bare = PublishedKeys { key_packages: vec![], fallback: None, ..full.clone() };
    vec![
        DevicePublished {
            key: KEY,
            device: 1,
            fresh: true,
            marks: vec![u64::MAX, 7],
            fallback_mark: Some(9),
            left: 2,
            at: AT,
            keys: Personal::Clear(full),
        }
        .into(),
        DevicePublished {
            key: KEY,
            device: 1,
            fresh: false,
            marks: vec![],
            fallback_mark: None,
            left: 0,
            at: AT,
            keys: Personal::Clear(bare),
        }
        .into(),
        KeyPackageClaimed { device: 1, published: 1, nth: 0, left: 1, by: user(2), at: AT }.into(),
        DeviceRemoved { device: 1, at: AT }.into(),
    ]
}

pub(crate) fn attempts() -> Vec<AttemptsEvent> {
    vec![SignInsFailed { more: 5, at: AT }.into(), SignInRecognized { at: AT }.into()]
}

pub(crate) fn accesses() -> Vec<AccessEvent> {
    let conversation = ConversationId::new(Uuid::from_u128(3));
    let bare = ContentAccessed::new(user(2), AT, Shown::Log);
    let filter = AccessFilter {
        stream: Some(format!("conversation-{conversation}")),
        category: Some("conversation".to_owned()),
        event: Some("message_sent".to_owned()),
        actor: Some(user(1)),
        since: Some(AT),
        until: Some(AT),
    };
    let full = ContentAccessed {
        shown: Shown::Message,
        users: vec![user(1)],
        conversation: Some(conversation),
        message: Some(MessageId { conversation, seq: 7, version: 19 }),
        as_of: Some(99),
        filter: Some(filter),
        ..bare.clone()
    };
    let shown = |shown| AccessEvent::from(ContentAccessed { shown, ..bare.clone() });
    vec![
        full.into(),
        ContentAccessed { everybody: true, ..bare.clone() }.into(),
        shown(Shown::Protocol),
        shown(Shown::Conversation),
        shown(Shown::Members),
        shown(Shown::Messages),
        shown(Shown::Inbox),
        shown(Shown::Account),
        shown(Shown::Directory),
    ]
}
