//! The directory projection: people, the words they are found by, their open sessions.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, params};
use tidings_domain::{
    Event, SessionId, StreamId, UserId,
    session::{SessionEvent, SessionOpened},
    user::{Change, ProfileChange, UserClosed, UserEvent, UserPasswordChanged, UserRegistered},
    values::{DeviceName, Email, PersonName, PhoneNumber, Role},
};
use tidings_event_store::{DecodedEvent, RecordedEvent};

use super::{error::FoldError, fold::Fold};

/// Folds the events of accounts and sessions.
#[derive(Default)]
pub(super) struct DirectoryFold {
    erased: bool,
}

impl Fold for DirectoryFold {
    fn apply(&mut self, db: &Connection, decoded: &DecodedEvent) -> Result<(), FoldError> {
        match (&decoded.event, decoded.stream) {
            (Event::User(event), StreamId::User(id)) => match event {
                UserEvent::Registered(event) => registered(db, id, event),
                UserEvent::ProfileChanged(event) => {
                    // an address or name that was taken away must leave the files too
                    self.erased = true;
                    profile_changed(db, id, event.at.millis(), event.change.clear())
                }
                UserEvent::PasswordChanged(event) => password_changed(db, id, event),
                UserEvent::RoleGranted(event) => roles(db, id, event.at.millis(), |roles| roles.insert(event.role)),
                UserEvent::RoleRevoked(event) => roles(db, id, event.at.millis(), |roles| roles.remove(&event.role)),
                UserEvent::Suspended(event) => suspended(db, id, true, event.at.millis()),
                UserEvent::Reinstated(event) => suspended(db, id, false, event.at.millis()),
                UserEvent::Closed(event) => {
                    self.erased = true;
                    closed(db, id, event)
                }
            },
            (Event::Session(event), StreamId::Session(id)) => match event {
                SessionEvent::Opened(event) => opened(db, id, event),
                SessionEvent::Refreshed(event) => {
                    db.prepare_cached("UPDATE sessions SET refreshed_at = ? WHERE id = ?")?
                        .execute(params![event.at.millis(), id.as_bytes()])?;
                    Ok(())
                }
                SessionEvent::Closed(_) => {
                    db.prepare_cached("DELETE FROM sessions WHERE id = ?")?.execute([id.as_bytes()])?;
                    Ok(())
                }
            },
            (
                Event::Login(_) | Event::Conversation(_) | Event::Message(_) | Event::Reader(_) | Event::Request(_),
                _,
            ) => Ok(()),
            (Event::User(_) | Event::Session(_), _) => {
                Err(FoldError::data("this event does not belong into this stream"))
            }
        }
    }

    fn flush(&mut self, _db: &Connection) -> Result<(), FoldError> {
        Ok(())
    }

    fn reset(&mut self) {
        self.erased = false;
    }

    fn take_erased(&mut self) -> bool {
        std::mem::take(&mut self.erased)
    }

    fn reserve(&mut self, _db: &Connection, _event: &RecordedEvent) -> Result<Option<i64>, FoldError> {
        Ok(None)
    }

    fn assign(&mut self, _reserved: Option<i64>) {}
}

/// The words of a text that people are found by: letters and digits, in lower case.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

fn registered(db: &Connection, id: UserId, event: &UserRegistered) -> Result<(), FoldError> {
    let (identity, at) = (event.identity.clear(), event.at.millis());
    db.prepare_cached(
        "INSERT INTO users (id, username, email, phone_number, first_name, last_name, created_at, modified_at, imported)
         VALUES (?, ?, ?, ?, ?, ?, ?7, ?7, ?8)",
    )?
    .execute(params![
        id.as_bytes(),
        identity.map(|identity| identity.username.as_str()),
        identity.and_then(|identity| identity.email.as_ref()).map(Email::as_str),
        identity.and_then(|identity| identity.phone_number.as_ref()).map(PhoneNumber::as_str),
        identity.and_then(|identity| identity.first_name.as_ref()).map(PersonName::as_str),
        identity.and_then(|identity| identity.last_name.as_ref()).map(PersonName::as_str),
        at,
        event.imported,
    ])?;
    write_terms(db, id)
}

/// Makes the terms say what the row of the user says.
fn write_terms(db: &Connection, id: UserId) -> Result<(), FoldError> {
    let names = db
        .prepare_cached("SELECT username, first_name, last_name FROM users WHERE id = ?")?
        .query_row([id.as_bytes()], |row| {
            Ok([row.get::<_, Option<String>>(0)?, row.get::<_, Option<String>>(1)?, row.get::<_, Option<String>>(2)?])
        })
        .optional()?
        .ok_or_else(no_such_user)?;
    db.prepare_cached("DELETE FROM name_terms WHERE user = ?")?.execute([id.as_bytes()])?;
    let Some(username) = &names[0] else { return Ok(()) };
    // the whole username is a term too, so that `ada.l` finds ada.lovelace
    let mut terms: BTreeSet<String> = names.iter().flatten().flat_map(|name| words(name)).collect();
    terms.insert(username.clone());
    for term in terms {
        db.prepare_cached("INSERT INTO name_terms VALUES (?, ?, ?)")?.execute(params![
            term,
            id.as_bytes(),
            username
        ])?;
    }
    Ok(())
}

