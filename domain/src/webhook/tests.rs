use uuid::Uuid;

use super::*;
use crate::{
    Decider, KeyId, Personal, Timestamp, UserId,
    values::{WebhookSecret, WebhookTopic, WebhookUrl},
};

const AT: Timestamp = Timestamp::from_millis(1_000);

fn ada() -> UserId {
    UserId::new(Uuid::from_u128(1))
}

fn url(text: &str) -> WebhookUrl {
    WebhookUrl::parse(text).unwrap()
}

fn created() -> WebhookEvent {
    let target = Target { url: url("https://example.org/a"), secret: WebhookSecret::from_bytes(&[1; 32]) };
    let topics = vec![WebhookTopic::Message];
    let target = Personal::Clear(target);
    WebhookCreated { owner: ada(), key: KeyId(7), from: 10, topics, conversation: None, at: AT, target }.into()
}

fn asked(by: UserId) -> WebhookCommand {
    WebhookCommand::Change {
        by,
        url: None,
        topics: None,
        conversation: None,
        secret: None,
        from: None,
        paused: None,
        at: AT,
    }
}

fn change(
    with: impl FnOnce(&mut Option<WebhookUrl>, &mut Option<WebhookSecret>, &mut Option<u64>, &mut Option<bool>),
) -> WebhookCommand {
    let mut command = asked(ada());
    if let WebhookCommand::Change { url, secret, from, paused, .. } = &mut command {
        with(url, secret, from, paused);
    }
    command
}

fn paused(because: PausedBecause) -> WebhookEvent {
    WebhookPaused { because, at: AT }.into()
}

fn moved(to: u64) -> WebhookEvent {
    WebhookMoved { to, at: AT }.into()
}

fn delivered(up_to: u64) -> WebhookEvent {
    WebhookDelivered { up_to, recent: vec![], at: AT }.into()
}

fn failing() -> WebhookFailing {
    WebhookFailing { position: 11, since: AT, status: Some(500), reason: "500".to_owned(), at: AT }
}

fn note(moves: u32, up_to: u64) -> WebhookCommand {
    WebhookCommand::NoteDelivered { moves, up_to, recent: vec![], at: AT }
}

#[track_caller]
fn decided(given: &[WebhookEvent], when: &WebhookCommand) -> Result<Vec<WebhookEvent>, WebhookRefusal> {
    WebhookDecider::decide(&WebhookDecider::fold(given), when)
}

fn names(events: &[WebhookEvent]) -> Vec<&'static str> {
    events.iter().map(crate::StoredEvent::name).collect()
}

#[test]
fn a_change_is_told_where_something_changes() {
    let given = [created()];
    assert_eq!(decided(&given, &asked(ada())), Ok(vec![]));
    assert_eq!(decided(&given, &change(|to, _, _, _| *to = Some(url("https://example.org/a")))), Ok(vec![]));
    let all = change(|to, secret, from, paused| {
        *to = Some(url("https://example.org/b"));
        *secret = Some(WebhookSecret::from_bytes(&[2; 32]));
        (*from, *paused) = (Some(0), Some(true));
    });
    let events = decided(&given, &all).unwrap();
    assert_eq!(names(&events), ["webhook_changed", "webhook_secret_rotated", "webhook_moved", "webhook_paused"]);
    let state = WebhookDecider::fold(given.iter().chain(&events)).unwrap();
    assert_eq!(state.target.unwrap().url, url("https://example.org/b"));
    assert_eq!(state.previous.unwrap().secret, WebhookSecret::from_bytes(&[1; 32]));
    assert_eq!((state.cursor, state.paused), (0, Some(PausedBecause::Owner)));
}

#[test]
fn nobody_else_may_touch_it_or_learn_of_it() {
    let bob = UserId::new(Uuid::from_u128(2));
    assert_eq!(decided(&[created()], &asked(bob)), Err(WebhookRefusal::NoSuchWebhook));
    assert_eq!(decided(&[created()], &WebhookCommand::Delete { by: bob, at: AT }), Err(WebhookRefusal::NoSuchWebhook));
    assert_eq!(decided(&[], &asked(ada())), Err(WebhookRefusal::NoSuchWebhook));
}

#[test]
fn what_is_deleted_stays_so() {
    let given = [created(), WebhookDeleted { at: AT }.into()];
    assert_eq!(decided(&given, &WebhookCommand::Delete { by: ada(), at: AT }), Ok(vec![]));
    assert_eq!(decided(&given, &asked(ada())), Err(WebhookRefusal::NoSuchWebhook));
    assert_eq!(decided(&given, &note(0, 20)), Ok(vec![]));
    assert_eq!(WebhookDecider::fold(&given).unwrap().target, None);
}

#[test]
fn progress_moves_forward_and_what_was_worked_from_before_a_move_counts_no_more() {
    assert_eq!(decided(&[created()], &note(0, 20)), Ok(vec![delivered(20)]));
    assert_eq!(decided(&[created(), delivered(20)], &note(0, 15)), Ok(vec![]));
    assert_eq!(decided(&[created(), moved(0)], &note(0, 20)), Ok(vec![]));
    assert_eq!(decided(&[created(), moved(0)], &note(1, 5)), Ok(vec![delivered(5)]));
}

#[test]
fn a_failure_is_noted_once_and_ends_with_a_delivery() {
    let noted = WebhookEvent::from(failing());
    assert_eq!(decided(&[created()], &WebhookCommand::NoteFailing(failing())), Ok(vec![noted.clone()]));
    assert_eq!(decided(&[created(), noted.clone()], &WebhookCommand::NoteFailing(failing())), Ok(vec![]));
    assert_eq!(decided(&[created(), noted.clone()], &note(0, 10)), Ok(vec![delivered(10)]));
    let state = WebhookDecider::fold(&[created(), noted, delivered(11)]).unwrap();
    assert_eq!((state.failing_since, state.cursor), (None, 11));
}

#[test]
fn who_was_given_up_goes_on_when_its_owner_says_so() {
    let give_up = WebhookCommand::GiveUp { because: PausedBecause::Gone, at: AT };
    assert_eq!(decided(&[created()], &give_up), Ok(vec![paused(PausedBecause::Gone)]));
    let given = [created(), failing().into(), paused(PausedBecause::Failing)];
    assert_eq!(decided(&given, &give_up), Ok(vec![]));
    let resumed = decided(&given, &change(|_, _, _, paused| *paused = Some(false))).unwrap();
    assert_eq!(names(&resumed), ["webhook_resumed"]);
    let state = WebhookDecider::fold(given.iter().chain(&resumed)).unwrap();
    assert_eq!((state.paused, state.failing_since), (None, None));
}
