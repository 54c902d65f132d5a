use super::*;
use crate::{Decider, KeyId, Personal, Timestamp, UserId};
use uuid::Uuid;

const AT: Timestamp = Timestamp::from_millis(1_000);

fn token(n: u8) -> TokenHash {
    TokenHash([n; 32])
}

fn ada() -> UserId {
    UserId::new(Uuid::from_u128(1))
}

fn opened() -> SessionEvent {
    let device = Personal::Clear(None);
    SessionOpened { user: ada(), key: KeyId(1), credential: 1, token: token(1), at: AT, device }.into()
}

fn refreshed(n: u8) -> SessionEvent {
    SessionRefreshed { token: token(n), at: AT }.into()
}

fn closed(because: SessionClosedBecause) -> SessionEvent {
    SessionClosed { user: ada(), because, at: AT }.into()
}

fn refresh(shown: u8, next: u8) -> SessionCommand {
    SessionCommand::Refresh { shown: token(shown), next: token(next), at: AT }
}

fn when(given: &[SessionEvent], command: &SessionCommand) -> Result<Vec<SessionEvent>, SessionRefusal> {
    SessionDecider::decide(&SessionDecider::fold(given), command)
}

#[test]
fn a_refresh_token_serves_once_and_names_its_successor() {
    assert_eq!(when(&[opened()], &refresh(1, 2)), Ok(vec![refreshed(2)]));
    assert_eq!(when(&[opened(), refreshed(2)], &refresh(2, 3)), Ok(vec![refreshed(3)]));
}

#[test]
fn a_used_refresh_token_seen_again_ends_the_session() {
    let given = [opened(), refreshed(2), refreshed(3)];
    let over = closed(SessionClosedBecause::TokenReused);
    assert_eq!(when(&given, &refresh(1, 4)), Ok(vec![over.clone()]));
    let given: Vec<_> = given.into_iter().chain([over]).collect();
    assert_eq!(when(&given, &refresh(3, 4)), Err(SessionRefusal::Ended));
}

#[test]
fn a_made_up_token_is_refused_and_ends_nothing() {
    assert_eq!(when(&[opened()], &refresh(9, 2)), Err(SessionRefusal::WrongToken));
}

#[test]
fn a_session_ends_after_thirty_idle_days() {
    let late = AT.plus_millis(IDLE_LIFETIME + 1);
    let command = SessionCommand::Refresh { shown: token(1), next: token(2), at: late };
    assert_eq!(when(&[opened()], &command), Err(SessionRefusal::Ended));
}

#[test]
fn signing_out_twice_is_signing_out_once() {
    let over = closed(SessionClosedBecause::SignedOut);
    assert_eq!(when(&[opened()], &SessionCommand::Close { at: AT }), Ok(vec![over.clone()]));
    assert_eq!(when(&[opened(), over], &SessionCommand::Close { at: AT }), Ok(vec![]));
}

#[test]
fn a_snapshot_knows_used_tokens_again() {
    let session = SessionDecider::fold(&[opened(), refreshed(2), refreshed(3)]);
    let kept = serde_json::to_vec(&session).unwrap();
    assert_eq!(serde_json::from_slice::<SessionState>(&kept).unwrap(), session);
    assert_eq!(SessionDecider::parts(&session), 2);
}
