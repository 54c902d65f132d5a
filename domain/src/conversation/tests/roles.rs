//! Who may do what in a group.

use super::{
    ConversationRefusal::{NotAMember, NotAnAdmin, NotTheOwner, OwnerIsFixed},
    MemberRole::{Admin, Member, Owner},
    *,
};

const OWNER: u128 = 1;
const ADMIN: u128 = 2;
const MEMBER: u128 = 3;
const OTHER_ADMIN: u128 = 4;
const OTHER_MEMBER: u128 = 5;
const LEFT: u128 = 6;
const STRANGER: u128 = 7;
const NEWCOMER: u128 = 8;

fn given() -> Vec<ConversationEvent> {
    vec![
        group(&[OWNER, ADMIN, MEMBER, OTHER_ADMIN, OTHER_MEMBER, LEFT]),
        became(ADMIN, Admin, OWNER),
        became(OTHER_ADMIN, Admin, OWNER),
        became(LEFT, Admin, OWNER),
        removed(LEFT, LEFT),
    ]
}

/// Decides a command for the owner, an admin and a plain member; strangers and those who left may never.
fn matrix(command: fn(u128) -> ConversationCommand, allowed: [Result<ConversationEvent, ConversationRefusal>; 3]) {
    let given = given();
    for (by, expected) in [OWNER, ADMIN, MEMBER].into_iter().zip(allowed) {
        assert_eq!(when(&given, &command(by)), expected.map(|event| vec![event]), "by {by}: {:?}", command(by));
    }
    for by in [STRANGER, LEFT] {
        assert_eq!(when(&given, &command(by)), Err(NotAMember), "by {by}: {:?}", command(by));
    }
}

#[test]
fn owner_and_admins_rename() {
    let renamed = |by| {
        let name = Personal::Clear(name("Else"));
        ConversationEvent::from(ConversationRenamed { by: user(by), key: KEY, at: AT, name })
    };
    matrix(|by| rename(by, "Else"), [Ok(renamed(OWNER)), Ok(renamed(ADMIN)), Err(NotAnAdmin)]);
}

#[test]
fn any_member_adds() {
    let event = |by| Ok(added(NEWCOMER, Member, by));
    matrix(|by| add(by, NEWCOMER, None), [OWNER, ADMIN, MEMBER].map(event));
    matrix(|by| add(by, NEWCOMER, Some(Member)), [OWNER, ADMIN, MEMBER].map(event));
}

#[test]
fn owner_and_admins_add_admins() {
    let event = |by| Ok(added(NEWCOMER, Admin, by));
    matrix(|by| add(by, NEWCOMER, Some(Admin)), [event(OWNER), event(ADMIN), Err(NotAnAdmin)]);
}

#[test]
fn owner_and_admins_promote() {
    let event = |by| Ok(became(OTHER_MEMBER, Admin, by));
    matrix(|by| add(by, OTHER_MEMBER, Some(Admin)), [event(OWNER), event(ADMIN), Err(NotAnAdmin)]);
}

#[test]
fn only_the_owner_demotes_an_admin() {
    let event = Ok(became(OTHER_ADMIN, Member, OWNER));
    matrix(|by| add(by, OTHER_ADMIN, Some(Member)), [event, Err(NotTheOwner), Err(NotAnAdmin)]);
}

#[test]
fn an_admin_may_step_down() {
    assert_eq!(when(&given(), &add(ADMIN, ADMIN, Some(Member))), Ok(vec![became(ADMIN, Member, ADMIN)]));
}

#[test]
fn nobody_promotes_themselves() {
    assert_eq!(when(&given(), &add(MEMBER, MEMBER, Some(Admin))), Err(NotAnAdmin));
    assert_eq!(when(&given(), &add(MEMBER, MEMBER, Some(Owner))), Err(NotAnAdmin));
    assert_eq!(when(&given(), &add(ADMIN, ADMIN, Some(Owner))), Err(OwnerIsFixed));
}

#[test]
fn a_group_keeps_its_one_owner() {
    let refused = || [Err(OwnerIsFixed), Err(OwnerIsFixed), Err(NotAnAdmin)];
    matrix(|by| add(by, NEWCOMER, Some(Owner)), refused());
    matrix(|by| add(by, OTHER_MEMBER, Some(Owner)), refused());
    matrix(|by| add(by, OTHER_ADMIN, Some(Owner)), refused());
    matrix(|by| add(by, OWNER, Some(Admin)), refused());
    matrix(|by| add(by, OWNER, Some(Member)), refused());
}

