//! People and their sessions.
#![expect(clippy::unwrap_used, reason = "in a test an unwrap says enough")]

mod support;

use support::{Backing, World};
use tidings_domain::{
    KeyId, Pair, Personal, SessionId, StreamId, Timestamp, UserId,
    contact::{ContactAccepted, ContactEnded, ContactEvent, ContactRequested, Ending, PersonBlocked, PersonUnblocked},
    devices::{DevicePublished, DeviceRemoved, DevicesEvent, KeyPackageClaimed, PublishedKeys},
    factor::{FactorEvent, TotpCodeUsed, TotpDisabled, TotpEnabled, TotpOffered},
    session::{SessionClosed, SessionClosedBecause, SessionEvent, SessionRefreshed, TokenHash},
    user::{Change, ProfileChange, UserEvent, UserPasswordChanged, UserProfileChanged, UserRoleGranted, UserSuspended},
    values::{DeviceId, Email, PersonName, PublicKey, Role, TOTP_SECRET_BYTES, TotpSecret},
};
use tidings_projections::model::{ContactState, UserCursor};

async fn found(world: &World, query: &str) -> Vec<String> {
    let queries = world.settled().await;
    let (mut names, mut cursor) = (Vec::new(), None::<UserCursor>);
    loop {
        let page = queries.search_users(query, cursor.as_ref(), 2).await.unwrap();
        names.extend(page.items.into_iter().filter_map(|user| user.username));
        cursor = page.next;
        if cursor.is_none() {
            return names;
        }
    }
}

fn change(key: KeyId, at: Timestamp, change: ProfileChange) -> UserEvent {
    UserProfileChanged { key, at, change: Personal::Clear(change) }.into()
}

async fn people_are_found_by_the_beginning_of_any_word_of_their_names(on: Backing) {
    let mut world = World::following(on).await;
    for name in ["ada.lovelace", "adam", "bob", "grace_hopper"] {
        world.user(name).await;
    }
    assert_eq!(found(&world, "AD").await, ["ada.lovelace", "adam"]);
    assert_eq!(found(&world, "lovel").await, ["ada.lovelace"]);
    assert_eq!(found(&world, "ada.l").await, ["ada.lovelace"]);
    assert_eq!(found(&world, "hopper grace").await, ["grace_hopper"]);
    assert_eq!(found(&world, "firstb").await, ["bob"]);
    assert_eq!(found(&world, "zelda").await, Vec::<String>::new());
    assert_eq!(found(&world, " ").await, ["ada.lovelace", "adam", "bob", "grace_hopper"]);
    assert_eq!(found(&world, "first").await.len(), 4);
}

async fn a_profile_follows_its_changes(on: Backing) {
    let mut world = World::following(on).await;
    let ada = world.user("ada").await;
    let (key, at) = (world.person_key(ada), world.now());
    let email = Change::Set(Email::parse("ada@example.org").unwrap());
    let first_name = Change::Set(PersonName::parse("Augusta").unwrap());
    let changes = ProfileChange { email, first_name, ..ProfileChange::default() };
    world.append(StreamId::User(ada), change(key, at, changes)).await;
    let granted = UserRoleGranted { role: Role::Auditor, by: None, at };
    world.append(StreamId::User(ada), UserEvent::from(granted)).await;
    world.append(StreamId::User(ada), UserEvent::from(UserSuspended { by: None, at })).await;
    let queries = world.settled().await;
    let user = queries.user_by_username("ada").await.unwrap().unwrap();
    assert_eq!((user.id, user.email.as_deref()), (ada, Some("ada@example.org")));
    assert_eq!((user.first_name.as_deref(), user.modified_at), (Some("Augusta"), at));
    assert_eq!((user.roles.as_slice(), user.suspended, user.closed), ([Role::Auditor].as_slice(), true, false));
    assert_eq!(queries.user(ada).await.unwrap(), Some(user));
    assert_eq!(found(&world, "augusta").await, ["ada"]);
    assert_eq!(found(&world, "firstada").await, Vec::<String>::new());
    let cleared = ProfileChange { email: Change::Clear, ..ProfileChange::default() };
    let at = world.now();
    world.append(StreamId::User(ada), change(key, at, cleared)).await;
    assert_eq!(world.settled().await.user(ada).await.unwrap().unwrap().email, None);
    world.assert_verified().await;
}

async fn a_closed_account_has_no_names_and_its_messages_are_tombstones(on: Backing) {
    let mut world = World::following(on).await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let direct = world.direct(ada, bob).await;
    let message = world.send(direct, ada, "remember me not").await;
    world.session(ada, 1).await;
    world.close(ada).await;
    let queries = world.settled().await;
    let user = queries.user(ada).await.unwrap().unwrap();
    assert_eq!((user.username, user.first_name, user.closed), (None, None, true));
    assert_eq!(queries.user_by_username("ada").await.unwrap(), None);
    assert_eq!(queries.sessions(ada, Timestamp::from_millis(0)).await.unwrap(), []);
    assert_eq!(found(&world, "").await, ["bob"]);
    let tombstone = queries.message(bob, message).await.unwrap().unwrap();
    assert_eq!((tombstone.sender.id, tombstone.sender.username, tombstone.body), (ada, None, None));
    assert!(tombstone.deleted_at.is_some());
    assert_eq!(queries.unread(bob, direct).await.unwrap(), 0);
    assert_eq!(queries.users(&[bob, UserId::new(world.uuid()), ada]).await.unwrap().len(), 2);
    world.assert_verified().await;
}

