//! A session: one sign-in on one device, kept alive by refresh tokens that each serve once
//! (RFC 9700 section 4.14: rotation, and a used token seen again ends the session).

mod decide;
mod events;
#[cfg(test)]
mod tests;

pub use decide::{IDLE_LIFETIME, Session, SessionCommand, SessionDecider, SessionRefusal, SessionState};
pub use events::{SessionClosed, SessionClosedBecause, SessionEvent, SessionOpened, SessionRefreshed, TokenHash};
