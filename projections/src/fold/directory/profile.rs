//! What a change of the profile or the roles does to a row.

use std::collections::BTreeSet;

use tidings_domain::{
    user::{Change, ProfileChange},
    values::{Email, PersonName, PhoneNumber, Role},
};

use super::{UserRow, parse_roles};

pub(super) fn change_roles(row: &mut UserRow, change: impl FnOnce(&mut BTreeSet<Role>) -> bool) {
    let mut roles: BTreeSet<Role> = parse_roles(&row.roles).collect();
    change(&mut roles);
    row.roles = roles.into_iter().map(Role::as_str).collect::<Vec<_>>().join(" ");
}

/// Sets a column to what the change makes of it.
fn change_column<T>(column: &mut Option<String>, change: &Change<T>, text: fn(&T) -> &str) {
    match change {
        Change::Keep => {}
        Change::Clear => *column = None,
        Change::Set(value) => *column = Some(text(value).to_owned()),
    }
}

pub(super) fn change_profile(row: &mut UserRow, change: &ProfileChange) {
    let ProfileChange { email, phone_number, first_name, last_name } = change;
    change_column(&mut row.email, email, Email::as_str);
    change_column(&mut row.phone_number, phone_number, PhoneNumber::as_str);
    change_column(&mut row.first_name, first_name, PersonName::as_str);
    change_column(&mut row.last_name, last_name, PersonName::as_str);
}