async fn only_open_sessions_are_listed(on: Backing) {
    let mut world = World::following(on).await;
    let ada = world.user("ada").await;
    let mut sessions = Vec::new();
    for _ in 0..4 {
        sessions.push(world.session(ada, 1).await);
    }
    let at = world.now();
    let refreshed = SessionRefreshed { token: TokenHash([1; 32]), at };
    world.append(StreamId::Session(sessions[1]), SessionEvent::from(refreshed)).await;
    let closed = SessionClosed { user: ada, because: SessionClosedBecause::SignedOut, at };
    world.append(StreamId::Session(sessions[2]), SessionEvent::from(closed)).await;
    let ids = async |world: &World, since| -> Vec<SessionId> {
        let open = world.settled().await.sessions(ada, since).await.unwrap();
        open.iter().map(|session| session.id).collect()
    };
    let ever = Timestamp::from_millis(0);
    assert_eq!(ids(&world, ever).await, [sessions[3], sessions[1], sessions[0]]);
    assert_eq!(ids(&world, at).await, [sessions[1]]);

    let (key, password_hash) = (world.person_key(ada), Personal::Clear("hash".to_owned()));
    let changed = UserPasswordChanged { key, at, credential: 2, kept: Some(sessions[0]), password_hash };
    world.append(StreamId::User(ada), UserEvent::from(changed)).await;
    // signed in with the old password just before it was changed, and recorded just after
    world.session(ada, 1).await;
    let new = world.session(ada, 2).await;
    assert_eq!(ids(&world, ever).await, [new, sessions[0]]);
    let session = world.settled().await.session(new).await.unwrap().unwrap();
    assert_eq!((session.user, session.device_name.as_deref()), (ada, Some("phone")));
    world.assert_verified().await;
}

async fn contacts_and_blocks_are_those_of_the_two_and_closed_accounts_are_not_in_them(on: Backing) {
    let mut world = World::following(on).await;
    let (ada, bob, eve) = (world.user("ada").await, world.user("bob").await, world.user("eve").await);
    let (with_bob, with_eve) = (Pair::of(ada, bob).unwrap(), Pair::of(ada, eve).unwrap());
    let at = world.now();
    world.append(StreamId::Contact(with_bob), ContactEvent::from(ContactRequested { by: ada, at })).await;
    world.append(StreamId::Contact(with_eve), ContactEvent::from(ContactRequested { by: eve, at })).await;
    let listed = async |world: &World, who, state| -> Vec<UserId> {
        let queries = world.settled().await;
        let page = queries.contacts(who, state, None, 10).await.unwrap();
        page.items.iter().map(|contact| contact.user.id).collect()
    };
    assert_eq!(listed(&world, ada, ContactState::Outgoing).await, [bob]);
    assert_eq!(listed(&world, ada, ContactState::Incoming).await, [eve]);
    assert_eq!(listed(&world, bob, ContactState::Incoming).await, [ada]);
    for pair in [(with_bob, bob), (with_eve, ada)] {
        let accepted = ContactAccepted { by: pair.1, at };
        world.append(StreamId::Contact(pair.0), ContactEvent::from(accepted)).await;
    }
    assert_eq!(listed(&world, ada, ContactState::Accepted).await, [eve, bob]);
    assert_eq!(world.settled().await.contact_ids(ada, 1).await.unwrap(), [eve]);
    let ended = ContactEnded { by: ada, how: Ending::Blocked, at };
    world.append(StreamId::Contact(with_eve), ContactEvent::from(ended)).await;
    world.append(StreamId::Contact(with_eve), ContactEvent::from(PersonBlocked { by: ada, at })).await;
    world.append(StreamId::Contact(with_bob), ContactEvent::from(PersonBlocked { by: bob, at })).await;
    let queries = world.settled().await;
    assert!(queries.contact(eve, ada).await.unwrap().is_none());
    assert_eq!(queries.contact(bob, ada).await.unwrap().unwrap().state, ContactState::Accepted);
    let blocks = queries.blocks(ada, None, 10).await.unwrap();
    assert_eq!(blocks.items.iter().map(|block| block.user.id).collect::<Vec<_>>(), [eve]);
    assert!(queries.blocks(eve, None, 10).await.unwrap().items.is_empty());
    world.close(eve).await;
    world.close(bob).await;
    assert!(world.settled().await.blocks(ada, None, 10).await.unwrap().items.is_empty());
    assert!(listed(&world, ada, ContactState::Accepted).await.is_empty());
    world.append(StreamId::Contact(with_eve), ContactEvent::from(PersonUnblocked { by: ada, at })).await;
    world.assert_verified().await;
}

