//! What may be done with a session.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{SessionClosed, SessionClosedBecause, SessionEvent, SessionOpened, SessionRefreshed, TokenHash};
use crate::{Decider, KeyId, Personal, Timestamp, UserId, values::DeviceName};

/// How long a session stands without being refreshed, in milliseconds: 30 days.
pub const IDLE_LIFETIME: i64 = 30 * 24 * 3_600_000;

/// How many used tokens a session remembers. One refreshed every five minutes fills it in two weeks; an older token is
/// refused all the same, it only does not end the session.
const REMEMBERED_TOKENS: usize = 4_096;

/// An open or ended session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Whose.
    pub user: UserId,
    /// The number of the password it was opened with.
    pub credential: u32,
    /// When it was last refreshed or opened.
    pub alive_at: Timestamp,
    /// Whether it is over.
    pub closed: bool,
    token: TokenHash,
    /// The first eight bytes of each used token's hash: enough to know one again.
    used: VecDeque<u64>,
}

fn short(token: &TokenHash) -> u64 {
    token.0.iter().take(8).fold(0, |short, byte| short << 8 | u64::from(*byte))
}

/// `None` before it was opened.
pub type SessionState = Option<Session>;

/// What may be asked of a session. That the credentials are right was checked before.
#[derive(Debug, Clone, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum SessionCommand {
    /// Sign in.
    Open {
        /// Who.
        user: UserId,
        /// The key of that person's data.
        key: KeyId,
        /// The number of the password shown.
        credential: u32,
        /// Of the first refresh token.
        token: TokenHash,
        /// What the device is called.
        device: Option<DeviceName>,
        /// Now.
        at: Timestamp,
    },
    /// Exchange a refresh token. A used one closes the session: the answer is then a [`SessionEvent::Closed`].
    Refresh {
        /// Of the token shown.
        shown: TokenHash,
        /// Of the one that follows it.
        next: TokenHash,
        /// Now.
        at: Timestamp,
    },
    /// Sign out.
    Close {
        /// Now.
        at: Timestamp,
    },
}

/// Why a session does not do what it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SessionRefusal {
    /// It was never opened, or is over.
    #[error("this session has ended")]
    Ended,
    /// The token was never this session's.
    #[error("this is not a refresh token of the session")]
    WrongToken,
}

/// Decides about sessions.
#[derive(Debug)]
pub struct SessionDecider;

impl Decider for SessionDecider {
    type Command = SessionCommand;
    type Event = SessionEvent;
    type State = SessionState;
    type Refusal = SessionRefusal;

    fn name(command: &SessionCommand) -> &'static str {
        command.into()
    }

    fn decide(state: &SessionState, command: &SessionCommand) -> Result<Vec<SessionEvent>, SessionRefusal> {
        match (state, command) {
            (None, SessionCommand::Open { user, key, credential, token, device, at }) => Ok(vec![
                SessionOpened {
                    user: *user,
                    key: *key,
                    credential: *credential,
                    token: *token,
                    at: *at,
                    device: Personal::Clear(device.clone()),
                }
                .into(),
            ]),
            (Some(session), SessionCommand::Open { .. }) if !session.closed => Ok(vec![]),
            (Some(_), SessionCommand::Open { .. }) | (None, _) => Err(SessionRefusal::Ended),
            (Some(session), SessionCommand::Refresh { shown, next, at }) => refresh(session, shown, *next, *at),
            (Some(session), SessionCommand::Close { .. }) if session.closed => Ok(vec![]),
            (Some(session), SessionCommand::Close { at }) => {
                Ok(vec![closed(session, SessionClosedBecause::SignedOut, *at)])
            }
        }
    }

    fn evolve(state: &mut SessionState, event: &SessionEvent) {
        match (state, event) {
            (state @ None, SessionEvent::Opened(event)) => {
                *state = Some(Session {
                    user: event.user,
                    credential: event.credential,
                    alive_at: event.at,
                    closed: false,
                    token: event.token,
                    used: VecDeque::new(),
                });
            }
            (Some(session), SessionEvent::Refreshed(event)) => {
                if session.used.len() == REMEMBERED_TOKENS {
                    session.used.pop_front();
                }
                session.used.push_back(short(&session.token));
                session.token = event.token;
                session.alive_at = event.at;
            }
            (Some(session), SessionEvent::Closed(_)) => session.closed = true,
            (Some(_), SessionEvent::Opened(_)) | (None, SessionEvent::Refreshed(_) | SessionEvent::Closed(_)) => {}
        }
    }

    fn opens(_event_name: &str) -> bool {
        false
    }

    /// Refreshing for months makes a long stream.
    fn snapshot_format() -> Option<&'static str> {
        Some("session-1")
    }

    fn parts(state: &SessionState) -> usize {
        state.as_ref().map_or(0, |session| session.used.len())
    }
}

fn refresh(
    session: &Session,
    shown: &TokenHash,
    next: TokenHash,
    at: Timestamp,
) -> Result<Vec<SessionEvent>, SessionRefusal> {
    if session.closed {
        return Err(SessionRefusal::Ended);
    }
    if *shown == session.token {
        return if session.alive_at.plus_millis(IDLE_LIFETIME) < at {
            Err(SessionRefusal::Ended)
        } else {
            Ok(vec![SessionRefreshed { token: next, at }.into()])
        };
    }
    if session.used.contains(&short(shown)) {
        Ok(vec![closed(session, SessionClosedBecause::TokenReused, at)])
    } else {
        Err(SessionRefusal::WrongToken)
    }
}

fn closed(session: &Session, because: SessionClosedBecause, at: Timestamp) -> SessionEvent {
    SessionClosed { user: session.user, because, at }.into()
}
