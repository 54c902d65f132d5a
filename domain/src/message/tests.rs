use super::*;
use crate::{
    AttachmentId, Decider, KeyId, Personal, Timestamp, UserId,
    attachment::AttachmentRef,
    conversation::MessageContent,
    values::{Body, Emoji, Retention, Subject},
};
use uuid::Uuid;

const AT: Timestamp = Timestamp::from_millis(1_000);
const SENDER: u128 = 1;
const RECEIVER: u128 = 2;

fn user(n: u128) -> UserId {
    UserId::new(Uuid::from_u128(n))
}

fn says(body: &str) -> MessageContent {
    MessageContent { subject: None, body: Some(Body::parse(body).unwrap()) }
}

fn emoji(text: &str) -> Emoji {
    Emoji::parse(text).unwrap()
}

fn edited(content: MessageContent) -> MessageEvent {
    let content = Personal::Clear(content);
    let (key, author_key) = (KeyId(7), KeyId(8));
    MessageEdited { by: user(SENDER), at: AT, key, author_key, mentions: vec![], content }.into()
}

fn deleted() -> MessageEvent {
    MessageDeleted { by: Some(user(SENDER)), at: AT, key: KeyId(7), attachments: vec![], retention: None }.into()
}

fn kept() -> Retention {
    Retention::of_seconds(1).unwrap()
}

fn expired() -> MessageEvent {
    MessageDeleted { by: None, at: AT, key: KeyId(7), attachments: vec![], retention: Some(kept()) }.into()
}

fn erased(reason: ErasureReason, by: Option<UserId>) -> MessageEvent {
    MessageErased { reason, by, asked_at: AT, at: AT, key: KeyId(7), attachments: vec![] }.into()
}

fn reacted(by: u128, with: &str) -> MessageEvent {
    ReactionAdded { user: user(by), emoji: emoji(with), at: AT }.into()
}

fn unreacted(by: u128, with: &str) -> MessageEvent {
    ReactionRemoved { user: user(by), emoji: emoji(with), at: AT }.into()
}

fn pinned(by: u128) -> MessageEvent {
    MessagePinned { by: user(by), at: AT }.into()
}

fn unpinned(by: u128) -> MessageEvent {
    MessageUnpinned { by: user(by), at: AT }.into()
}

fn edit(content: MessageContent) -> MessageAction {
    MessageAction::Edit { content, mentions: vec![] }
}

fn react(with: &str) -> MessageAction {
    MessageAction::React(emoji(with))
}

fn unreact(with: &str) -> MessageAction {
    MessageAction::Unreact(emoji(with))
}

/// The message said "hello" first, unless that is withheld.
fn when_it_said(
    content: Personal<MessageContent>,
    given: &[MessageEvent],
    by: u128,
    action: MessageAction,
) -> Result<Vec<MessageEvent>, MessageRefusal> {
    let (key, author_key) = (KeyId(7), KeyId(8));
    let sent_at = Timestamp::from_millis(0);
    let origin = Origin { sender: user(SENDER), sent_at, key, author_key, attachments: vec![], content };
    let command = MessageCommand { by: user(by), origin, at: AT, action };
    MessageDecider::decide(&MessageDecider::fold(given), &command)
}

fn when(given: &[MessageEvent], by: u128, action: MessageAction) -> Result<Vec<MessageEvent>, MessageRefusal> {
    when_it_said(Personal::Clear(says("hello")), given, by, action)
}

#[test]
fn a_sender_edits_a_message_as_often_as_it_differs() {
    let (one, two) = (edited(says("one")), edited(says("two")));
    assert_eq!(when(&[], SENDER, edit(says("one"))), Ok(vec![one.clone()]));
    assert_eq!(when(std::slice::from_ref(&one), SENDER, edit(says("one"))), Ok(vec![]));
    assert_eq!(when(&[one.clone(), two.clone()], SENDER, edit(says("one"))), Ok(vec![one.clone()]));
    assert_eq!(when(std::slice::from_ref(&one), SENDER, edit(says("hello"))), Ok(vec![edited(says("hello"))]));
    assert_eq!(MessageDecider::fold(&[one, two]).edits, 2);
}