async fn a_second_factor_shows_as_long_as_it_is_on(on: Backing) {
    let mut world = World::following(on).await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let (key, at) = (world.person_key(ada), world.now());
    let enabled = |world: &World| {
        let queries = world.views().queries();
        async move { queries.user(ada).await.unwrap().unwrap().mfa_enabled }
    };
    let stream = StreamId::Factor(ada);
    let secret = Personal::Clear(TotpSecret::from_bytes([7; TOTP_SECRET_BYTES]));
    let on_now = TotpEnabled { key, step: 7, at, recovery_codes: Personal::Clear(vec![]) };
    world.append(stream, FactorEvent::from(TotpOffered { key, at, secret })).await;
    world.settled().await;
    assert!(!enabled(&world).await);
    world.append(stream, FactorEvent::from(on_now.clone())).await;
    world.append(stream, FactorEvent::from(TotpCodeUsed { step: 8, at })).await;
    let queries = world.settled().await;
    assert!(enabled(&world).await && !queries.user(bob).await.unwrap().unwrap().mfa_enabled);
    assert!(queries.search_users("ada", None, 5).await.unwrap().items[0].mfa_enabled);
    world.append(stream, FactorEvent::from(TotpDisabled { at })).await;
    world.settled().await;
    assert!(!enabled(&world).await);
    world.append(stream, FactorEvent::from(on_now)).await;
    world.close(ada).await;
    world.settled().await;
    assert!(!enabled(&world).await);
    world.assert_verified().await;
}

fn published(key: KeyId, device: (u32, &str), fresh: bool, left: u32, fallback: Option<u64>) -> DevicesEvent {
    let keys = PublishedKeys {
        device: DeviceId::parse(device.1).unwrap(),
        identity_key: PublicKey::parse("AAAA").unwrap(),
        key_packages: vec![],
        fallback: fallback.map(|_| PublicKey::parse("BBBB").unwrap()),
    };
    let (device, at, keys) = (device.0, Timestamp::from_millis(7), Personal::Clear(keys));
    DevicePublished { key, device, fresh, marks: vec![], fallback_mark: fallback, left, at, keys }.into()
}

async fn devices_follow_what_is_published_claimed_and_removed(on: Backing) {
    let mut world = World::following(on).await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let (key, at, stream) = (world.person_key(ada), world.now(), StreamId::Devices(ada));
    let shown = async |world: &World| {
        let devices = world.settled().await.devices(ada).await.unwrap();
        let shown = |device: tidings_projections::model::Device| (device.id, device.key_packages, device.fallback);
        devices.into_iter().map(shown).collect::<Vec<_>>()
    };
    let is = |id: &str, left, fallback| (id.to_owned(), left, fallback);
    world.append(stream, published(key, (1, "phone"), true, 3, Some(9))).await;
    world.append(stream, published(key, (2, "laptop"), true, 0, None)).await;
    assert_eq!(shown(&world).await, [is("phone", 3, true), is("laptop", 0, false)]);
    let claimed = KeyPackageClaimed { device: 1, published: 1, nth: 0, left: 2, by: bob, at };
    world.append(stream, DevicesEvent::from(claimed)).await;
    world.append(stream, published(key, (2, "laptop"), false, 5, Some(8))).await;
    assert_eq!(shown(&world).await, [is("phone", 2, true), is("laptop", 5, true)]);
    world.append(stream, published(key, (1, "phone"), false, 4, None)).await;
    world.append(stream, published(key, (2, "laptop"), true, 1, None)).await;
    assert_eq!(shown(&world).await, [is("phone", 4, true), is("laptop", 1, false)]);
    world.assert_verified().await;
    world.append(stream, DevicesEvent::from(DeviceRemoved { device: 1, at })).await;
    assert_eq!(shown(&world).await, [is("laptop", 1, false)]);
    assert_eq!(world.settled().await.devices(bob).await.unwrap(), []);
    world.close(ada).await;
    // published just before the account was closed, and recorded just after
    let late = KeyPackageClaimed { device: 2, published: 6, nth: 0, left: 0, by: bob, at };
    world.append(stream, DevicesEvent::from(late)).await;
    assert_eq!(shown(&world).await, []);
    world.assert_verified().await;
}

over_both! {
    contacts_and_blocks_are_those_of_the_two_and_closed_accounts_are_not_in_them,
    a_second_factor_shows_as_long_as_it_is_on,
    devices_follow_what_is_published_claimed_and_removed,
    people_are_found_by_the_beginning_of_any_word_of_their_names,
    a_profile_follows_its_changes,
    a_closed_account_has_no_names_and_its_messages_are_tombstones,
    only_open_sessions_are_listed,
}