fn no_such_user() -> FoldError {
    FoldError::data("this account is not there")
}

fn touch(db: &Connection, id: UserId, at: i64) -> Result<(), FoldError> {
    let touched =
        db.prepare_cached("UPDATE users SET modified_at = ? WHERE id = ?")?.execute(params![at, id.as_bytes()])?;
    if touched == 1 { Ok(()) } else { Err(no_such_user()) }
}

/// Sets a column to what the change makes of it.
fn change_column<T>(
    db: &Connection,
    id: UserId,
    statement: &str,
    change: &Change<T>,
    text: fn(&T) -> &str,
) -> Result<(), FoldError> {
    let value = match change {
        Change::Keep => return Ok(()),
        Change::Clear => None,
        Change::Set(value) => Some(text(value)),
    };
    db.prepare_cached(statement)?.execute(params![value, id.as_bytes()])?;
    Ok(())
}

fn profile_changed(db: &Connection, id: UserId, at: i64, change: Option<&ProfileChange>) -> Result<(), FoldError> {
    touch(db, id, at)?;
    let Some(ProfileChange { email, phone_number, first_name, last_name }) = change else { return Ok(()) };
    change_column(db, id, "UPDATE users SET email = ? WHERE id = ?", email, Email::as_str)?;
    change_column(db, id, "UPDATE users SET phone_number = ? WHERE id = ?", phone_number, PhoneNumber::as_str)?;
    change_column(db, id, "UPDATE users SET first_name = ? WHERE id = ?", first_name, PersonName::as_str)?;
    change_column(db, id, "UPDATE users SET last_name = ? WHERE id = ?", last_name, PersonName::as_str)?;
    write_terms(db, id)
}

/// Ends the sessions opened under older passwords, but for the one that goes on.
fn password_changed(db: &Connection, id: UserId, event: &UserPasswordChanged) -> Result<(), FoldError> {
    touch(db, id, event.at.millis())?;
    let kept = event.kept.map(|session| *session.as_bytes());
    db.prepare_cached("UPDATE users SET credential = ?, kept_session = ? WHERE id = ?")?.execute(params![
        event.credential,
        kept,
        id.as_bytes()
    ])?;
    db.prepare_cached("DELETE FROM sessions WHERE user = ? AND credential <> ? AND id IS NOT ?")?.execute(params![
        id.as_bytes(),
        event.credential,
        kept
    ])?;
    Ok(())
}

fn roles(
    db: &Connection,
    id: UserId,
    at: i64,
    change: impl FnOnce(&mut BTreeSet<Role>) -> bool,
) -> Result<(), FoldError> {
    let stored: Option<String> = db
        .prepare_cached("SELECT roles FROM users WHERE id = ?")?
        .query_row([id.as_bytes()], |row| row.get(0))
        .optional()?;
    let mut roles: BTreeSet<Role> = parse_roles(&stored.ok_or_else(no_such_user)?).collect();
    change(&mut roles);
    let roles: Vec<&str> = roles.into_iter().map(Role::as_str).collect();
    db.prepare_cached("UPDATE users SET roles = ? WHERE id = ?")?.execute(params![roles.join(" "), id.as_bytes()])?;
    touch(db, id, at)
}

/// Roles as the column keeps them: names with a space between.
pub(super) fn parse_roles(stored: &str) -> impl Iterator<Item = Role> {
    stored.split(' ').filter_map(|role| role.parse().ok())
}

fn suspended(db: &Connection, id: UserId, suspended: bool, at: i64) -> Result<(), FoldError> {
    db.prepare_cached("UPDATE users SET suspended = ? WHERE id = ?")?.execute(params![suspended, id.as_bytes()])?;
    touch(db, id, at)
}

fn closed(db: &Connection, id: UserId, event: &UserClosed) -> Result<(), FoldError> {
    let at = event.at.millis();
    db.prepare_cached(
        "UPDATE users SET username = NULL, email = NULL, phone_number = NULL, first_name = NULL, last_name = NULL,
                roles = '', closed_at = ? WHERE id = ?",
    )?
    .execute(params![at, id.as_bytes()])?;
    db.prepare_cached("DELETE FROM name_terms WHERE user = ?")?.execute([id.as_bytes()])?;
    db.prepare_cached("DELETE FROM sessions WHERE user = ?")?.execute([id.as_bytes()])?;
    touch(db, id, at)
}

/// A session counts only under the present password, or as the one that outlived its change.
fn opened(db: &Connection, id: SessionId, event: &SessionOpened) -> Result<(), FoldError> {
    let honoured: bool = db
        .prepare_cached("SELECT closed_at IS NULL AND (credential = ? OR kept_session IS ?) FROM users WHERE id = ?")?
        .query_row(params![event.credential, id.as_bytes(), event.user.as_bytes()], |row| row.get(0))
        .optional()?
        .ok_or_else(no_such_user)?;
    if honoured {
        let device = event.device.clear().and_then(Option::as_ref).map(DeviceName::as_str);
        db.prepare_cached("INSERT INTO sessions VALUES (?, ?, ?, ?, ?5, ?5)")?.execute(params![
            id.as_bytes(),
            event.user.as_bytes(),
            event.credential,
            device,
            event.at.millis()
        ])?;
    }
    Ok(())
}