#[test]
fn an_edit_that_changes_nothing_is_none() {
    assert_eq!(when(&[], SENDER, edit(says("hello"))), Ok(vec![]));
    let with_subject = MessageContent { subject: Some(Subject::parse("greeting").unwrap()), ..says("hello") };
    assert_eq!(when(&[], SENDER, edit(with_subject.clone())), Ok(vec![edited(with_subject)]));
    let withheld = when_it_said(Personal::Withheld, &[], SENDER, edit(says("hello")));
    assert_eq!(withheld, Ok(vec![edited(says("hello"))]));
}

#[test]
fn an_edit_records_whom_it_mentions_now() {
    let action = MessageAction::Edit { content: says("@ada"), mentions: vec![user(RECEIVER)] };
    let events = when(&[], SENDER, action).unwrap();
    let [MessageEvent::Edited(event)] = events.as_slice() else { panic!("one edit, not {events:?}") };
    assert_eq!(event.mentions, [user(RECEIVER)]);
}

#[test]
fn only_the_sender_edits_or_deletes_for_everyone() {
    for given in [vec![], vec![deleted()]] {
        assert_eq!(when(&given, RECEIVER, edit(says("mine"))), Err(MessageRefusal::NotTheSender));
        assert_eq!(when(&given, RECEIVER, MessageAction::Delete), Err(MessageRefusal::NotTheSender));
    }
}

#[test]
fn a_message_is_deleted_once() {
    assert_eq!(when(&[], SENDER, MessageAction::Delete), Ok(vec![deleted()]));
    assert_eq!(when(&[deleted()], SENDER, MessageAction::Delete), Ok(vec![]));
}

#[test]
fn a_rule_deletes_what_it_does_not_keep_once() {
    assert_eq!(when(&[], SENDER, MessageAction::Expire(kept())), Ok(vec![expired()]));
    for given in [expired(), deleted()] {
        assert_eq!(when(&[given], SENDER, MessageAction::Expire(kept())), Ok(vec![]));
    }
    let longer = Retention::of_seconds(2).unwrap();
    assert_eq!(when(&[], SENDER, MessageAction::Expire(longer)), Err(MessageRefusal::StillKept));
    assert_eq!(when(&[expired()], SENDER, MessageAction::Delete), Ok(vec![]));
}

#[test]
fn an_erasure_has_one_receipt_that_says_who_asked_and_why() {
    let by_sender = erased(ErasureReason::DeletedBySender, Some(user(SENDER)));
    assert_eq!(when(&[deleted()], SENDER, MessageAction::NoteErased), Ok(vec![by_sender.clone()]));
    let by_rule = erased(ErasureReason::Retention, None);
    assert_eq!(when(&[expired()], SENDER, MessageAction::NoteErased), Ok(vec![by_rule]));
    assert_eq!(when(&[deleted(), by_sender], SENDER, MessageAction::NoteErased), Ok(vec![]));
    assert_eq!(when(&[], SENDER, MessageAction::NoteErased), Err(MessageRefusal::NotDeleted));
}

#[test]
fn what_was_attached_goes_with_the_message() {
    let attachments = vec![AttachmentRef { id: AttachmentId::new(Uuid::from_u128(3)), key: KeyId(9) }];
    let (key, author_key, content) = (KeyId(7), KeyId(8), Personal::Withheld);
    let attached = attachments.clone();
    let origin = Origin { sender: user(SENDER), sent_at: AT, key, author_key, attachments: attached, content };
    let command = MessageCommand { by: user(SENDER), origin, at: AT, action: MessageAction::Delete };
    let gone = MessageDeleted { by: Some(user(SENDER)), at: AT, key, attachments, retention: None };
    assert_eq!(MessageDecider::decide(&Message::default(), &command), Ok(vec![gone.into()]));
}