#[test]
fn owner_and_admins_remove_members() {
    let event = |by| Ok(removed(OTHER_MEMBER, by));
    matrix(|by| remove(by, OTHER_MEMBER), [event(OWNER), event(ADMIN), Err(NotAnAdmin)]);
}

#[test]
fn only_the_owner_removes_an_admin() {
    matrix(|by| remove(by, OTHER_ADMIN), [Ok(removed(OTHER_ADMIN, OWNER)), Err(NotTheOwner), Err(NotAnAdmin)]);
}

#[test]
fn nobody_removes_the_owner() {
    assert_eq!(when(&given(), &remove(ADMIN, OWNER)), Err(OwnerIsFixed));
    assert_eq!(when(&given(), &remove(MEMBER, OWNER)), Err(NotAnAdmin));
    assert_eq!(when(&given(), &remove(STRANGER, OWNER)), Err(NotAMember));
    assert_eq!(when(&given(), &remove(LEFT, OWNER)), Err(NotAMember));
}

#[test]
fn a_plain_member_may_not_remove_even_who_is_not_there() {
    assert_eq!(when(&given(), &remove(MEMBER, STRANGER)), Err(NotAnAdmin));
    assert_eq!(when(&given(), &remove(ADMIN, STRANGER)), Ok(vec![]));
}

#[test]
fn every_member_leaves() {
    assert_eq!(when(&given(), &remove(ADMIN, ADMIN)), Ok(vec![removed(ADMIN, ADMIN)]));
    assert_eq!(when(&given(), &remove(MEMBER, MEMBER)), Ok(vec![removed(MEMBER, MEMBER)]));
    assert_eq!(when(&given(), &remove(LEFT, LEFT)), Ok(vec![]));
    assert_eq!(when(&given(), &remove(STRANGER, STRANGER)), Err(NotAMember));
}

#[test]
fn every_member_sends() {
    matrix(send, [OWNER, ADMIN, MEMBER].map(|by| Ok(sent(1, by))));
}

#[test]
fn a_removed_admin_has_no_say_any_more() {
    let given: Vec<_> = given().into_iter().chain([removed(ADMIN, OWNER)]).collect();
    assert_eq!(when(&given, &remove(ADMIN, OTHER_MEMBER)), Err(NotAMember));
    assert_eq!(when(&given, &add(ADMIN, ADMIN, Some(Admin))), Err(NotAMember));
}

fn a_month() -> Option<Retention> {
    Retention::of_days(30).ok()
}

fn keep(by: u128, operates: bool, retention: Option<Retention>) -> ConversationCommand {
    ConversationCommand::KeepFor { by: user(by), operates, retention, at: AT }
}

#[test]
fn owner_and_admins_say_how_long_messages_are_kept() {
    let kept = a_month();
    let event = |by, retention| ConversationEvent::from(RetentionChanged { by: user(by), retention, at: AT });
    matrix(|by| keep(by, false, a_month()), [Ok(event(OWNER, kept)), Ok(event(ADMIN, kept)), Err(NotAnAdmin)]);
    assert_eq!(when(&given(), &keep(STRANGER, true, kept)), Ok(vec![event(STRANGER, kept)]), "an operator");
    assert_eq!(when(&given(), &keep(OWNER, false, None)), Ok(vec![]), "for ever is what they are kept");
    let mut given = given();
    given.push(event(ADMIN, kept));
    assert_eq!(when(&given, &keep(OWNER, false, kept)), Ok(vec![]));
    assert_eq!(when(&given, &keep(OWNER, false, None)), Ok(vec![event(OWNER, None)]));
}

#[test]
fn of_two_neither_says_how_long_the_other_s_messages_are_kept() {
    let given = [direct(&[OWNER, MEMBER])];
    assert_eq!(when(&given, &keep(OWNER, false, a_month())), Err(NotAnAdmin));
    assert_eq!(when(&given, &keep(OWNER, true, a_month())).map(|events| events.len()), Ok(1));
    assert_eq!(when(&[], &keep(OWNER, true, a_month())), Err(ConversationRefusal::NoSuchConversation));
}
