use super::*;
use crate::{
    ConversationId, Decider, KeyId, Personal, Timestamp, UserId,
    values::{ContentType, FileName},
};
use uuid::Uuid;

const UPLOADED: Timestamp = Timestamp::from_millis(1_000);
const LATER: Timestamp = Timestamp::from_millis(2_000);
const OWNER: u128 = 1;
const OTHER: u128 = 2;

fn user(n: u128) -> UserId {
    UserId::new(Uuid::from_u128(n))
}

fn conversation() -> ConversationId {
    ConversationId::new(Uuid::from_u128(9))
}

fn details() -> AttachmentDetails {
    AttachmentDetails {
        name: FileName::parse("cat.gif").ok(),
        media_type: ContentType::parse("image/gif").unwrap(),
        size: 10,
        dimensions: Some(Dimensions { width: 2, height: 1 }),
        thumbnail: None,
    }
}

fn uploaded() -> AttachmentUploaded {
    let (key, author_key) = (KeyId(7), KeyId(8));
    AttachmentUploaded { uploader: user(OWNER), at: UPLOADED, key, author_key, details: Personal::Clear(details()) }
}

fn sending(n: u8) -> Sending {
    Sending::from([n; 16])
}

fn attach(by: u128, n: u8) -> AttachmentCommand {
    AttachmentCommand::Attach { by: user(by), conversation: conversation(), sending: sending(n), at: LATER }
}

fn attached(n: u8) -> AttachmentEvent {
    AttachmentAttached { conversation: conversation(), sending: sending(n), at: LATER }.into()
}

fn detached(n: u8) -> AttachmentEvent {
    AttachmentDetached { sending: sending(n), at: LATER }.into()
}

fn removed() -> AttachmentEvent {
    AttachmentRemoved { key: KeyId(7), at: LATER }.into()
}

fn collect(since: Timestamp) -> AttachmentCommand {
    AttachmentCommand::Collect { since, at: LATER }
}

fn when(given: &[AttachmentEvent], command: &AttachmentCommand) -> Result<Vec<AttachmentEvent>, AttachmentRefusal> {
    AttachmentDecider::decide(&AttachmentDecider::fold(given), command)
}

#[test]
fn a_file_is_uploaded_once() {
    let upload = || AttachmentCommand::Upload(uploaded());
    assert_eq!(when(&[], &upload()), Ok(vec![uploaded().into()]));
    assert_eq!(when(&[uploaded().into()], &upload()), Ok(vec![]));
    assert_eq!(when(&[uploaded().into(), removed()], &upload()), Ok(vec![]));
}

#[test]
fn its_uploader_puts_a_file_to_one_message() {
    let given = [uploaded().into()];
    assert_eq!(when(&given, &attach(OWNER, 1)), Ok(vec![attached(1)]));
    let given = [uploaded().into(), attached(1)];
    assert_eq!(when(&given, &attach(OWNER, 1)), Ok(vec![]));
    assert_eq!(when(&given, &attach(OWNER, 2)), Err(AttachmentRefusal::AlreadyUsed));
}

#[test]
fn a_file_of_somebody_else_or_none_is_not_there() {
    let nothing = Err(AttachmentRefusal::NoSuchAttachment);
    assert_eq!(when(&[], &attach(OWNER, 1)), nothing);
    assert_eq!(when(&[uploaded().into()], &attach(OTHER, 1)), nothing);
    assert_eq!(when(&[uploaded().into(), attached(1)], &attach(OTHER, 1)), nothing);
    assert_eq!(when(&[uploaded().into(), removed()], &attach(OWNER, 1)), nothing);
}

#[test]
fn a_file_is_given_back_by_the_sending_that_has_it() {
    let detach = |n| AttachmentCommand::Detach { sending: sending(n), at: LATER };
    let given = [uploaded().into(), attached(1)];
    assert_eq!(when(&given, &detach(2)), Ok(vec![]));
    assert_eq!(when(&given, &detach(1)), Ok(vec![detached(1)]));
    let given = [uploaded().into(), attached(1), detached(1)];
    assert_eq!(when(&given, &detach(1)), Ok(vec![]));
    assert_eq!(when(&given, &attach(OWNER, 2)), Ok(vec![attached(2)]));
}

#[test]
fn a_file_is_removed_once_and_keeps_nothing() {
    let remove = || AttachmentCommand::Remove { at: LATER };
    assert_eq!(when(&[], &remove()), Ok(vec![]));
    assert_eq!(when(&[uploaded().into(), attached(1)], &remove()), Ok(vec![removed()]));
    let given = [uploaded().into(), removed()];
    assert_eq!(when(&given, &remove()), Ok(vec![]));
    assert_eq!(AttachmentDecider::fold(&given).unwrap().details, None);
}

#[test]
fn only_what_lay_about_for_long_is_collected() {
    let after = |time: Timestamp| Timestamp::from_millis(time.millis() + 1);
    let given = [uploaded().into()];
    assert_eq!(when(&given, &collect(UPLOADED)), Ok(vec![]));
    assert_eq!(when(&given, &collect(after(UPLOADED))), Ok(vec![removed()]));
    let given = [uploaded().into(), attached(1)];
    assert_eq!(when(&given, &collect(LATER)), Ok(vec![]));
    assert_eq!(when(&given, &collect(after(LATER))), Ok(vec![removed()]));
    assert_eq!(when(&[uploaded().into(), removed()], &collect(after(LATER))), Ok(vec![]));
}