#[test]
fn nothing_new_happens_to_a_deleted_message() {
    let given = [reacted(RECEIVER, "👍"), pinned(SENDER), deleted()];
    for action in [react("👍"), react("🎉"), MessageAction::Pin, edit(says("again"))] {
        assert_eq!(when(&given, SENDER, action.clone()), Err(MessageRefusal::Deleted), "{action:?}");
    }
    for action in [unreact("👍"), MessageAction::Unpin] {
        assert_eq!(when(&given, RECEIVER, action.clone()), Ok(vec![]), "{action:?}");
    }
}

#[test]
fn a_deleted_message_keeps_nothing() {
    let given = [edited(says("one")), reacted(RECEIVER, "👍"), pinned(SENDER), deleted()];
    assert_eq!(MessageDecider::fold(&given), MessageDecider::fold(&[deleted()]));
    assert!(MessageDecider::fold(&given).edited.is_none());
}

#[test]
fn a_reaction_counts_once_per_person_and_emoji() {
    assert_eq!(when(&[], RECEIVER, react("👍")), Ok(vec![reacted(RECEIVER, "👍")]));
    let given = [reacted(RECEIVER, "👍")];
    assert_eq!(when(&given, RECEIVER, react("👍")), Ok(vec![]));
    assert_eq!(when(&given, SENDER, react("👍")), Ok(vec![reacted(SENDER, "👍")]));
    assert_eq!(when(&given, RECEIVER, react("👍🏽")), Ok(vec![reacted(RECEIVER, "👍🏽")]));
}

#[test]
fn people_take_back_only_their_own_reactions() {
    let given = [reacted(RECEIVER, "👍")];
    assert_eq!(when(&given, SENDER, unreact("👍")), Ok(vec![]));
    assert_eq!(when(&given, RECEIVER, unreact("🎉")), Ok(vec![]));
    assert_eq!(when(&given, RECEIVER, unreact("👍")), Ok(vec![unreacted(RECEIVER, "👍")]));
    let given = [reacted(RECEIVER, "👍"), unreacted(RECEIVER, "👍")];
    assert_eq!(when(&given, RECEIVER, unreact("👍")), Ok(vec![]));
    assert_eq!(MessageDecider::fold(&given), Message::default());
}

#[test]
fn a_message_has_at_most_a_hundred_different_reactions() {
    let all: Vec<&str> = emojis::iter().map(emojis::Emoji::as_str).take(MAX_DIFFERENT_REACTIONS + 1).collect();
    let (last, others) = all.split_last().unwrap();
    let mut given: Vec<_> = others.iter().map(|emoji| reacted(SENDER, emoji)).collect();
    assert_eq!(when(&given, RECEIVER, react(last)), Err(MessageRefusal::TooManyReactions));
    assert_eq!(when(&given, RECEIVER, react(others[0])), Ok(vec![reacted(RECEIVER, others[0])]));
    given.push(unreacted(SENDER, others[0]));
    assert_eq!(when(&given, RECEIVER, react(last)), Ok(vec![reacted(RECEIVER, last)]));
}

#[test]
fn a_message_is_pinned_and_unpinned_once() {
    assert_eq!(when(&[], SENDER, MessageAction::Unpin), Ok(vec![]));
    assert_eq!(when(&[], SENDER, MessageAction::Pin), Ok(vec![pinned(SENDER)]));
    let given = [pinned(SENDER)];
    assert_eq!(when(&given, RECEIVER, MessageAction::Pin), Ok(vec![]));
    assert_eq!(when(&given, RECEIVER, MessageAction::Unpin), Ok(vec![unpinned(RECEIVER)]));
    let given = [pinned(SENDER), unpinned(RECEIVER)];
    assert_eq!(when(&given, SENDER, MessageAction::Unpin), Ok(vec![]));
    assert_eq!(when(&given, SENDER, MessageAction::Pin), Ok(vec![pinned(SENDER)]));
}
